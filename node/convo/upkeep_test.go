package convo

import (
	"errors"
	"testing"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// TestSweepDropsOldKeys keeps a person's hybrid key for as long again as it was
// good, and no longer.
func TestSweepDropsOldKeys(t *testing.T) {
	p := newPerson(t, "alice")
	for n, tt := range []struct {
		name string
		age  time.Duration
		want error
	}{
		{"good", seal.KeyLifetime - time.Hour, nil},
		{"expired", seal.KeyLifetime + time.Hour, nil},
		{"nearly due", 2*seal.KeyLifetime - time.Hour, nil},
		{"long expired", 2*seal.KeyLifetime + time.Hour, store.ErrNotFound},
	} {
		id := rpc.Identity{byte(n)}
		err := p.store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.PutPeerHybridKey(id, []byte("blob"), testTime().Add(-tt.age))
		})
		if err == nil {
			err = p.engine.Sweep(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		err = p.store.View(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.PeerHybridKey(id)
			return err
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}
