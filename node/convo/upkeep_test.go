package convo

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/message"
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

// TestGiveUp: a message that nobody has receipted for 30 days is called failed, but not as
// soon as the clock says so: it may have been 40 days behind when the message was written.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newPerson(t, "alice"), newPerson(t, "bob")
		a.add(b.link())
		m, err := a.engine.Send(t.Context(), b.id.ID(), &message.Message{Type: message.Chat, ID: message.NewID(), Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		const day = 24 * time.Hour
		for _, tt := range []struct {
			what string
			days time.Duration // how far the clock is ahead of when it was written
			wait time.Duration
			want string
		}{
			{"the clock jumps", 40 * day, 0, StateQueued},
			{"half an hour later", 40 * day, 30 * time.Minute, StateQueued},
			{"it is right again", 0, 30 * time.Minute, StateQueued},
			{"the first look after 30 days", 31 * day, time.Hour, StateQueued},
			{"the next one", 31 * day, time.Hour, StateFailed},
		} {
			a.ahead = tt.days
			time.Sleep(tt.wait)
			err := a.engine.Sweep(t.Context())
			if err == nil {
				err = a.store.View(t.Context(), func(tx *store.Tx) error {
					m, err = tx.Message(m.Conversation, m.Author, m.ID)
					return err
				})
			}
			if err != nil || m.State != tt.want {
				t.Errorf("%s: it is %s, want %s; %v", tt.what, m.State, tt.want, err)
			}
		}
	})
}
