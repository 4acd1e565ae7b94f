package relay

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// vector is a vector of variable size (RFC 9420, section 2.1.2).
func vector(b ...byte) []byte {
	switch n := len(b); {
	case n < 1<<6:
		return append([]byte{byte(n)}, b...)
	case n < 1<<14:
		return append([]byte{0x40 | byte(n>>8), byte(n)}, b...)
	default:
		return append([]byte{0x80 | byte(n>>24), byte(n >> 16), byte(n >> 8), byte(n)}, b...)
	}
}

// makeKeyPackage builds the skeleton of a KeyPackage; only its form is right.
func makeKeyPackage(suite uint16, owner rpc.Identity, notBefore, notAfter time.Time, last bool, filler []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 1}, suite)
	b = append(b, vector(filler...)...)
	b = append(b, vector(2)...)
	b = append(b, vector(owner[:]...)...)
	b = append(append(b, 0, 1), vector(owner[:]...)...)
	for range 5 {
		b = append(b, vector(0, 1)...)
	}
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, uint64(notBefore.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(notAfter.Unix()))
	b = append(b, vector()...)
	b = append(b, vector(make([]byte, 64)...)...)
	var ext []byte
	if last {
		ext = append([]byte{0x0a, 0x0a}, vector(9)...)
		ext = append(append(ext, 0, 0x0a), vector()...)
	}
	b = append(b, vector(ext...)...)
	return append(b, vector(make([]byte, 64)...)...)
}

// fixture is a KeyPackage of package mls, of the key with the zero seed.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseKeyPackage(t *testing.T) {
	owner := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	for name, last := range map[string]bool{"keypackage.hex": false, "lastresort.hex": true} {
		b := fixture(t, name)
		k, err := parseKeyPackage(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if k.suite != 1 || k.lastResort != last || !bytes.Equal(k.identity, owner) {
			t.Errorf("%s: got %+v", name, k)
		}
		if want := time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC); !k.notAfter.Equal(want) {
			t.Errorf("%s: not after: got %v, want %v", name, k.notAfter, want)
		}
		for n := range b {
			if _, err := parseKeyPackage(b[:n]); err == nil {
				t.Errorf("%s: its first %d bytes are taken", name, n)
			}
		}
		if _, err := parseKeyPackage(append(b, 0)); err == nil {
			t.Errorf("%s: a byte too many is taken", name)
		}
	}
}

func FuzzParseKeyPackage(f *testing.F) {
	f.Add(fixture(f, "keypackage.hex"))
	f.Add(fixture(f, "lastresort.hex"))
	f.Add(makeKeyPackage(2, rpc.Identity{1}, time.Unix(0, 0), time.Unix(1<<62, 0), true, make([]byte, 20_000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKeyPackage(b)
		if err == nil && (k.version != mls10 || k.notAfter.Before(time.Unix(0, 0))) {
			t.Errorf("got %+v", k)
		}
	})
}
