package held

import (
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/identity"
)

func newSigner(t *testing.T) mls.Signer {
	t.Helper()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return id.MLS()
}

// TestBounded: few large epochs are held, or many small ones.
func TestBounded(t *testing.T) {
	id := newSigner(t)
	ep, err := mls.Create(mls.GroupConfig{Signer: id, Identity: id.Public()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := mls.CommitConfig{Now: time.Now(), Public: true}
	for range 199 {
		of := newSigner(t)
		kp, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
			Signer: of, Identity: of.Public(), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Add = append(cfg.Add, kp)
	}
	staged, err := ep.Commit(mls.Scratch{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	large, err := staged.Apply(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []*mls.Epoch{ep, large} {
		var h Epochs
		for i := range 1000 {
			name := [16]byte{byte(i), byte(i >> 8)}
			h.Put(name, of)
			h.Put(name, of)
			if h.Get(name) != of || len(h.epochs) > maxHeld || h.members > maxHeldMembers || h.members != len(h.epochs)*of.Size() {
				t.Fatalf("after %d: got %d epochs with %d members", i, len(h.epochs), h.members)
			}
			if i%3 == 0 {
				h.Forget(name)
				h.Forget(name)
			}
		}
	}
}
