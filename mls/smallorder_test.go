package mls

import (
	"errors"
	"testing"
)

// TestSmallOrder: no exchange works with the keys that are refused, and no leaf
// or key package with one is admitted.
func TestSmallOrder(t *testing.T) {
	if len(smallOrder25519) != 7 || len(smallOrder448) != 5 {
		t.Fatalf("got %d and %d points", len(smallOrder25519), len(smallOrder448))
	}
	for _, c := range []struct {
		suite  Suite
		points map[string]bool
		prefix int
	}{
		{X25519_AES128GCM_SHA256_Ed25519, smallOrder25519, 0},
		{MLKEM768X25519_AES128GCM_SHA256_Ed25519, smallOrder25519, 1184},
		{X448_AES256GCM_SHA512_Ed448, smallOrder448, 0},
	} {
		s, err := c.suite.lookup()
		must(t, err)
		_, good, err := s.generateKey()
		must(t, err)
		must(t, s.checkEncryptionKey(good))
		for point := range c.points {
			key := append(append([]byte{}, good[:c.prefix]...), point...)
			if err := s.checkEncryptionKey(key); !errors.Is(err, errMalformed) {
				t.Errorf("%v %x: got %v, want %v", c.suite, point, err, errMalformed)
			}
			if _, err := s.encryptWithLabel(key, "x", nil, nil); err == nil && c.prefix == 0 {
				t.Errorf("%v %x: it can be encrypted to", c.suite, point)
			}
		}
	}
}
