package store

import (
	"slices"
	"testing"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

func TestOutbox(t *testing.T) {
	inTx(t, func(tx *Tx) {
		a := Outgoing{
			Recipient: identity(1), Kind: KindMessage, Frame: []byte("frame"),
			Conversation: id16(1), Message: id16(2), Group: []byte("g"), Created: at(1),
		}
		b := Outgoing{Recipient: identity(2), Kind: KindControl, Payload: []byte("payload"), Created: at(2)}
		c := Outgoing{
			Recipient: identity(1), Kind: KindWelcome, Group: []byte("g"),
			StoredAt: at(5), StoredRelay: transport.Key(id32(5)), DirectAt: at(6),
		}
		_, err := tx.Outgoing(1)
		wantErr(t, err, ErrNotFound)
		for _, o := range []*Outgoing{&a, &b, &c} {
			id, err := tx.AddOutgoing(*o)
			wantErr(t, err, nil)
			o.ID = id
			got, err := tx.Outgoing(id)
			want(t, got, err, *o)
		}
		who, err := tx.Recipients()
		want(t, who, err, []rpc.Identity{identity(1), identity(2)})
		rows, err := tx.UnsealedFor(identity(1), 0)
		want(t, rows, err, []Outgoing{a, c})
		rows, err = tx.UnsealedFor(identity(1), 1)
		want(t, rows, err, []Outgoing{a})
		rows, err = tx.UnsealedFor(identity(2), 0)
		want(t, rows, err, nil)
		n, err := tx.CountOutgoing()
		want(t, n, err, 3)

		relay := transport.Key(id32(9))
		wantErr(t, tx.SealOutgoing(a.ID, []byte("sealed")), nil)
		wantErr(t, tx.MarkStored(a.ID, relay, at(7)), nil)
		wantErr(t, tx.MarkDirect(a.ID, at(8)), nil)
		a.Frame, a.Payload, a.StoredRelay, a.StoredAt, a.DirectAt = nil, []byte("sealed"), relay, at(7), at(8)
		for _, err := range []error{
			tx.SealOutgoing(99, nil), tx.MarkStored(99, relay, at(7)), tx.MarkDirect(99, at(8)),
		} {
			wantErr(t, err, ErrNotFound)
		}
		rows, err = tx.outgoingFor(identity(1), 0)
		want(t, rows, err, []Outgoing{a, c})
		rows, err = tx.outgoingFor(identity(1), 1)
		want(t, rows, err, []Outgoing{a})

		wantErr(t, tx.DeleteOutgoingKind(identity(1), KindWelcome, []byte("h")), nil)
		wantErr(t, tx.DeleteOutgoingKind(identity(2), KindWelcome, []byte("g")), nil)
		n, err = tx.CountOutgoing()
		want(t, n, err, 3)
		wantErr(t, tx.DeleteOutgoingKind(identity(1), KindWelcome, []byte("g")), nil)
		wantErr(t, tx.DeleteOutgoingKind(identity(2), KindControl, nil), nil)
		rows, err = tx.outgoingFor(identity(2), 0)
		want(t, rows, err, nil)
		wantErr(t, tx.DeleteOutgoingMessage(a.Conversation, a.Message), nil)
		n, err = tx.CountOutgoing()
		want(t, n, err, 0)

		id, err := tx.AddOutgoing(a)
		if err != nil || id <= c.ID {
			t.Errorf("got id %d, %v: an id came again", id, err)
		}
		for range 2 {
			wantErr(t, tx.DeleteOutgoing(id), nil)
		}
		_, err = tx.Outgoing(id)
		wantErr(t, err, ErrNotFound)
	})
}

// TestWelcomeFirst: nothing of a group is fresh while its Welcome waits to be sealed.
func TestWelcomeFirst(t *testing.T) {
	inTx(t, func(tx *Tx) {
		add := func(kind byte, group string, sealed bool) (id int64) {
			o := Outgoing{Recipient: identity(1), Kind: kind, Group: []byte(group)}
			if o.Frame = []byte("frame"); sealed {
				o.Frame, o.Payload = nil, []byte("payload")
			}
			id, err := tx.AddOutgoing(o)
			wantErr(t, err, nil)
			return id
		}
		other := add(KindMessage, "h", true)
		welcome := add(KindWelcome, "g", false)
		message := add(KindMessage, "g", true)
		add(KindControl, "h", false)
		fresh := func(want ...int64) {
			t.Helper()
			rows, err := tx.OutgoingFresh(identity(1), 0)
			wantErr(t, err, nil)
			var got []int64
			for _, r := range rows {
				got = append(got, r.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		fresh(other)
		wantErr(t, tx.SealOutgoing(welcome, []byte("sealed")), nil)
		fresh(other, welcome, message)
	})
}

func TestInbox(t *testing.T) {
	now := at(100)
	s := open(t, Config{Now: func() time.Time { return now }})
	update(t, s, func(tx *Tx) error {
		a := Incoming{Hash: id32(1), Payload: []byte("one"), Depositor: identity(1), Via: "lan", Received: at(1)}
		b := Incoming{Hash: id32(2), Payload: []byte("two"), Via: "mailbox", Received: at(2), Waiting: true}
		c := Incoming{Hash: id32(3), Received: at(3), Depositor: identity(1)}
		for _, in := range []*Incoming{&a, &b, &c} {
			id, dup, err := tx.AddIncoming(*in)
			want(t, dup, err, false)
			in.ID = id
			id, dup, err = tx.AddIncoming(*in)
			want(t, dup, err, true)
			want(t, id, err, in.ID)
		}
		got, err := tx.Incoming(0, 0, false)
		want(t, got, err, []Incoming{a, c})
		got, err = tx.Incoming(0, 1, false)
		want(t, got, err, []Incoming{a})
		got, err = tx.Incoming(a.ID, 0, false)
		want(t, got, err, []Incoming{c})
		got, err = tx.Incoming(0, 0, true)
		want(t, got, err, []Incoming{b})

		wantErr(t, tx.SetWaiting(a.ID), nil)
		wantErr(t, tx.SetWaiting(99), ErrNotFound)
		a.Waiting = true
		got, err = tx.Incoming(0, 0, true)
		want(t, got, err, []Incoming{a, b})
		fresh, waiting, bytes, err := tx.CountIncoming()
		want(t, []int64{int64(fresh), int64(waiting), bytes}, err, []int64{1, 2, 6})

		wantErr(t, tx.DropWaiting(at(2)), nil) // a; it may come again
		_, dup, err := tx.AddIncoming(a)
		want(t, dup, err, false)

		wantErr(t, tx.DoneIncoming(c.ID), nil)
		wantErr(t, tx.DoneIncoming(c.ID), ErrNotFound)
		id, dup, err := tx.AddIncoming(c)
		want(t, dup, err, true)
		want(t, id, err, 0)
		wantErr(t, tx.ForgetSeen(now), nil)
		_, dup, err = tx.AddIncoming(c)
		want(t, dup, err, true)
		wantErr(t, tx.ForgetSeen(now.Add(time.Millisecond)), nil)
		id, dup, err = tx.AddIncoming(c)
		want(t, dup, err, false)
		if id <= c.ID {
			t.Errorf("id %d came again", id)
		}
		return nil
	})
}

func TestDropOldestWaiting(t *testing.T) {
	inTx(t, func(tx *Tx) {
		for n := range byte(5) {
			_, _, err := tx.AddIncoming(Incoming{Hash: id32(n), Waiting: n != 0})
			wantErr(t, err, nil)
		}
		left := func(want ...[32]byte) {
			t.Helper()
			rows, err := tx.Incoming(0, 0, true)
			wantErr(t, err, nil)
			var got [][32]byte
			for _, r := range rows {
				got = append(got, r.Hash)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		wantErr(t, tx.DropOldestWaiting(-1), nil)
		wantErr(t, tx.DropOldestWaiting(0), nil)
		left(id32(1), id32(2), id32(3), id32(4))
		wantErr(t, tx.DropOldestWaiting(3), nil)
		left(id32(4))
		wantErr(t, tx.DropOldestWaiting(3), nil)
		left()
		fresh, _, _, err := tx.CountIncoming()
		want(t, fresh, err, 1)
	})
}

func TestReceiptsDue(t *testing.T) {
	inTx(t, func(tx *Tx) {
		add := func(conversation, author byte, counter uint64) {
			t.Helper()
			wantErr(t, tx.AddReceiptDue(ReceiptDue{
				Conversation: id16(conversation), Author: identity(author), Counter: counter,
			}), nil)
		}
		due := func(author byte) (counters []uint64, all []ReceiptDue) {
			t.Helper()
			all, err := tx.ReceiptsDue(identity(author))
			wantErr(t, err, nil)
			for _, d := range all {
				counters = append(counters, d.Counter)
			}
			return counters, all
		}
		add(2, 1, 1)
		add(1, 1, 1<<63)
		add(1, 1, 3)
		add(1, 1, 2)
		add(1, 1, 3)
		add(1, 2, 9)
		who, err := tx.AuthorsDue()
		want(t, who, err, []rpc.Identity{identity(1), identity(2)})
		counters, sent := due(1)
		want(t, counters, nil, []uint64{2, 3, 1 << 63, 1})
		want(t, sent[3].Conversation, nil, id16(2))

		// While the receipt is on its way one message comes again, one is new.
		add(1, 1, 3)
		add(1, 1, 4)
		wantErr(t, tx.DeleteReceiptsDue(sent), nil)
		counters, sent = due(1)
		want(t, counters, nil, []uint64{3, 4})
		wantErr(t, tx.DeleteReceiptsDue(sent[:1]), nil)
		counters, _ = due(1)
		want(t, counters, nil, []uint64{4})
		counters, _ = due(2)
		want(t, counters, nil, []uint64{9})
		wantErr(t, tx.DeleteReceiptsDue(nil), nil)
	})
}

// TestOutgoingByState finds rows by who has taken them.
func TestOutgoingByState(t *testing.T) {
	inTx(t, func(tx *Tx) {
		var ids []int64
		for _, o := range []Outgoing{
			{},
			{DirectAt: at(5)},
			{StoredAt: at(5)},
			{DirectAt: at(9), StoredAt: at(5)},
			{DirectAt: tx.Now().Add(time.Hour)}, // by a clock that was ahead
			{StoredAt: tx.Now().Add(time.Hour)},
		} {
			o.Recipient, o.Payload, o.Frame = identity(1), []byte("payload"), []byte("frame")
			id, err := tx.AddOutgoing(o)
			wantErr(t, err, nil)
			ids = append(ids, id)
		}
		for _, c := range []struct {
			direct, stored time.Time
			want           []int64
		}{
			{time.Time{}, time.Time{}, nil},
			{at(5), at(5), ids[4:]},
			{at(6), time.Time{}, []int64{ids[1], ids[4]}},
			{time.Time{}, at(6), []int64{ids[2], ids[3], ids[5]}},
			{at(10), at(6), ids[1:]},
		} {
			rows, err := tx.OutgoingTaken(identity(1), c.direct, c.stored)
			wantErr(t, err, nil)
			var got []int64
			for _, row := range rows {
				got = append(got, row.ID)
				if len(row.Payload) != 0 || len(row.Frame) != 0 {
					t.Errorf("row %d: got a payload, want none", row.ID)
				}
			}
			want(t, got, nil, c.want)
		}
		for _, c := range []struct {
			rows func() ([]Outgoing, error)
			want []int64
		}{
			{func() ([]Outgoing, error) { return tx.OutgoingFresh(identity(1), 0) }, ids[:1]},
			{func() ([]Outgoing, error) { return tx.OutgoingStored(identity(1), 0, 0) }, []int64{ids[2], ids[5]}},
			{func() ([]Outgoing, error) { return tx.OutgoingStored(identity(1), ids[2], 0) }, ids[5:]},
			{func() ([]Outgoing, error) { return tx.OutgoingFresh(identity(2), 0) }, nil},
		} {
			rows, err := c.rows()
			wantErr(t, err, nil)
			var got []int64
			for _, row := range rows {
				got = append(got, row.ID)
				want(t, row.Payload, nil, []byte("payload"))
			}
			want(t, got, nil, c.want)
		}
		n, err := tx.CountOutgoingFor(identity(1))
		want(t, n, err, 6)
	})
}

func TestKeepNewestWaiting(t *testing.T) {
	inTx(t, func(tx *Tx) {
		for i := range byte(6) {
			in := Incoming{Hash: id32(i), Payload: []byte{i}, Depositor: identity(1 + i/4), Received: at(1), Waiting: i != 0}
			_, _, err := tx.AddIncoming(in)
			wantErr(t, err, nil)
		}
		wantErr(t, tx.KeepNewestWaiting(identity(1), 2), nil)
		var got []byte
		for _, waiting := range []bool{false, true} {
			rows, err := tx.Incoming(0, 0, waiting)
			wantErr(t, err, nil)
			for _, row := range rows {
				got = append(got, row.Payload...)
			}
		}
		want(t, got, nil, []byte{0, 2, 3, 4, 5})
	})
}

// outgoingFor returns the first limit rows for a recipient, oldest first; 0 means all.
func (t *Tx) outgoingFor(recipient rpc.Identity, limit int) ([]Outgoing, error) {
	return database.List(t.db, scanOutgoing, "SELECT "+outgoingColumns+` FROM outbox
		WHERE recipient = ? ORDER BY id LIMIT ?`, recipient[:], limitRows(limit))
}
