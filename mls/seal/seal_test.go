package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

// owner is somebody who announces hybrid keys.
type owner struct {
	id  [32]byte
	key ed25519.PrivateKey
}

// newOwner derives an owner from one byte.
func newOwner(b byte) owner {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
	return owner{[32]byte(key.Public().(ed25519.PublicKey)), key}
}

func (o owner) sign(domain string, msg []byte) []byte {
	return ed25519.Sign(o.key, append([]byte(domain), msg...))
}

// resign replaces the signature of a changed blob.
func (o owner) resign(blob []byte) []byte {
	signed := blob[:len(blob)-ed25519.SignatureSize]
	return append(bytes.Clone(signed), o.sign(HybridKeyDomain, signed)...)
}

// newKeys returns an owner's private key and the key that others parse.
func newKeys(t testing.TB, o owner) (*PrivateKey, *HybridKey) {
	t.Helper()
	private, err := NewHybridKey(testTime, o.sign)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ParseHybridKey(private.Blob(), o.id, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func TestHybridRoundTrip(t *testing.T) {
	alice := newOwner(1)
	private, public := newKeys(t, alice)
	stored, err := ParsePrivateKey(private.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 1020, 1021, 70000, MaxFrame} {
		frame := make([]byte, n)
		rand.Read(frame)
		payload, err := Seal(public, alice.id, frame)
		if err != nil {
			t.Fatalf("frame of %d bytes: %v", n, err)
		}
		if len(payload) > MaxPayload || len(payload) != hybridOverhead+paddedSize(n) {
			t.Errorf("frame of %d bytes: payload of %d", n, len(payload))
		}
		if kind, err := PayloadKind(payload); kind != KindHybrid || err != nil {
			t.Errorf("kind: got %d, %v", kind, err)
		}
		if id, err := PayloadKeyID(payload); id != private.ID() || err != nil {
			t.Errorf("key id: got %x, %v", id, err)
		}
		for _, key := range []*PrivateKey{private, stored} {
			got, err := key.Open(payload, alice.id)
			if err != nil || !bytes.Equal(got, frame) {
				t.Errorf("frame of %d bytes: did not come back: %v", n, err)
			}
		}
	}
	if _, err := Seal(public, alice.id, make([]byte, MaxFrame+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("frame over the bound: got %v, want %v", err, ErrTooLarge)
	}
}

// TestHybridOpenRefuses: nothing but the whole payload opens, with the one key, for
// the one recipient.
func TestHybridOpenRefuses(t *testing.T) {
	alice, bob := newOwner(1), newOwner(2)
	private, public := newKeys(t, alice)
	payload, err := Seal(public, alice.id, []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := private.Open(payload, alice.id); err != nil {
		t.Fatal(err)
	}
	t.Run("wrong key", func(t *testing.T) {
		other, _ := newKeys(t, alice)
		wantNoOpen(t, payload, ErrOpen, other.hybridOpener(alice))
		renamed := bytes.Clone(payload)
		id := other.ID()
		copy(renamed[1:], id[:])
		wantNoOpen(t, renamed, ErrOpen, other.hybridOpener(alice))
	})
	t.Run("wrong recipient", func(t *testing.T) { wantNoOpen(t, payload, ErrOpen, private.hybridOpener(bob)) })
	// Bob gets back what he sealed: under its key id, and under his own.
	t.Run("reflection", func(t *testing.T) {
		his, _ := newKeys(t, bob)
		wantNoOpen(t, payload, ErrOpen, his.hybridOpener(bob))
		renamed := bytes.Clone(payload)
		id := his.ID()
		copy(renamed[1:], id[:])
		wantNoOpen(t, renamed, ErrOpen, his.hybridOpener(bob))
	})
	refuses(t, payload, private.hybridOpener(alice))
}

func (p *PrivateKey) hybridOpener(o owner) func([]byte) ([]byte, error) {
	return func(payload []byte) ([]byte, error) { return p.Open(payload, o.id) }
}

func wantNoOpen(t *testing.T, payload []byte, want error, open func([]byte) ([]byte, error)) {
	t.Helper()
	if frame, err := open(payload); !errors.Is(err, want) || frame != nil {
		t.Errorf("got %q, %v, want %v", frame, err, want)
	}
}

// refuses changes each byte of a payload, cuts it everywhere, and gives it each
// other kind: it must not open.
func refuses(t *testing.T, payload []byte, open func([]byte) ([]byte, error)) {
	t.Run("changed byte", func(t *testing.T) {
		for i := 1; i < len(payload); i++ {
			changed := bytes.Clone(payload)
			changed[i] ^= 0x10
			wantNoOpen(t, changed, ErrOpen, open)
		}
	})
	t.Run("truncation", func(t *testing.T) {
		for n := range payload {
			if frame, err := open(payload[:n]); err == nil {
				t.Errorf("%d bytes: got %q", n, frame)
			}
		}
		wantNoOpen(t, append(bytes.Clone(payload), 0), ErrOpen, open)
	})
	t.Run("wrong kind", func(t *testing.T) {
		for kind := range 256 {
			if byte(kind) != payload[0] {
				wantNoOpen(t, append([]byte{byte(kind)}, payload[1:]...), ErrKind, open)
			}
		}
	})
}

func TestEpochRoundTrip(t *testing.T) {
	k := EpochKey(bytes.Repeat([]byte{7}, 32))
	for _, n := range []int{0, 1, 1020, 1021, 70000, MaxFrame} {
		frame := make([]byte, n)
		rand.Read(frame)
		payload, err := SealEpoch(k, frame)
		if err != nil {
			t.Fatalf("frame of %d bytes: %v", n, err)
		}
		if len(payload) > MaxPayload || len(payload) != epochOverhead+paddedSize(n) {
			t.Errorf("frame of %d bytes: payload of %d", n, len(payload))
		}
		if !k.Matches(payload) {
			t.Errorf("frame of %d bytes: no match", n)
		}
		got, err := k.Open(payload)
		if err != nil || !bytes.Equal(got, frame) {
			t.Errorf("frame of %d bytes: did not come back: %v", n, err)
		}
	}
	if _, err := SealEpoch(k, make([]byte, MaxFrame+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("frame over the bound: got %v, want %v", err, ErrTooLarge)
	}
	a, _ := SealEpoch(k, nil)
	b, _ := SealEpoch(k, nil)
	if bytes.Equal(a[1:33], b[1:33]) {
		t.Error("one salt was used twice")
	}
}

// TestEpochOpenRefuses: nothing but the whole payload opens, with the one key. That
// its own author cannot be made to read it is for what is inside:
// TestReflection of node/convo.
func TestEpochOpenRefuses(t *testing.T) {
	k, other := EpochKey{1}, EpochKey{2}
	payload, err := SealEpoch(k, make([]byte, 2000)) // as long as one of the other kind
	if err != nil {
		t.Fatal(err)
	}
	t.Run("wrong key", func(t *testing.T) {
		if other.Matches(payload) {
			t.Error("another epoch matches")
		}
		wantNoOpen(t, payload, ErrOpen, other.Open)
	})
	refuses(t, payload, k.Open)
	for i := range payload {
		changed := bytes.Clone(payload)
		changed[i] ^= 0x10
		if k.Matches(changed) != (i >= epochHeader) {
			t.Errorf("byte %d changed: wrong match", i)
		}
	}
}

func TestPayloadKind(t *testing.T) {
	sized := func(kind byte, n int) []byte { return append([]byte{kind}, make([]byte, n-1)...) }
	tests := []struct {
		name    string
		payload []byte
		kind    byte
		err     error
	}{
		{"empty", nil, 0, ErrMalformed},
		{"kind 0", sized(0, 2000), 0, ErrKind},
		{"kind 1", sized(KindReserved, 2000), 0, ErrKind},
		{"kind 4", sized(4, 2000), 0, ErrKind},
		{"kind 255", sized(255, 2000), 0, ErrKind},
		{"least hybrid", sized(KindHybrid, 1149), KindHybrid, nil},
		{"short hybrid", sized(KindHybrid, 1148), 0, ErrMalformed},
		{"least epoch", sized(KindEpoch, 69), KindEpoch, nil},
		{"short epoch", sized(KindEpoch, 68), 0, ErrMalformed},
		{"largest", sized(KindHybrid, MaxPayload), KindHybrid, nil},
		{"too large", sized(KindHybrid, MaxPayload+1), 0, ErrTooLarge},
		{"epoch too large", sized(KindEpoch, MaxPayload+1), 0, ErrTooLarge},
	}
	alice := newOwner(1)
	private, _ := newKeys(t, alice)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, err := PayloadKind(tt.payload)
			if kind != tt.kind || !errors.Is(err, tt.err) {
				t.Errorf("got %d, %v, want %d, %v", kind, err, tt.kind, tt.err)
			}
			if _, err := PayloadKeyID(tt.payload); (err == nil) != (tt.kind == KindHybrid) {
				t.Errorf("key id: got %v", err)
			}
			if tt.err == nil {
				return
			}
			if _, err := private.Open(tt.payload, alice.id); !errors.Is(err, tt.err) {
				t.Errorf("hybrid open: got %v, want %v", err, tt.err)
			}
			if _, err := (EpochKey{}).Open(tt.payload); !errors.Is(err, tt.err) {
				t.Errorf("epoch open: got %v, want %v", err, tt.err)
			}
			if (EpochKey{}).Matches(tt.payload) {
				t.Error("matches")
			}
		})
	}
}

func TestKindsApart(t *testing.T) {
	alice := newOwner(1)
	private, public := newKeys(t, alice)
	hybrid, err := Seal(public, alice.id, []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := SealEpoch(EpochKey{}, bytes.Repeat([]byte("frame"), 1000))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := private.Open(epoch, alice.id); !errors.Is(err, ErrKind) {
		t.Errorf("got %v, want %v", err, ErrKind)
	}
	if _, err := (EpochKey{}).Open(hybrid); !errors.Is(err, ErrKind) {
		t.Errorf("got %v, want %v", err, ErrKind)
	}
}

func TestRedacted(t *testing.T) {
	private, _ := newKeys(t, newOwner(1))
	k := EpochKey(bytes.Repeat([]byte{0xab}, 32))
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("keys", "private", private, "epoch", k)
	if got := strings.Count(out.String(), "[redacted]"); got != 2 {
		t.Errorf("got %q, want both keys redacted", out.String())
	}
	if strings.Contains(out.String(), fmt.Sprintf("%x", k[:4])) {
		t.Error("the key is in the log")
	}
}
