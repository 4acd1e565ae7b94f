package mls

import (
	"bytes"
	"testing"
)

func TestVectorLengths(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		want int
		ok   bool
	}{
		{[]byte{0}, 0, true},
		{[]byte{0x3f}, 63, true},
		{[]byte{0x40, 0x3f}, 0, false}, // not the shortest
		{[]byte{0x40, 0x40}, 64, true},
		{[]byte{0x80, 0, 0x3f, 0xff}, 0, false}, // not the shortest
		{[]byte{0x80, 0, 0x40, 0}, 1 << 14, true},
		{[]byte{0xbf, 0xff, 0xff, 0xff}, 1<<30 - 1, true},
		{[]byte{0xc0, 0, 0, 0, 0, 0, 0, 0}, 0, false}, // eight bytes are not allowed
		{[]byte{0x40}, 0, false},
		{[]byte{0x80, 0, 0}, 0, false},
		{nil, 0, false},
	} {
		r := &reader{b: c.in}
		got := r.length()
		if ok := r.finish() == nil; ok != c.ok || ok && got != c.want {
			t.Errorf("length of %x: got %d, %v, want %d, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

// TestOptional: an optional value is there or not, and says so in one way (RFC 9420,
// §2.1.1): else one tree or commit would have several encodings.
func TestOptional(t *testing.T) {
	for b := range 256 {
		r := &reader{b: []byte{byte(b)}}
		if got := r.optional(); got != (b == 1) || (r.finish() == nil) != (b <= 1) {
			t.Errorf("%d: got %v, %v", b, got, r.err)
		}
	}
	if r := (&reader{}); r.optional() || r.err == nil {
		t.Error("nothing was an optional value")
	}
}

func TestVectorBeyondInput(t *testing.T) {
	r := &reader{b: []byte{0xbf, 0xff, 0xff, 0xff, 1, 2, 3}}
	if b := r.vec(); b != nil || r.err == nil {
		t.Errorf("got %x, %v, want an error", b, r.err)
	}
}

func TestNested(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 1 << 14, 1 << 16} {
		var w writer
		w.u8(7)
		content := bytes.Repeat([]byte{9}, n)
		w.nested(func(w *writer) { w.raw(content) })
		w.u8(8)
		r := &reader{b: w.b}
		if r.u8() != 7 || !bytes.Equal(r.vec(), content) || r.u8() != 8 || r.finish() != nil {
			t.Errorf("vector of %d bytes does not come back", n)
		}
	}
}

// TestVersions: of a message, a key package and a group there is one version (RFC 9420,
// §6, §10, §8.1).
func TestVersions(t *testing.T) {
	a, _ := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	info, err := a.epoch.GroupInfo(true)
	must(t, err)
	for name, msg := range map[string][]byte{
		"key package": encoded(&message{format: WireKeyPackage, keyPackage: a.kp}), "group info": info,
	} {
		for _, at := range []int{0, 4} {
			for _, version := range [][]byte{{0, 0}, {0, 1}, {0, 2}, {1, 1}} {
				b := bytes.Clone(msg)
				copy(b[at:], version)
				if _, err := ParseMessage(b); (err == nil) != bytes.Equal(version, []byte{0, 1}) {
					t.Errorf("%s, version %x at %d: got %v", name, version, at, err)
				}
			}
		}
	}
}

func TestTrailingBytesAreRefused(t *testing.T) {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "a")
	for name, parse := range map[string]func([]byte) error{
		"key package": func(b []byte) error { _, err := ParseKeyPackage(append(m.kp.Bytes(), b...)); return err },
		"secrets":     func(b []byte) error { _, err := ParseKeyPackageSecrets(append(m.secrets.Bytes(), b...)); return err },
		"message": func(b []byte) error {
			_, err := ParseMessage(append(encoded(&message{format: WireKeyPackage, keyPackage: m.kp}), b...))
			return err
		},
	} {
		if err := parse(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := parse([]byte{0}); err == nil {
			t.Errorf("%s with a byte too many was parsed", name)
		}
	}
}
