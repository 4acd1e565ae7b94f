package point

import (
	"encoding/hex"
	"testing"

	"filippo.io/edwards25519"
)

func TestValid(t *testing.T) {
	key := func(s string) [32]byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return [32]byte(b)
	}
	bad := [][32]byte{
		// Not on the curve.
		key("0200000000000000000000000000000000000000000000000000000000000000"),
		// The eight points of small order, and y = 1, y = -1 and y = 0 in
		// encodings that are not canonical.
		key("0100000000000000000000000000000000000000000000000000000000000000"),
		key("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		key("0000000000000000000000000000000000000000000000000000000000000000"),
		key("0000000000000000000000000000000000000000000000000000000000000080"),
		key("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
		key("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
		key("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
		key("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
		key("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		key("0100000000000000000000000000000000000000000000000000000000000080"),
		key("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
	}
	// y = 3 in its canonical form is good, y = p + 3 is the same point.
	good := key("0300000000000000000000000000000000000000000000000000000000000000")
	if _, err := new(edwards25519.Point).SetBytes(good[:]); err != nil {
		t.Fatal(err)
	}
	basePoint := key("5866666666666666666666666666666666666666666666666666666666666666")
	bad = append(bad, key("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))
	for range 2 { // the second time from what is remembered
		for _, b := range bad {
			if Valid(b) {
				t.Errorf("took %x", b)
			}
		}
		if !Valid(good) || !Valid(basePoint) {
			t.Error("refused a good key")
		}
	}
}

// TestKeySetIsBounded: what is remembered is bounded.
func TestKeySetIsBounded(t *testing.T) {
	var s keySet
	for i := range 3 * maxValid {
		k := [32]byte{byte(i), byte(i >> 8), byte(i >> 16)}
		s.add(k)
		if !s.has(k) || len(s.m) > maxValid {
			t.Fatalf("after %d: got %d keys", i, len(s.m))
		}
	}
}
