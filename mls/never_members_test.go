package mls

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

func neverReplayedUpdate(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	old, err := b.epoch.ProposeUpdate(b.records, ProposeConfig{Public: true})
	must(t, err)
	old.tell(t, a, c)
	a.commit(CommitConfig{}, b, c)
	if _, err := c.epoch.Receive(c.records, old.Message); !errors.Is(err, ErrWrongEpoch) {
		t.Errorf("an old update: got %v, want %v", err, ErrWrongEpoch)
	}
	m, err := decodeMessageOf(old.Message, WirePublicMessage)
	must(t, err)
	update := m.public.content.proposal
	list := map[string][]listed{
		"an old update by reference": {{proposal: update, from: sender{senderMember, 1}, reference: old.Reference}},
		"an old update by value":     {{proposal: update, from: sender{senderMember, 1}}},
		"own remove":                 a.byCommitter(&proposal{typ: ProposalRemove, remove: 0}),
	}
	for name, l := range list {
		msg := pathForge{list: l}.commit(a)
		if _, err := c.epoch.Stage(c.records, msg, StageConfig{}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	own, err := a.epoch.ProposeUpdate(a.records, ProposeConfig{})
	must(t, err)
	own.tell(t, b, c)
	if _, err := a.epoch.Commit(a.records, CommitConfig{Proposals: [][]byte{own.Reference}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("own update: got %v, want %v", err, ErrInvalid)
	}
	leave, err := a.epoch.ProposeRemove(a.records, 0, ProposeConfig{})
	must(t, err)
	leave.tell(t, b, c)
	if _, err := a.epoch.Commit(a.records, CommitConfig{Proposals: [][]byte{leave.Reference}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("own remove: got %v, want %v", err, ErrInvalid)
	}
	b.commit(CommitConfig{Proposals: [][]byte{leave.Reference}}, a, c)
}

// neverPresentTree puts another into the leaf of somebody whose message is
// under way.
func neverPresentTree(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	msg := c.encrypt("on its way")
	commit, err := c.epoch.Commit(c.records, CommitConfig{})
	must(t, err)
	before := *b
	d := newMemberOf(t, x25519, "dora")
	s := a.commit(CommitConfig{Remove: []uint32{2}, Add: []*KeyPackage{d.kp}}, b, c)
	d.join(s.Welcome())
	if d.epoch.OwnLeaf() != 2 {
		t.Fatalf("dora is at %d", d.epoch.OwnLeaf())
	}
	for _, m := range []*member{a, b, d} {
		if _, err := m.epoch.Decrypt(m.records, msg); !errors.Is(err, ErrWrongEpoch) {
			t.Errorf("got %v, want %v", err, ErrWrongEpoch)
		}
		if _, err := m.epoch.Stage(m.records, commit.Message(), StageConfig{}); !errors.Is(err, ErrWrongEpoch) {
			t.Errorf("got %v, want %v", err, ErrWrongEpoch)
		}
	}
	before.decrypt(msg, c, "on its way")
}

func neverWithoutBound(t *testing.T) {
	a, b := twoMembers(t, x25519)
	a.reload, b.reload = false, false
	first := a.encrypt("first")
	for range MaxForward {
		a.encrypt("lost")
	}
	if _, err := b.epoch.Decrypt(b.records, a.encrypt("far")); !errors.Is(err, ErrTooFarAhead) {
		t.Fatalf("got %v, want %v", err, ErrTooFarAhead)
	}
	b.decrypt(first, a, "first")
	r, err := decodeRatchet(a.records["a/0"], 32)
	must(t, err)
	for _, next := range []uint64{1 << 16, 1 << 31, maxGeneration} {
		r.next, r.floor = next, next
		a.records["a/0"] = r.bytes()
		start := time.Now()
		if _, err := b.epoch.Decrypt(b.records, a.encrypt("far")); !errors.Is(err, ErrTooFarAhead) || time.Since(start) > 20*time.Second {
			t.Errorf("generation %d: got %v in %v", next, err, time.Since(start))
		}
	}
}

// neverReadsOn gives a removed member all it ever held and the commit that
// removes it: no ciphertext of the path opens with any of its keys.
func neverReadsOn(t *testing.T) {
	all := newGroup(t, x25519, "0", "1", "2", "3", "4", "5", "6", "7")
	for i, m := range all {
		others := append(append([]*member{}, all[:i]...), all[i+1:]...)
		m.commit(CommitConfig{}, others...)
	}
	for _, by := range []string{"remove", "leave"} {
		gone := all[len(all)-1]
		all = all[:len(all)-1]
		var keys []*privateKey
		for _, key := range gone.epoch.private {
			keys = append(keys, key)
		}
		cfg := CommitConfig{Public: true}
		if by == "leave" {
			p, err := gone.epoch.ProposeRemove(gone.records, gone.epoch.OwnLeaf(), ProposeConfig{})
			must(t, err)
			cfg.Proposals = [][]byte{p.tell(t, all...).Reference}
		} else {
			cfg.Remove = []uint32{gone.epoch.OwnLeaf()}
		}
		s := all[0].commit(cfg, append(all[1:len(all):len(all)], gone)...)
		m, err := decodeMessageOf(s.Message(), WirePublicMessage)
		must(t, err)
		e := all[0].epoch
		context := *e.context
		context.transcriptHash = gone.epoch.context.transcriptHash
		for _, n := range m.public.content.commit.path.nodes {
			for _, c := range n.secrets {
				for _, key := range keys {
					if _, err := e.suite.decryptWithLabel(key, "UpdatePathNode", encoded(&context), c); err == nil {
						t.Fatalf("%s: the next epoch opens for who is gone", by)
					}
				}
			}
		}
		msg := all[1].encrypt("about you")
		if _, err := gone.epoch.Decrypt(gone.records, msg); err == nil {
			t.Errorf("%s: who is gone reads on", by)
		}
		everybodyTalks(t, all)
	}
}

func neverUncheckedLeaf(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	badKeyPackage, err := ParseKeyPackage(resign2(t, newMemberOf(t, x25519, "dora")).Bytes())
	must(t, err)
	update := func(change func(l *leafNode)) []listed {
		l := *c.epoch.tree.leaf(2)
		_, l.encryptionKey, err = c.epoch.suite.hpke.generate()
		must(t, err)
		l.source, l.lifetime = sourceUpdate, Lifetime{}
		change(&l)
		must(t, l.sign(c.signer, c.epoch.context.groupID, 2))
		p := &proposal{typ: ProposalUpdate, update: &l}
		m := c.epoch.frame(contentProposal, nil, true)
		m.content.proposal = p
		must(t, m.sign(c.signer, c.epoch.encoded))
		msg, err := c.epoch.protect(c.records, m)
		must(t, err)
		_, _ = a.epoch.Receive(a.records, msg)
		_, _ = b.epoch.Receive(b.records, msg)
		return []listed{{proposal: p, from: sender{senderMember, 2}, reference: c.epoch.suite.proposalRef(m)}}
	}
	taken := func(key []byte) func(l *leafNode) { return func(l *leafNode) { l.encryptionKey = key } }
	for name, f := range map[string]pathForge{
		"path leaf unsigned":             {signed: func(l *leafNode) { l.signature = random(64) }},
		"path leaf without the suite":    {leaf: func(l *leafNode) { l.capabilities.Suites = []uint16{3} }},
		"path leaf with its old key":     {leaf: taken(a.epoch.tree.leaf(0).encryptionKey)},
		"path leaf with another's key":   {leaf: taken(a.epoch.tree.leaf(2).encryptionKey)},
		"path leaf of a wrong source":    {leaf: func(l *leafNode) { l.source = sourceUpdate }},
		"path leaf, parent hash":         {leaf: func(l *leafNode) { l.parentHash = random(32) }},
		"path leaf, other signature key": {leaf: func(l *leafNode) { l.signatureKey = c.signer.Public() }},
		"add unsigned":                   {list: a.byCommitter(&proposal{typ: ProposalAdd, add: badKeyPackage})},
		"update with its old key":        {list: update(taken(c.epoch.tree.leaf(2).encryptionKey))},
		"update with another's key":      {list: update(taken(c.epoch.tree.leaf(1).encryptionKey))},
		"update without the suite":       {list: update(func(l *leafNode) { l.capabilities.Suites = []uint16{3} })},
		"update by a key package's leaf": {list: update(func(l *leafNode) { l.source = sourceKeyPackage })},
		"update by a path's leaf":        {list: update(func(l *leafNode) { l.source = sourceCommit })},
	} {
		if _, err := b.epoch.Stage(b.records, f.commit(a), StageConfig{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// The clock is no check on another's commit: years later it is followed.
	old := &member{tb: t, name: "old", suite: x25519, signer: newSigner(t, x25519)}
	at := now.AddDate(-3, 0, 0)
	old.kp, old.secrets, err = NewKeyPackage(KeyPackageConfig{
		Signer: old.signer, Identity: []byte("old"), NotBefore: at, NotAfter: at.Add(time.Hour),
	})
	must(t, err)
	if _, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{old.kp}, Now: now}); !errors.Is(err, ErrLifetime) {
		t.Errorf("got %v, want %v", err, ErrLifetime)
	}
	s, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{old.kp}, Now: at})
	must(t, err)
	b.follow(s.Message())
	old.join(s.Welcome())
}

func neverLostSuite(t *testing.T) {
	for _, s := range []Suite{
		P256_AES128GCM_SHA256_P256, P384_AES256GCM_SHA384_P384,
		X448_CHACHA20POLY1305_SHA512_Ed448, MLKEM768X25519_AES128GCM_SHA256_Ed25519,
	} {
		all := newGroup(t, s, "anna", "bert", "cleo")
		for _, m := range all {
			m.reload = true
			var err error
			m.secrets, err = ParseKeyPackageSecrets(m.secrets.Bytes())
			must(t, err)
		}
		everybodyTalks(t, all)
		all[1].commit(CommitConfig{}, all[0], all[2])
		all[2].commit(CommitConfig{}, all[0], all[1])
		sameEpoch(t, all...)
		everybodyTalks(t, all)
	}
}

func neverNoWayBack(t *testing.T) {
	for _, public := range []bool{false, true} {
		all := newGroup(t, x25519, "anna", "bert", "cleo")
		a, b, c := all[0], all[1], all[2]
		again := &member{tb: t, name: "cleo", suite: x25519, signer: c.signer}
		again.kp, again.secrets = again.newKeyPackage(KeyPackageConfig{})
		s := a.commit(CommitConfig{Remove: []uint32{2}, Add: []*KeyPackage{again.kp}, Public: public}, b, c)
		again.join(s.Welcome())
		all[2] = again
		sameEpoch(t, all...)
		everybodyTalks(t, all)
	}
}

// neverGrows: an epoch's records stay as small as those of the first, and
// nobody can make them grow by proposals or skipped messages.
func neverGrows(t *testing.T) {
	all := newGroup(t, x25519, "0", "1", "2", "3", "4")
	size := func(m *member) (n int) {
		for key, value := range m.records {
			n += len(key) + len(value)
		}
		return n
	}
	limit := 0
	for i := range 40 {
		m := all[i%5]
		others := append(append([]*member{}, all[:i%5]...), all[i%5+1:]...)
		if i%4 == 3 {
			p, err := others[0].epoch.ProposeUpdate(others[0].records, ProposeConfig{})
			must(t, err)
			p.tell(t, append(others[1:4:4], m)...)
			m.commit(CommitConfig{Proposals: [][]byte{p.Reference}}, others...)
		} else {
			m.commit(CommitConfig{}, others...)
		}
		for _, m := range all {
			if i == 9 {
				limit = max(limit, size(m)+size(m)/4)
			}
			if i > 9 && size(m) > limit {
				t.Fatalf("epoch %d: %d bytes, at first %d", i, size(m), limit)
			}
		}
	}
	a, b := all[0], all[1]
	for i := range MaxProposals + 1 {
		a.records[recordProposals] = make([]byte, 4)
		p, err := a.epoch.ProposePSK(a.records, PSKID{ID: fmt.Append(nil, i)}, ProposeConfig{Public: true})
		must(t, err)
		_, err = b.epoch.Receive(b.records, p.Message)
		if want := i >= MaxProposals; errors.Is(err, ErrTooMany) != want {
			t.Fatalf("proposal %d: got %v", i, err)
		}
	}
	if _, err := a.epoch.Stage(a.records, bytes.Repeat([]byte{0}, 9), StageConfig{}); err == nil {
		t.Error("zeros were a commit")
	}
}

func neverExternalMore(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	refused := func(name string, s *Staged) {
		t.Helper()
		if _, err := b.epoch.Stage(b.records, s.Message(), StageConfig{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
	refused("a stranger", a.rejoin(newMemberOf(t, x25519, "dora"), nil))
	refused("a member's name with another key", a.rejoin(newMemberOf(t, x25519, "cleo"), nil))
	refused("a pre-shared key", a.rejoin(c, func(cfg *ExternalConfig) {
		cfg.UsePSKs = []PSKID{{ID: []byte("x")}}
		cfg.PSKs = func(PSKID) ([]byte, error) { return []byte("y"), nil }
	}))
	refused("nobody's name, as another", a.rejoin(&member{name: "anna", signer: newSigner(t, x25519)}, nil))
	refused("removes somebody else", a.externalRemove(c, 1))
	back := a.rejoin(c, nil)
	if _, err := b.epoch.Stage(b.records, back.Message(), StageConfig{External: ExternalNone}); !errors.Is(err, ErrInvalid) {
		t.Errorf("none: got %v, want %v", err, ErrInvalid)
	}
	a.follow(back.Message())
	b.follow(back.Message())
	next, err := back.Apply(nil)
	must(t, err)
	c.enter(next)
	sameEpoch(t, all...)
	everybodyTalks(t, all)
}

// externalRemove makes an external commit of somebody that removes any leaf.
func (m *member) externalRemove(who *member, leaf uint32) *Staged {
	m.tb.Helper()
	info, err := m.epoch.GroupInfo(true)
	must(m.tb, err)
	e, kemOutput, err := outsideView(ExternalConfig{GroupInfo: info, Signer: who.signer})
	must(m.tb, err)
	from := sender{typ: senderNewMemberCommit}
	list := []listed{
		{proposal: &proposal{typ: ProposalExternalInit, externalInit: kemOutput}, from: from},
		{proposal: &proposal{typ: ProposalRemove, remove: leaf}, from: from},
	}
	a := e.frame(contentCommit, nil, true)
	a.content.sender = from
	a.content.commit = &commit{proposals: []proposalOrRef{{proposal: list[0].proposal}, {proposal: list[1].proposal}}}
	t, err := e.apply(from, list)
	must(m.tb, err)
	e.own = t.committer
	base := *who.kp.leaf
	if leaf != who.epoch.own { // our old leaf is still there, with our key
		who = newMemberOf(m.tb, who.suite, who.name)
		base, e.signer = *who.kp.leaf, who.signer
	}
	s, err := e.complete(a, list, CommitConfig{}, &base)
	must(m.tb, err)
	s.message, err = e.protect(nil, a)
	must(m.tb, err)
	return s
}
