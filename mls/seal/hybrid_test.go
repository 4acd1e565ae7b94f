package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

func TestNewHybridKey(t *testing.T) {
	alice := newOwner(1)
	private, public := newKeys(t, alice)
	if len(private.Blob()) != BlobSize {
		t.Errorf("blob of %d bytes, want %d", len(private.Blob()), BlobSize)
	}
	if public.id != private.ID() {
		t.Errorf("id: got %x, want %x", public.id, private.ID())
	}
	for _, k := range []interface{ NotBefore() time.Time }{private, public} {
		if !k.NotBefore().Equal(testTime) {
			t.Errorf("not before: got %v, want %v", k.NotBefore(), testTime)
		}
	}
	if want := testTime.Add(KeyLifetime); !private.NotAfter().Equal(want) || !public.notAfter.Equal(want) {
		t.Errorf("not after: got %v, want %v", public.notAfter, want)
	}
	private.Blob()[0] ^= 1
	if private.Blob()[0] != blobVersion {
		t.Error("a caller can change the blob")
	}
	for _, now := range []time.Time{{}, time.UnixMilli(-1), time.UnixMilli(maxTime)} {
		if _, err := NewHybridKey(now, alice.sign); err == nil {
			t.Errorf("key made at %v", now)
		}
	}
}

func TestParseHybridKeyTimes(t *testing.T) {
	alice := newOwner(1)
	private, _ := newKeys(t, alice)
	end := testTime.Add(KeyLifetime)
	tests := []struct {
		name string
		now  time.Time
		err  error
	}{
		{"made now", testTime, nil},
		{"our clock late by a day", testTime.Add(-ClockSkew), nil},
		{"made in the future", testTime.Add(-ClockSkew - time.Millisecond), ErrExpired},
		{"at its end", end, nil},
		{"after its end", end.Add(time.Millisecond), ErrExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseHybridKey(private.Blob(), alice.id, tt.now); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}

func TestParseHybridKeyRefuses(t *testing.T) {
	alice, bob := newOwner(1), newOwner(2)
	private, _ := newKeys(t, alice)
	blob := private.Blob()
	// set returns the blob, signed again, with an unsigned number changed.
	set := func(at int, v uint64) []byte {
		b := bytes.Clone(blob)
		binary.BigEndian.PutUint64(b[at:], v)
		return alice.resign(b)
	}
	notBefore := binary.BigEndian.Uint64(blob[9:])
	badKey := bytes.Clone(blob)
	copy(badKey[25:], bytes.Repeat([]byte{0xff}, 100)) // coefficients over q (FIPS 203, §7.2)
	smallOrder := bytes.Clone(blob)
	clear(smallOrder[25+publicKeySize-x25519Size:][:x25519Size])
	version := bytes.Clone(blob)
	version[0] = 2
	unsigned := bytes.Clone(blob)
	clear(unsigned[len(unsigned)-64:])
	tests := []struct {
		name  string
		blob  []byte
		owner [32]byte
		err   error
	}{
		{"empty", nil, alice.id, ErrMalformed},
		{"short", blob[:BlobSize-1], alice.id, ErrMalformed},
		{"long", append(bytes.Clone(blob), 0), alice.id, ErrMalformed},
		{"huge", make([]byte, 6<<20), alice.id, ErrMalformed},
		{"version", alice.resign(version), alice.id, ErrMalformed},
		{"public key", alice.resign(badKey), alice.id, ErrMalformed},
		{"public key of small order", alice.resign(smallOrder), alice.id, ErrMalformed},
		{"no life", set(17, notBefore), alice.id, ErrMalformed},
		{"ends before it begins", set(17, notBefore-1), alice.id, ErrMalformed},
		{"year 10000", set(17, maxTime+1), alice.id, ErrMalformed},
		{"year of all bits", set(17, 1<<64-1), alice.id, ErrMalformed},
		{"year 9999", set(17, maxTime), alice.id, nil},
		{"unsigned", unsigned, alice.id, ErrSignature},
		{"another owner", blob, bob.id, ErrSignature},
		{"signed by another", bob.resign(blob), alice.id, ErrSignature},
		{"no such owner", blob, [32]byte{2}, ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseHybridKey(tt.blob, tt.owner, testTime); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
	for i := range BlobSize {
		changed := bytes.Clone(blob)
		changed[i] ^= 1
		if _, err := ParseHybridKey(changed, alice.id, testTime); err == nil {
			t.Errorf("taken with byte %d changed", i)
		}
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	alice := newOwner(1)
	private, _ := newKeys(t, alice)
	other, _ := newKeys(t, alice)
	b := private.Bytes()
	mixed := append(bytes.Clone(b[:1+seedSize]), other.Blob()...)
	version := bytes.Clone(b)
	version[0] = 0
	for name, b := range map[string][]byte{
		"empty": nil, "short": b[:len(b)-1], "long": append(bytes.Clone(b), 0),
		"version": version, "blob of another key": mixed,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePrivateKey(b); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want %v", err, ErrMalformed)
			}
		})
	}
}
