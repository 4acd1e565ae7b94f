package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"quicnprotochat/rpc"
)

// queues is what the outbox and the inbox should hold.
type queues struct {
	out  []Outgoing
	in   []Incoming
	seen map[[32]byte]time.Time
}

func (q queues) clone() queues {
	seen := make(map[[32]byte]time.Time)
	for h, at := range q.seen {
		seen[h] = at
	}
	return queues{slices.Clone(q.out), slices.Clone(q.in), seen}
}

// machine runs random steps on a store and on queues; a step is one Update,
// which may fail, and between steps the store may be closed, or crash.
type machine struct {
	t     *rapid.T
	store *Store
	model queues
	now   time.Time
	dir   func() string
	at    string // where the store is
	fail  string
}

var errFault = errors.New("fault")

func (m *machine) open(dir string) {
	s, err := Open(Config{Dir: dir, Now: func() time.Time { return m.now }, Fault: func(step string) error {
		if step == m.fail {
			return errFault
		}
		return nil
	}})
	if err != nil {
		m.t.Fatal(err)
	}
	m.store, m.at = s, dir
}

// step runs fn on the store and on a copy of the model, which becomes the
// model if the store has committed.
func (m *machine) step(fn func(tx *Tx, q *queues) error) {
	m.now = m.now.Add(time.Second)
	q := m.model.clone()
	m.fail = rapid.SampledFrom([]string{"", "", "", FaultBeforeCommit, FaultAfterCommit}).Draw(m.t, "fail")
	err := m.store.Update(context.Background(), func(tx *Tx) error { return fn(tx, &q) })
	if m.fail != "" && !errors.Is(err, errFault) || m.fail == "" && err != nil {
		m.t.Fatalf("with fault %q: %v", m.fail, err)
	}
	if m.fail != FaultBeforeCommit {
		m.model = q
	}
}

func (m *machine) addOutgoing(t *rapid.T) {
	o := Outgoing{
		Recipient: identity(rapid.Byte().Draw(t, "to") % 3), Kind: rapid.ByteRange(1, 4).Draw(t, "kind"),
		Message: id16(rapid.Byte().Draw(t, "message") % 4), Group: []byte{rapid.ByteRange(0, 1).Draw(t, "group")},
		Frame: []byte("frame"), Created: m.now,
	}
	m.step(func(tx *Tx, q *queues) (err error) {
		o.ID, err = tx.AddOutgoing(o)
		q.out = append(q.out, o)
		return err
	})
}

func (m *machine) changeOutgoing(t *rapid.T) {
	if len(m.model.out) == 0 {
		t.Skip()
	}
	i := rapid.IntRange(0, len(m.model.out)-1).Draw(t, "row")
	what := rapid.IntRange(0, 4).Draw(t, "what")
	m.step(func(tx *Tx, q *queues) error {
		o := &q.out[i]
		del := func(match func(Outgoing) bool) { q.out = slices.DeleteFunc(q.out, match) }
		switch what {
		case 0:
			o.Frame, o.Payload = nil, []byte("sealed")
			return tx.SealOutgoing(o.ID, o.Payload)
		case 1:
			o.StoredAt, o.StoredRelay = m.now, id32(1)
			return tx.MarkStored(o.ID, o.StoredRelay, m.now)
		case 2:
			id := o.ID
			del(func(x Outgoing) bool { return x.ID == id })
			return tx.DeleteOutgoing(id)
		case 3:
			msg := o.Message
			del(func(x Outgoing) bool { return x.Message == msg })
			return tx.DeleteOutgoingMessage([16]byte{}, msg)
		}
		to, kind, group := o.Recipient, o.Kind, o.Group
		del(func(x Outgoing) bool { return x.Recipient == to && x.Kind == kind && bytes.Equal(x.Group, group) })
		return tx.DeleteOutgoingKind(to, kind, group)
	})
}

