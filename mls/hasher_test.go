package mls

import (
	"crypto/hkdf"
	"crypto/hmac"
	"fmt"
	"testing"
)

// TestHasher: the same as the standard library, for every suite and for keys
// and outputs of all lengths, and nothing is left in what goes back.
func TestHasher(t *testing.T) {
	eachSuite(t, func(t *testing.T, id Suite) {
		s, err := id.lookup()
		must(t, err)
		for n := range 300 {
			key, message := random(n), random(300-n)
			m := hmac.New(s.hash, key)
			m.Write(message)
			same(t, "mac", s.mac(key, message), m.Sum(nil))
			prk, err := hkdf.Extract(s.hash, message, key)
			must(t, err)
			same(t, "extract", s.extract(key, message), prk)
			var info writer
			info.u16(uint16(n))
			info.str("MLS 1.0 label")
			info.vec(message)
			want, err := hkdf.Expand(s.hash, key, string(info.b), n)
			must(t, err)
			got, err := s.expandWithLabel(key, "label", message, n)
			must(t, err)
			same(t, "expand", got, want)
			sum := s.hash()
			sum.Write(key)
			sum.Write(message)
			same(t, "digest", s.digest(key, message), sum.Sum(nil))
		}
	})
}

func TestHasherForgets(t *testing.T) {
	s := suites[0]
	h := &hasher{suite: s, inner: s.hash(), outer: s.hash(), block: make([]byte, 64)}
	h.key(random(32))
	h.w.raw(random(50))
	h.mac(nil)
	h.release()
	for _, b := range [][]byte{h.block, h.sum[:cap(h.sum)], h.w.b[:cap(h.w.b)]} {
		if !allZero(b) {
			t.Error("something is left in a buffer")
		}
	}
	for _, state := range []any{h.inner, h.outer} {
		if got, want := fmt.Sprint(state), fmt.Sprint(s.hash()); got != want {
			t.Errorf("a hash holds %s, want %s", got, want)
		}
	}
}
