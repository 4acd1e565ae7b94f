package inbox

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// keyless opens nothing: it has no key.
type keyless struct{ store *store.Store }

func (k *keyless) Receive(ctx context.Context, in store.Incoming) error {
	if err := k.store.UpdateLazily(ctx, func(tx *store.Tx) error { return tx.SetWaiting(in.ID) }); err != nil {
		return err
	}
	return convo.ErrWaiting
}

// TestFloodOfUnreadable: of what no key opens, few payloads of one machine are kept, and
// those push out none of another's; of all together there are not many either, whoever
// brings them.
func TestFloodOfUnreadable(t *testing.T) {
	run(t, func(t *testing.T, b *Inbox, s *slow) {
		b.cfg.Engine = &keyless{s.store}
		take := func(depositor byte, n uint64) {
			t.Helper()
			payload := binary.BigEndian.AppendUint64([]byte{depositor}, n)
			if _, err := b.Take(t.Context(), rpc.Identity{depositor}, "direct", payload); err != nil {
				t.Fatal(err)
			}
		}
		kept := func() map[byte]int {
			t.Helper()
			time.Sleep(time.Second)
			kept := make(map[byte]int)
			view(t, s.store, func(tx *store.Tx) error {
				rows, err := tx.Incoming(0, 0, true)
				for _, row := range rows {
					kept[row.Payload[0]]++
				}
				return err
			})
			return kept
		}
		take(1, 0)
		for n := range uint64(3 * maxWaitingFrom) {
			take(2, n)
		}
		if got := kept(); got[1] != 1 || got[2] != maxWaitingFrom {
			t.Errorf("kept %d of the first, %d of who poured, want 1 and %d", got[1], got[2], maxWaitingFrom)
		}
		for from := byte(3); from < 3+maxWaiting/maxWaitingFrom+5; from++ {
			for n := range uint64(maxWaitingFrom) {
				take(from, n)
			}
		}
		sum := 0
		for _, n := range kept() {
			sum += n
		}
		if sum > maxWaiting {
			t.Errorf("kept %d of all, want at most %d", sum, maxWaiting)
		}
	})
}
