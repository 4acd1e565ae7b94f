package store

import (
	"math"
	"testing"
)

func TestConversations(t *testing.T) {
	inTx(t, func(tx *Tx) {
		a := Conversation{
			ID: id16(1), Peer: identity(1), Group: []byte("g"),
			Counter: math.MaxUint64, Lamport: 1 << 63, Created: at(1),
		}
		b := Conversation{ID: id16(2), Created: at(2)}
		c := Conversation{ID: id16(3), Created: at(3)} // two without a peer are fine
		_, err := tx.Conversation(a.ID)
		wantErr(t, err, ErrNotFound)
		_, err = tx.ConversationOf(a.Peer)
		wantErr(t, err, ErrNotFound)
		for _, conv := range []Conversation{c, b, a} {
			wantErr(t, tx.PutConversation(conv), nil)
			got, err := tx.Conversation(conv.ID)
			want(t, got, err, conv)
		}
		got, err := tx.ConversationOf(a.Peer)
		want(t, got, err, a)
		_, err = tx.ConversationOf(b.Peer)
		wantErr(t, err, ErrNotFound)
		b.Peer = a.Peer
		wantErr(t, tx.PutConversation(b), ErrConflict)
		b.Peer, b.Group, b.Counter, b.Lamport = identity(2), []byte("h"), 3, 4
		wantErr(t, tx.PutConversation(b), nil)
		all, err := tx.Conversations()
		want(t, all, err, []Conversation{a, b, c})
		all, err = tx.GroupConversations()
		want(t, all, err, []Conversation{c})
	})
}

func TestGroupsAndEpochs(t *testing.T) {
	inTx(t, func(tx *Tx) {
		g := Group{
			ID: []byte("group a"), Conversation: id16(1), Creator: identity(3),
			Counter: math.MaxUint64, Epoch: id16(4), Suite: 0xfffe, Retire: at(5),
		}
		h := Group{ID: []byte("group b"), Conversation: id16(1)}
		other := Group{ID: []byte("group"), Conversation: id16(2)}
		_, err := tx.Group(g.ID)
		wantErr(t, err, ErrNotFound)
		for _, g := range []Group{h, g, other} {
			wantErr(t, tx.PutGroup(g), nil)
			got, err := tx.Group(g.ID)
			want(t, got, err, g)
		}
		h.Epoch = id16(9)
		wantErr(t, tx.PutGroup(h), nil)
		all, err := tx.GroupsOf(id16(1))
		want(t, all, err, []Group{g, h})
		n, err := tx.CountGroups(id16(1))
		want(t, n, err, 2)

		e1 := Epoch{ID: id16(1), Group: g.ID, Number: 1, SealKey: id32(1), Created: at(1)}
		e2 := Epoch{ID: id16(2), Group: g.ID, Number: math.MaxUint64, Created: at(3)}
		f := Epoch{ID: id16(3), Group: h.ID, Number: 7, Created: at(2)}
		_, err = tx.Epoch(e1.ID)
		wantErr(t, err, ErrNotFound)
		for _, e := range []Epoch{e2, e1, f} {
			wantErr(t, tx.PutEpoch(e), nil)
			got, err := tx.Epoch(e.ID)
			want(t, got, err, e)
			wantErr(t, tx.Records(e.ID).Put("k", []byte{1}), nil)
		}
		e2.SealKey = id32(8)
		wantErr(t, tx.PutEpoch(e2), nil)
		epochs, err := tx.Epochs()
		want(t, epochs, err, []Epoch{e2, f, e1})

		for range 2 {
			wantErr(t, tx.DeleteGroup(g.ID), nil)
		}
		for _, e := range []Epoch{e1, e2} {
			v, err := tx.Records(e.ID).Get("k")
			want(t, v, err, nil)
		}
		_, err = tx.Group(g.ID)
		wantErr(t, err, ErrNotFound)
		v, err := tx.Records(f.ID).Get("k")
		want(t, v, err, []byte{1})
		epochs, err = tx.Epochs()
		want(t, epochs, err, []Epoch{f})
	})
}

func TestRecords(t *testing.T) {
	// The shape that package mls asks for.
	type records interface {
		Get(key string) ([]byte, error)
		Put(key string, value []byte) error
		Delete(key string) error
	}
	inTx(t, func(tx *Tx) {
		var a, b records = tx.Records(id16(1)), tx.Records(id16(2))
		got, err := a.Get("k")
		want(t, got, err, nil)
		for _, v := range [][]byte{{}, {1}, make([]byte, 100_000)} {
			wantErr(t, a.Put("k", v), nil)
			got, err := a.Get("k")
			want(t, got, err, v)
		}
		wantErr(t, a.Put("nil", nil), nil)
		got, err = a.Get("nil")
		want(t, got, err, []byte{})
		got, err = b.Get("k")
		want(t, got, err, nil)
		wantErr(t, b.Put("k", []byte{2}), nil)
		for range 2 {
			wantErr(t, a.Delete("k"), nil)
		}
		got, err = a.Get("k")
		want(t, got, err, nil)
		got, err = b.Get("k")
		want(t, got, err, []byte{2})
	})
}
