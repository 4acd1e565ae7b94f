package store

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

func TestMessages(t *testing.T) {
	inTx(t, func(tx *Tx) {
		m := Message{
			Conversation: id16(1), Author: identity(2), ID: id16(3), Type: 1, Body: []byte("hello"),
			Lamport: 1 << 63, Counter: 1<<64 - 1, Sent: at(1), Stored: at(2),
			State: "queued", Path: "none", Relay: transport.Key(id32(4)), Why: "because",
		}
		_, err := tx.Message(m.Conversation, m.Author, m.ID)
		wantErr(t, err, ErrNotFound)
		wantErr(t, tx.InsertMessage(m), nil)
		got, err := tx.Message(m.Conversation, m.Author, m.ID)
		want(t, got, err, m)

		again := m
		again.Stored, again.State, again.Lamport = at(9), "read", 1
		wantErr(t, tx.InsertMessage(again), ErrExists)
		other := m
		other.Body = []byte("other")
		wantErr(t, tx.InsertMessage(other), ErrConflict)
		other = m
		other.Type = 2
		wantErr(t, tx.InsertMessage(other), ErrConflict)
		got, err = tx.Message(m.Conversation, m.Author, m.ID)
		want(t, got, err, m)

		m.State, m.Path, m.Relay, m.Why, m.Tries = "stored", "mailbox", transport.Key(id32(7)), "away", []byte("tried")
		wantErr(t, tx.SetMessageState(m), nil)
		got, err = tx.Message(m.Conversation, m.Author, m.ID)
		want(t, got, err, m)
		wantErr(t, tx.SetMessageState(Message{Conversation: m.Conversation, Author: m.Author, ID: id16(9)}), ErrNotFound)

		twin := Message{Conversation: m.Conversation, Author: identity(1), ID: m.ID}
		wantErr(t, tx.InsertMessage(twin), nil)
		all, err := tx.MessageByID(m.ID)
		want(t, all, err, []Message{twin, m})
		all, err = tx.MessageByID(id16(9))
		want(t, all, err, nil)
	})
}

// TestHistory compares with sorting in memory.
func TestHistory(t *testing.T) {
	inTx(t, func(tx *Tx) {
		var all []Message
		rnd := rand.New(rand.NewPCG(1, 2))
		lamports := []uint64{0, 1, 2, 1 << 63, 1<<64 - 1}
		for n := range byte(60) {
			m := Message{
				Conversation: id16(1), Author: identity(n % 3), ID: id16(n), Type: 1,
				Lamport: lamports[rnd.IntN(len(lamports))], Counter: uint64(rnd.IntN(4)), State: "received",
			}
			all = append(all, m)
			wantErr(t, tx.InsertMessage(m), nil)
			m.Conversation = id16(2)
			wantErr(t, tx.InsertMessage(m), nil)
		}
		slices.SortFunc(all, func(a, b Message) int {
			return cmp.Or(cmp.Compare(a.Lamport, b.Lamport), bytes.Compare(a.Author[:], b.Author[:]),
				cmp.Compare(a.Counter, b.Counter), bytes.Compare(a.ID[:], b.ID[:]))
		})
		got, err := tx.History(id16(1), nil, 0)
		want(t, got, err, all)
		for _, limit := range []int{1, 7, 60, 100} {
			got, err := tx.History(id16(1), nil, limit)
			want(t, got, err, all[max(0, len(all)-limit):])
			for i, m := range all[:len(all)-1] {
				got, err := tx.History(id16(1), &m.ID, limit)
				want(t, got, err, all[i+1:min(len(all), i+1+limit)])
			}
		}
		last := all[len(all)-1]
		got, err = tx.History(id16(1), &last.ID, 0)
		want(t, got, err, nil)
		got, err = tx.HistoryAfter(id16(1), Position{}, 0)
		want(t, got, err, all)
		unknown := id16(99)
		_, err = tx.History(id16(1), &unknown, 0)
		wantErr(t, err, ErrNotFound)
		got, err = tx.History(id16(9), nil, 0)
		want(t, got, err, nil)
	})
}

// TestHistoryPagesEnd pages through a conversation in which an id was used by
// two authors.
func TestHistoryPagesEnd(t *testing.T) {
	inTx(t, func(tx *Tx) {
		for n := range byte(6) {
			m := Message{Conversation: id16(1), Author: identity(n), ID: id16(n % 3), Lamport: uint64(n)}
			wantErr(t, tx.InsertMessage(m), nil)
		}
		first := id16(0)
		after := &first
		for pages := 0; ; pages++ {
			got, err := tx.History(id16(1), after, 1)
			if err != nil || pages > 6 {
				t.Fatalf("page %d: %v", pages, err)
			}
			if len(got) == 0 {
				break
			}
			after = &got[0].ID
		}
	})
}

func TestUnreceiptedAndByCounter(t *testing.T) {
	inTx(t, func(tx *Tx) {
		us, other := identity(1), identity(2)
		add := func(n byte, author rpc.Identity, typ byte, counter uint64, state string) Message {
			m := Message{Conversation: id16(1), Author: author, ID: id16(n), Type: typ, Counter: counter, State: state}
			wantErr(t, tx.InsertMessage(m), nil)
			return m
		}
		stored := add(1, us, 1, 30, "stored")
		queued := add(2, us, 1, 10, "queued")
		direct := add(3, us, 2, 20, "direct")
		delivered := add(4, us, 1, 5, "delivered")
		read := add(5, us, 1, 6, "read")
		failed := add(6, us, 1, 7, "failed")
		reaction := add(7, us, 3, 8, "queued")
		add(8, other, 1, 9, "queued")
		got, err := tx.Unreceipted(id16(1), us)
		want(t, got, err, []Message{reaction, queued, direct, stored})
		n, err := tx.CountUnreceipted(id16(1), us)
		want(t, n, err, 4)
		got, err = tx.Unreceipted(id16(2), us)
		want(t, got, err, nil)

		got, err = tx.MessagesByCounter(id16(1), us, 0, 1<<64-1, 0)
		want(t, got, err, []Message{delivered, read, failed, reaction, queued, direct, stored})
		got, err = tx.MessagesByCounter(id16(1), us, 7, 20, 0)
		want(t, got, err, []Message{failed, reaction, queued, direct})
		got, err = tx.MessagesByCounter(id16(1), us, 7, 20, 2)
		want(t, got, err, []Message{failed, reaction})
		got, err = tx.MessagesByCounter(id16(1), us, 31, 40, 0)
		want(t, got, err, nil)
	})
}
