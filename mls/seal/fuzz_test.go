package seal

import (
	"bytes"
	"testing"
)

func FuzzParseHybridKey(f *testing.F) {
	alice := newOwner(1)
	private, _ := newKeys(f, alice)
	f.Add(private.Blob())
	f.Add(private.Blob()[:100])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseHybridKey(b, alice.id, testTime)
		if len(b) < 64 {
			return
		}
		k, err := ParseHybridKey(alice.resign(b), alice.id, testTime)
		if err != nil {
			return
		}
		if _, err := Seal(k, alice.id, []byte("frame")); err != nil {
			// An X25519 key of small order parses, and has no shared secret.
			t.Skip(err)
		}
	})
}

func FuzzParsePrivateKey(f *testing.F) {
	private, _ := newKeys(f, newOwner(1))
	f.Add(private.Bytes())
	f.Add([]byte{privateVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParsePrivateKey(b)
		if err == nil && !bytes.Equal(k.Bytes(), b) {
			t.Error("another key came back")
		}
	})
}

func FuzzOpen(f *testing.F) {
	// The golden file, for all processes of a fuzz run must have the same keys.
	g := golden(f)
	private, err := ParsePrivateKey(g["hybrid-private"])
	if err != nil {
		f.Fatal(err)
	}
	owner, key := [32]byte(g["hybrid-owner"]), EpochKey(g["epoch-key"])
	hybrid, epoch := g["hybrid-payload"], g["epoch-payload"]
	for _, b := range [][]byte{hybrid, epoch, hybrid[:200], epoch[:60], {KindReserved}, {}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, err := PayloadKind(b)
		if _, idErr := PayloadKeyID(b); (idErr == nil) != (err == nil && kind == KindHybrid) {
			t.Errorf("kind %d, %v, but key id %v", kind, err, idErr)
		}
		if frame, err := private.Open(b, owner); err == nil && !bytes.Equal(b, hybrid) {
			t.Errorf("forged %q", frame)
		}
		if frame, err := key.Open(b); err == nil && !bytes.Equal(b, epoch) {
			t.Errorf("forged %q", frame)
		}
	})
}

func FuzzUnpad(f *testing.F) {
	f.Add(appendPadded(nil, []byte("frame")))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := unpad(b)
		if err != nil {
			return
		}
		again, err := unpad(appendPadded(nil, frame))
		if err != nil || !bytes.Equal(again, frame) {
			t.Errorf("got %x, %v, want %x", again, err, frame)
		}
	})
}
