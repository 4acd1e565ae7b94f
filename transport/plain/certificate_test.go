package plain

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
)

func testKey(n string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(n, ed25519.SeedSize)))
}

// TestCertificate pins the certificate of one key, which others pin too: it must
// not change from version to version.
func TestCertificate(t *testing.T) {
	cert, fingerprint, err := Certificate(testKey("a"))
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := Certificate(testKey("a"))
	if err != nil || same != fingerprint || string(again.Certificate[0]) != string(cert.Certificate[0]) {
		t.Errorf("a second time: got %x, %v, want %x", same, err, fingerprint)
	}
	if _, other, _ := Certificate(testKey("b")); other == fingerprint {
		t.Error("another key has the same certificate")
	}
	key := func(n string) (k [32]byte) {
		copy(k[:], testKey(n).Public().(ed25519.PublicKey))
		return k
	}
	if err := verify(key("a"))(cert.Certificate, nil); err != nil {
		t.Errorf("its own key: got %v", err)
	}
	garbage := [][]byte{append([]byte("x"), cert.Certificate[0]...)}
	for _, err := range []error{
		verify(key("b"))(cert.Certificate, nil),
		verify(key("a"))(nil, nil),
		verify(key("a"))(garbage, nil),
		verify(key("a"))([][]byte{cert.Certificate[0], cert.Certificate[0]}, nil),
	} {
		if !errors.Is(err, ErrWrongKey) {
			t.Errorf("got %v, want %v", err, ErrWrongKey)
		}
	}
}

func FuzzVerify(f *testing.F) {
	cert, _, err := Certificate(testKey("a"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cert.Certificate[0])
	check := verify([32]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if check([][]byte{b}, nil) == nil {
			t.Error("a certificate of nobody's was taken")
		}
	})
}