func (m *machine) addIncoming(t *rapid.T) {
	in := Incoming{
		Hash: id32(rapid.Byte().Draw(t, "hash") % 8), Payload: []byte("payload"),
		Depositor: identity(rapid.Byte().Draw(t, "from") % 2), Via: "mailbox", Received: m.now,
		Waiting: rapid.Bool().Draw(t, "waiting"),
	}
	m.step(func(tx *Tx, q *queues) error {
		id, dup, err := tx.AddIncoming(in)
		_, known := q.seen[in.Hash]
		known = known || slices.ContainsFunc(q.in, func(x Incoming) bool { return x.Hash == in.Hash })
		if dup != known {
			t.Errorf("dup is %v, want %v", dup, known)
		}
		if !dup {
			in.ID = id
			q.in = append(q.in, in)
		}
		return err
	})
}

func (m *machine) changeIncoming(t *rapid.T) {
	if len(m.model.in) == 0 {
		t.Skip()
	}
	i := rapid.IntRange(0, len(m.model.in)-1).Draw(t, "row")
	done := rapid.Bool().Draw(t, "done")
	m.step(func(tx *Tx, q *queues) error {
		in := &q.in[i]
		if !done {
			in.Waiting = true
			return tx.SetWaiting(in.ID)
		}
		id := in.ID
		q.seen[in.Hash] = m.now
		q.in = slices.Delete(q.in, i, i+1)
		return tx.DoneIncoming(id)
	})
}

func (m *machine) expire(t *rapid.T) {
	before := m.now.Add(-time.Duration(rapid.IntRange(0, 10).Draw(t, "age")) * time.Second)
	m.step(func(tx *Tx, q *queues) error {
		q.in = slices.DeleteFunc(q.in, func(x Incoming) bool { return x.Waiting && x.Received.Before(before) })
		for h, at := range q.seen {
			if at.Before(before) {
				delete(q.seen, h)
			}
		}
		return errors.Join(tx.DropWaiting(before), tx.ForgetSeen(before))
	})
}

// reopen closes the store, or leaves it for a copy of its files.
func (m *machine) reopen(t *rapid.T) {
	dir := m.at
	if rapid.Bool().Draw(t, "crash") {
		to := m.dir()
		copyFiles(t, dir, to)
		dir = to
	}
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	m.open(dir)
}

// check compares all that can be read.
func (m *machine) check(t *rapid.T) {
	err := m.store.View(context.Background(), func(tx *Tx) error {
		for n := range byte(3) {
			var wantRows []Outgoing
			for _, o := range m.model.out {
				if o.Recipient == identity(n) {
					wantRows = append(wantRows, o)
				}
			}
			got, err := tx.outgoingFor(identity(n), 0)
			want(t, got, err, wantRows)
		}
		var to []rpc.Identity
		for _, o := range m.model.out {
			to = append(to, o.Recipient)
		}
		slices.SortFunc(to, func(a, b rpc.Identity) int { return cmp.Compare(a[0], b[0]) })
		got, err := tx.Recipients()
		want(t, got, err, slices.Compact(to))
		n, err := tx.CountOutgoing()
		want(t, n, err, len(m.model.out))

		var rows [2][]Incoming
		var size int64
		for _, in := range m.model.in {
			size += int64(len(in.Payload))
			if in.Waiting {
				rows[1] = append(rows[1], in)
			} else {
				rows[0] = append(rows[0], in)
			}
		}
		for i, wantRows := range rows {
			got, err := tx.Incoming(0, 0, i == 1)
			want(t, got, err, wantRows)
		}
		fresh, waiting, bytes, err := tx.CountIncoming()
		want(t, []int64{int64(fresh), int64(waiting), bytes}, err, []int64{int64(len(rows[0])), int64(len(rows[1])), size})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestQueuesModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{t: rt, now: at(0), dir: t.TempDir, model: queues{seen: make(map[[32]byte]time.Time)}}
		m.open(t.TempDir())
		defer func() { m.store.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"add outgoing": m.addOutgoing, "change outgoing": m.changeOutgoing,
			"add incoming": m.addIncoming, "change incoming": m.changeIncoming,
			"expire": m.expire, "reopen": m.reopen, "": m.check,
		})
	})
}
