package mls

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// newGroup makes a group of named members, all in one epoch.
func newGroup(tb testing.TB, s Suite, names ...string) []*member {
	tb.Helper()
	var all []*member
	for _, name := range names {
		all = append(all, newMemberOf(tb, s, name))
	}
	all[0].create(GroupConfig{})
	if len(all) > 1 {
		all[0].add(false, all[1:]...)
	}
	return all
}

// commit makes a commit and enters its epoch; others follow it, or find that it
// removes them.
func (m *member) commit(cfg CommitConfig, others ...*member) *Staged {
	m.tb.Helper()
	cfg.Now = now
	m.load()
	s, err := m.epoch.Commit(m.records, cfg)
	must(m.tb, err)
	next, err := s.Apply(nil)
	must(m.tb, err)
	for _, o := range others {
		o.load()
		staged, err := o.epoch.Stage(o.records, s.Message(), StageConfig{PSKs: cfg.PSKs})
		must(m.tb, err)
		theirs, err := staged.Apply(o.records)
		if staged.RemovesUs() {
			if !errors.Is(err, ErrRemoved) {
				m.tb.Fatalf("%s: got %v, want %v", o.name, err, ErrRemoved)
			}
			continue
		}
		must(m.tb, err)
		o.enter(theirs)
	}
	m.enter(next)
	return s
}

// tell gives a proposal to others.
func (p *Proposal) tell(tb testing.TB, others ...*member) *Proposal {
	tb.Helper()
	for _, o := range others {
		got, err := o.epoch.Receive(o.records, p.Message)
		must(tb, err)
		if !bytes.Equal(got.Reference, p.Reference) {
			tb.Fatalf("%s got another reference", o.name)
		}
	}
	return p
}

// TestPathCommits lives through updates, removes and adds, by value and by
// reference, public and private, saved and loaded before each step.
func TestPathCommits(t *testing.T) {
	eachSuite(t, func(t *testing.T, s Suite) {
		for _, public := range []bool{false, true} {
			all := newGroup(t, s, "anna", "bert", "cleo", "dora", "emil")
			for _, m := range all {
				m.reload = true
			}
			a, b, c, d, e := all[0], all[1], all[2], all[3], all[4]
			cfg := CommitConfig{Public: public}
			for i, m := range all {
				others := slices.Delete(slices.Clone(all), i, i+1)
				m.commit(cfg, others...)
				sameEpoch(t, all...)
			}
			everybodyTalks(t, all)

			// Update and leave by reference; remove and add by value.
			p := ProposeConfig{Public: public}
			update, err := c.epoch.ProposeUpdate(c.records, p)
			must(t, err)
			update.tell(t, a, b, d, e)
			leave, err := d.epoch.ProposeRemove(d.records, d.epoch.OwnLeaf(), p)
			must(t, err)
			leave.tell(t, a, b, c, e)
			f := newMemberOf(t, s, "fred")
			cfg.Proposals, cfg.Remove, cfg.Add = [][]byte{update.Reference, leave.Reference}, []uint32{e.epoch.OwnLeaf()}, []*KeyPackage{f.kp}
			staged := a.commit(cfg, b, c, d, e)
			f.join(staged.Welcome())
			changes := staged.Changes()
			if len(changes.Removed) != 2 || len(changes.Added) != 1 || len(changes.Updated) != 1 || !changes.Path {
				t.Fatalf("got changes %+v", changes)
			}
			all = []*member{a, b, c, f}
			sameEpoch(t, all...)
			everybodyTalks(t, all)
			f.commit(CommitConfig{Public: public}, a, b, c)
			c.commit(CommitConfig{Public: public}, a, b, f)
			sameEpoch(t, all...)
			everybodyTalks(t, all)
			if s != X25519_AES128GCM_SHA256_Ed25519 {
				return
			}
		}
	})
}

// TestRemoveAndAddAgain: one identity is removed and added in one commit.
func TestRemoveAndAddAgain(t *testing.T) {
	all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	again := &member{tb: t, name: "cleo", suite: c.suite, signer: c.signer}
	again.kp, again.secrets = again.newKeyPackage(KeyPackageConfig{})
	s := a.commit(CommitConfig{Remove: []uint32{2}, Add: []*KeyPackage{again.kp}}, b, c)
	again.join(s.Welcome())
	sameEpoch(t, a, b, again)
	everybodyTalks(t, []*member{a, b, again})
}

