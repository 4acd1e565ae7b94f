package convo

import (
	"context"
	"testing"

	"quicnprotochat/mls"
	"quicnprotochat/node/store"
)

// TestReceiptsOfOtherConversations: receipts that can no longer be sealed, of a group
// that we have left and of a conversation without one, hold back none of the others.
func TestReceiptsOfOtherConversations(t *testing.T) {
	a, b := newPerson(t, "alice"), newPerson(t, "bob")
	a.add(b.link())
	settle(a, b)
	err := b.store.Update(context.Background(), func(tx *store.Tx) error {
		// Ids that come before that of the pair.
		left := store.Conversation{ID: [16]byte{15: 1}, Group: []byte("left"), Created: testTime()}
		none := store.Conversation{ID: [16]byte{15: 2}, Created: testTime()}
		for _, c := range []store.Conversation{left, none} {
			if err := tx.PutConversation(c); err != nil {
				return err
			}
			if err := tx.AddReceiptDue(store.ReceiptDue{Conversation: c.ID, Author: a.id.ID(), Counter: 1, Read: true}); err != nil {
				return err
			}
		}
		g := store.Group{ID: left.Group, Conversation: left.ID, Epoch: [16]byte{1}, Suite: uint16(mls.MLKEM768X25519_AES128GCM_SHA256_Ed25519)}
		return tx.PutGroup(g)
	})
	if err != nil {
		t.Fatal(err)
	}
	a.send(b, "are you there?")
	settle(a, b)
	a.wantAllDelivered(b)
}
