package mls

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// A transaction is Records over committed ones: commit keeps what was written,
// and without it nothing is. It is cut at its n-th write when cut is not
// negative.
type transaction struct {
	overlay
	cut, writes int
}

func (m *member) begin(cut int) *transaction {
	return &transaction{overlay: overlay{m.records, Scratch{}}, cut: cut}
}

func (x *transaction) step() error {
	x.writes++
	if x.cut >= 0 && x.writes > x.cut {
		return errDisk
	}
	return nil
}

func (x *transaction) Put(key string, value []byte) error {
	if err := x.step(); err != nil {
		return err
	}
	return x.overlay.Put(key, value)
}

func (x *transaction) Delete(key string) error {
	if err := x.step(); err != nil {
		return err
	}
	return x.overlay.Delete(key)
}

func (x *transaction) commit() {
	for key, value := range x.above {
		if value == nil {
			delete(x.below, key)
		} else {
			x.below[key] = value
		}
	}
}

// everyCut runs an operation of a member once for each of its writes, cut off
// there, and at last to the end. What is cut off must hand nothing out and leave
// the member, who loads its epoch again, as it was.
func everyCut(t *testing.T, m *member, what string, run func(r Records) error) {
	t.Helper()
	for n := 0; ; n++ {
		x, before := m.begin(n), m.snapshot()
		m.load()
		err := run(x)
		if !sameRecords(before, m.records) {
			t.Fatalf("%s wrote past the transaction", what)
		}
		if err == nil {
			if n == 0 && what != "stage" {
				t.Errorf("%s writes nothing", what)
			}
			x.commit()
			return
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("%s cut at write %d: got %v, want %v", what, n, err, errDisk)
		}
	}
}

// usedKeys notes the place of each message that was handed out: member, ratchet
// and generation, which are a key and nonce.
type usedKeys map[string]bool

func (u usedKeys) note(t *testing.T, to *member, msg []byte) {
	t.Helper()
	m, err := decodeMessageOf(msg, WirePrivateMessage)
	must(t, err)
	d, err := to.epoch.suite.openSenderData(m.private, to.epoch.secrets.senderData)
	must(t, err)
	place := fmt.Sprint(to.epoch.Number(), ratchetFor(m.private.typ), d.leaf, d.generation)
	if u[place] {
		t.Fatalf("the key of %s is used twice", place)
	}
	u[place] = true
}

// TestCutAtEveryWrite cuts a transaction at each write of each operation, in a
// group that has not talked and in one that has: no key is used twice, and all
// that was handed out is readable, in any order.
func TestCutAtEveryWrite(t *testing.T) {
	for _, s := range []Suite{x25519, P384_AES256GCM_SHA384_P384, MLKEM768X25519_AES128GCM_SHA256_Ed25519} {
		t.Run(s.String(), func(t *testing.T) {
			all := newGroup(t, s, "0", "1", "2", "3", "4")
			for _, m := range all {
				m.reload = true
			}
			used := usedKeys{}
			for _, public := range []bool{false, true} {
				cutMessages(t, used, all[1], all[3])
				cutMessages(t, used, all[3], all[0])
				cutHandshake(t, used, all, public)
			}
			everybodyTalks(t, all)
		})
	}
}

// cutMessages sends and receives out of order.
func cutMessages(t *testing.T, used usedKeys, a, b *member) {
	t.Helper()
	var msgs [][]byte
	for i := range 4 {
		everyCut(t, a, "encrypt", func(r Records) error {
			msg, err := a.epoch.Encrypt(r, nil, fmt.Append(nil, i))
			if err == nil {
				msgs = append(msgs, msg)
			} else if msg != nil {
				t.Fatal("a message was handed out whose key is not recorded")
			}
			return err
		})
		used.note(t, b, msgs[i])
	}
	for _, i := range []int{2, 0, 3, 1} {
		var got Application
		everyCut(t, b, "decrypt", func(r Records) (err error) {
			got, err = b.epoch.Decrypt(r, msgs[i])
			return err
		})
		if !bytes.Equal(got.Data, fmt.Append(nil, i)) {
			t.Fatalf("got %q, want %d", got.Data, i)
		}
		if _, err := b.epoch.Decrypt(b.begin(-1), msgs[i]); !errors.Is(err, ErrReused) {
			t.Fatalf("message %d again: got %v, want %v", i, err, ErrReused)
		}
	}
}