// TestRemovedReadsNothing: who is removed has no key that anything is encrypted to from then
// on, and decrypts nothing (RFC 9420, §12.4.1).
func TestRemovedReadsNothing(t *testing.T) {
	for _, s := range []Suite{X25519_AES128GCM_SHA256_Ed25519, MLKEM768X25519_AES128GCM_SHA256_Ed25519} {
		for gone := 1; gone < 6; gone++ {
			all := newGroup(t, s, "0", "1", "2", "3", "4", "5")
			for _, m := range all { // keys at all nodes of the tree
				m.commit(CommitConfig{Update: true}, slices.DeleteFunc(slices.Clone(all), func(o *member) bool { return o == m })...)
			}
			removed := all[gone]
			held := make(map[string]bool)
			for _, private := range removed.epoch.private {
				public, err := removed.epoch.suite.hpke.public(private)
				must(t, err)
				held[string(public)] = true
			}
			if len(held) < 3 {
				t.Fatalf("%d has %d keys", gone, len(held))
			}
			stay := slices.Delete(slices.Clone(all), gone, gone+1)
			all[0].commit(CommitConfig{Remove: []uint32{removed.epoch.OwnLeaf()}}, stay[1:]...)
			for _, m := range stay {
				tree := m.epoch.tree
				for x := range nodeIndex(2*tree.leaves - 1) {
					if n := tree.at(x); n != nil && (n.leaf != nil || n.parent != nil) && held[string(n.key())] {
						t.Errorf("%d was removed and has the key of node %d", gone, x)
					}
				}
				if msg, err := removed.epoch.Decrypt(removed.records, m.encrypt("later")); err == nil {
					t.Errorf("%d was removed and reads %q", gone, msg.Data)
				}
			}
			everybodyTalks(t, stay)
		}
	}
}

// TestPathsAtRandom grows and shrinks a group by commits of everybody, and
// checks the tree as somebody who joins would.
func TestPathsAtRandom(t *testing.T) {
	all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "0", "1", "2")
	for i := range 40 {
		committer := all[i*7%len(all)]
		others := slices.DeleteFunc(slices.Clone(all), func(m *member) bool { return m == committer })
		cfg := CommitConfig{Update: i%2 == 0}
		if i%3 > 0 {
			m := newMemberOf(t, committer.suite, fmt.Sprint("new ", i))
			cfg.Add = append(cfg.Add, m.kp)
			all = append(all, m)
		}
		if gone := others[i*5%len(others)]; i%4 == 3 {
			cfg.Remove = append(cfg.Remove, gone.epoch.OwnLeaf())
			all = slices.DeleteFunc(all, func(m *member) bool { return m == gone })
		}
		s := committer.commit(cfg, others...)
		if len(cfg.Add) > 0 {
			all[len(all)-1].join(s.Welcome())
		}
		sameEpoch(t, all...)
		e := committer.epoch
		must(t, e.tree.check(e.context.groupID, e.context.extensions))
		for _, m := range all {
			for x, private := range m.epoch.private {
				public, err := m.epoch.suite.hpke.public(private)
				must(t, err)
				if !bytes.Equal(public, m.epoch.tree.at(x).key()) {
					t.Fatalf("%s holds a key of another node %d", m.name, x)
				}
			}
		}
	}
	everybodyTalks(t, all)
}

// TestGroupContextExtensions changes the extensions, and refuses what a member
// does not support.
func TestGroupContextExtensions(t *testing.T) {
	all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert")
	a, b := all[0], all[1]
	senders := writer{}
	senders.nested(func(w *writer) {
		w.vec(b.signer.Public())
		credential{typ: credentialBasic, identity: []byte("outside")}.encode(w)
	})
	list := []Extension{{ExtensionExternalSenders, senders.b}}
	p, err := b.epoch.ProposeExtensions(b.records, list, ProposeConfig{})
	must(t, err)
	a.commit(CommitConfig{Proposals: [][]byte{p.tell(t, a).Reference}}, b)
	sameEpoch(t, a, b)
	if got := b.epoch.Extensions(); len(got) != 1 || got[0].Type != ExtensionExternalSenders {
		t.Errorf("got %v", got)
	}
	if _, err := a.epoch.Commit(a.records, CommitConfig{Extensions: []Extension{{0xf00f, nil}}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want %v", err, ErrInvalid)
	}
	// An external sender proposes; a member commits it.
	c := &framedContent{groupID: a.epoch.GroupID(), epoch: a.epoch.Number(), sender: sender{senderExternal, 0}, typ: contentProposal}
	c.proposal = &proposal{typ: ProposalRemove, remove: 1}
	msg := &authenticatedContent{WirePublicMessage, c, authData{}}
	must(t, msg.sign(b.signer, a.epoch.encoded))
	out := encoded(&message{format: WirePublicMessage, public: &publicMessage{content: c, auth: msg.auth}})
	got, err := a.epoch.Receive(a.records, out)
	must(t, err)
	if got.Sender != nil || got.Remove != 1 {
		t.Errorf("got %+v", got)
	}
	a.commit(CommitConfig{Extensions: []Extension{}}, b)
	if len(b.epoch.Extensions()) != 0 {
		t.Error("the extensions are still there")
	}
}

// TestPSK mixes pre-shared keys in, external and of an earlier epoch; who joins
// needs them too.
func TestPSK(t *testing.T) {
	all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert")
	a, b := all[0], all[1]
	old, number := a.epoch.ResumptionPSK(), a.epoch.Number()
	b.follow(a.add(false).Message())
	psks := func(id PSKID) ([]byte, error) {
		switch {
		case string(id.ID) == "shared":
			return []byte("a secret of both"), nil
		case id.GroupID != nil && id.Epoch == number:
			return old, nil
		}
		return nil, nil
	}
	c := newMemberOf(t, a.suite, "cleo")
	s := a.commit(CommitConfig{
		Add: []*KeyPackage{c.kp}, PSKs: psks,
		UsePSKs: []PSKID{{ID: []byte("shared")}, {GroupID: a.epoch.GroupID(), Epoch: number}},
	}, b)
	join := JoinConfig{Welcome: s.Welcome(), KeyPackage: c.kp, Secrets: c.secrets, Signer: c.signer}
	if _, err := Join(join); !errors.Is(err, ErrPSK) {
		t.Errorf("got %v, want %v", err, ErrPSK)
	}
	join.PSKs = psks
	e, err := Join(join)
	must(t, err)
	c.enter(e)
	sameEpoch(t, a, b, c)
}

// TestSealedTree leaves the tree out of the Welcome.
func TestSealedTree(t *testing.T) {
	a, b := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna"), newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "bert")
	a.create(GroupConfig{})
	s := a.commit(CommitConfig{Add: []*KeyPackage{b.kp}, TreeBeside: true, Update: true})
	join := JoinConfig{Welcome: s.Welcome(), KeyPackage: b.kp, Secrets: b.secrets, Signer: b.signer}
	if _, err := Join(join); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want %v", err, ErrInvalid)
	}
	join.RatchetTree = s.RatchetTree()
	if bytes.Contains(join.RatchetTree, []byte("anna")) {
		t.Error("the tree beside the Welcome is not sealed")
	}
	e, err := Join(join)
	must(t, err)
	b.enter(e)
	everybodyTalks(t, []*member{a, b})
}

// TestLateProposal: a commit that comes before a proposal that it names is
// refused without a trace, and accepted when the proposal is there.
func TestLateProposal(t *testing.T) {
	all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	p, err := c.epoch.ProposeUpdate(c.records, ProposeConfig{})
	must(t, err)
	if _, err := c.epoch.Receive(c.records, p.Message); !errors.Is(err, ErrOwnMessage) {
		t.Errorf("own proposal: got %v, want %v", err, ErrOwnMessage)
	}
	s := a.commit(CommitConfig{Proposals: [][]byte{p.tell(t, a).Reference}}, c)
	before := b.snapshot()
	if _, err := b.epoch.Stage(b.records, s.Message(), StageConfig{}); !errors.Is(err, ErrUnknownProposal) {
		t.Errorf("got %v, want %v", err, ErrUnknownProposal)
	}
	if !sameRecords(before, b.records) {
		t.Error("the refused commit left a trace")
	}
	p.tell(t, b)
	if _, err := b.epoch.Receive(b.records, p.Message); !errors.Is(err, ErrReused) {
		t.Errorf("the proposal again: got %v, want %v", err, ErrReused)
	}
	b.follow(s.Message())
	sameEpoch(t, all...)
	everybodyTalks(t, all)
}