// cutHandshake proposes, commits by reference, and enters the epoch.
func cutHandshake(t *testing.T, used usedKeys, all []*member, public bool) {
	t.Helper()
	a, b := all[0], all[4]
	var p *Proposal
	everyCut(t, b, "propose", func(r Records) (err error) {
		p, err = b.epoch.ProposeUpdate(r, ProposeConfig{})
		return err
	})
	used.note(t, a, p.Message)
	for _, m := range all[:4] {
		everyCut(t, m, "receive", func(r Records) error {
			_, err := m.epoch.Receive(r, p.Message)
			return err
		})
	}
	var s *Staged
	commit := func(r Records) (err error) {
		s, err = a.epoch.Commit(r, CommitConfig{Proposals: [][]byte{p.Reference}, Public: public})
		return err
	}
	if public {
		must(t, commit(a.begin(0)))
	} else {
		everyCut(t, a, "commit", commit)
		used.note(t, b, s.Message())
	}
	for _, m := range all[1:] {
		cutEntering(t, m, s.Message())
	}
	next, err := s.Apply(nil)
	must(t, err)
	a.enter(next)
	sameEpoch(t, all...)
}

// cutEntering enters the epoch of a commit, both epochs in one transaction.
func cutEntering(t *testing.T, m *member, commit []byte) {
	t.Helper()
	for n := 0; ; n++ {
		before := m.snapshot()
		m.load()
		old, scope := m.begin(n), Scratch{}
		staged, err := m.epoch.Stage(old, commit, StageConfig{})
		must(t, err)
		next, err := staged.Apply(old)
		if err == nil {
			rest := &transaction{overlay: overlay{Scratch{}, scope}, cut: n - old.writes}
			if err = next.Save(rest); err == nil {
				old.commit()
				m.epoch, m.records = next, scope
				m.load()
				return
			}
		}
		if !errors.Is(err, errDisk) || !sameRecords(before, m.records) {
			t.Fatalf("cut at write %d: got %v, want %v and the records as they were", n, err, errDisk)
		}
	}
}

// TestWithoutTransaction is why the writes of a call are one transaction: what
// is kept of a call that failed is a message that nobody can read again.
func TestWithoutTransaction(t *testing.T) {
	a, b := twoMembers(t, x25519)
	msg := a.encrypt("1")
	whole := b.begin(-1)
	_, err := b.epoch.Decrypt(whole, msg)
	must(t, err)
	x := b.begin(whole.writes - 1)
	if _, err := b.epoch.Decrypt(x, msg); !errors.Is(err, errDisk) {
		t.Fatalf("got %v, want %v", err, errDisk)
	}
	x.commit()
	if _, err := b.epoch.Decrypt(b.begin(-1), msg); !errors.Is(err, ErrReused) {
		t.Errorf("got %v, want %v", err, ErrReused)
	}
}

// TestRecordBytes: at 1,000 members a message writes less than 1 KiB, also the
// first of the epoch, which takes the secret tree apart.
func TestRecordBytes(t *testing.T) {
	a := newMemberOf(t, x25519, "anna")
	a.create(GroupConfig{})
	var others []*member
	cfg := CommitConfig{Now: now}
	for i := range 999 {
		others = append(others, newMemberOf(t, x25519, fmt.Sprint(i)))
		cfg.Add = append(cfg.Add, others[i].kp)
	}
	s, err := a.epoch.Commit(a.records, cfg)
	must(t, err)
	next, err := s.Apply(nil)
	must(t, err)
	a.enter(next)
	b := others[500]
	b.join(s.Welcome())
	for i := range 4 {
		sent, got := &countingRecords{Scratch: a.records}, &countingRecords{Scratch: b.records}
		msg, err := a.epoch.Encrypt(sent, nil, []byte("hello"))
		must(t, err)
		_, err = b.epoch.Decrypt(got, msg)
		must(t, err)
		t.Logf("message %d: sent %d bytes in %d writes, received %d in %d", i, sent.written, sent.writes, got.written, got.writes)
		if sent.written >= 1<<10 || got.written >= 1<<10 || i > 0 && (sent.written > 100 || got.written > 100) {
			t.Errorf("message %d: sending wrote %d bytes, receiving %d", i, sent.written, got.written)
		}
	}
}
