package mls

import (
	"bytes"
	"testing"
)

func FuzzReceive(f *testing.F) {
	g := newFuzzGroup(f)
	for _, public := range []bool{false, true} {
		cfg := ProposeConfig{Public: public}
		for _, propose := range []func() (*Proposal, error){
			func() (*Proposal, error) { return g.a.epoch.ProposeUpdate(g.a.records, cfg) },
			func() (*Proposal, error) { return g.a.epoch.ProposeRemove(g.a.records, 0, cfg) },
			func() (*Proposal, error) { return g.a.epoch.ProposeAdd(g.a.records, g.c.kp, now, cfg) },
			func() (*Proposal, error) { return g.a.epoch.ProposePSK(g.a.records, PSKID{ID: []byte("x")}, cfg) },
			func() (*Proposal, error) {
				return g.a.epoch.ProposeReInit(g.a.records, ReInit{GroupID: []byte("x"), Suite: 1}, cfg)
			},
		} {
			p, err := propose()
			must(f, err)
			f.Add(p.Message)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := g.b.snapshot()
		if _, err := g.b.epoch.Receive(r, b); err != nil && !sameRecords(r, g.b.records) {
			t.Fatal("a refused proposal left a trace")
		}
	})
}

// FuzzReceiveContents fuzzes a proposal that its member has properly signed,
// and commits what is accepted.
func FuzzReceiveContents(f *testing.F) {
	g := newFuzzGroup(f)
	for _, p := range fuzzProposals(g) {
		f.Add(encoded(p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &reader{b: b}
		p := decodeProposal(d)
		if d.finish() != nil {
			return
		}
		a := g.a.epoch.frame(contentProposal, nil, true)
		a.content.proposal = p
		must(t, a.sign(g.a.signer, g.a.epoch.encoded))
		msg, err := g.a.epoch.protect(nil, a)
		must(t, err)
		r := g.b.snapshot()
		got, err := g.b.epoch.Receive(r, msg)
		if err != nil {
			return
		}
		s, err := g.b.epoch.Commit(r, CommitConfig{Proposals: [][]byte{got.Reference}, Now: now, Public: true})
		if err == nil && s.Epoch() != g.b.epoch.Number()+1 {
			t.Fatal("the next epoch does not follow")
		}
	})
}

// FuzzStagePath fuzzes the nodes of a path that its member has properly signed.
func FuzzStagePath(f *testing.F) {
	g := newFuzzGroup(f)
	s, err := g.a.epoch.Commit(nil, CommitConfig{Public: true})
	must(f, err)
	m, err := decodeMessageOf(s.Message(), WirePublicMessage)
	must(f, err)
	good := m.public.content.commit.path
	f.Add(encoded(good))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &reader{b: b}
		path := decodeUpdatePath(d)
		if d.finish() != nil {
			return
		}
		a := g.a.epoch.frame(contentCommit, nil, true)
		a.content.commit = &commit{path: path}
		must(t, a.sign(g.a.signer, g.a.epoch.encoded))
		a.auth.confirmationTag = random(32)
		msg, err := g.a.epoch.protect(nil, a)
		must(t, err)
		if _, err := g.b.epoch.Stage(nil, msg, StageConfig{}); err == nil {
			t.Fatal("a commit whose confirmation tag cannot be right was accepted")
		}
	})
}

// FuzzGroupInfo fuzzes a GroupInfo and the tree beside it; what is accepted is
// used for an external commit.
func FuzzGroupInfo(f *testing.F) {
	g := newFuzzGroup(f)
	for _, with := range []bool{false, true} {
		info, err := g.a.epoch.GroupInfo(with)
		must(f, err)
		f.Add(info, g.a.epoch.RatchetTree())
	}
	f.Fuzz(func(t *testing.T, info, tree []byte) {
		if _, _, err := ParseGroupInfo(info, tree); err != nil {
			return
		}
		s, err := External(ExternalConfig{GroupInfo: info, RatchetTree: tree, Signer: g.c.signer, Identity: []byte("cleo")})
		if err == nil && bytes.Equal(s.Authenticator(), g.a.epoch.Authenticator()) {
			t.Fatal("the same epoch again")
		}
	})
}

// FuzzLoadProposal fuzzes the record of a proposal.
func FuzzLoadProposal(f *testing.F) {
	g := newFuzzGroup(f)
	p, err := g.a.epoch.ProposeUpdate(g.a.records, ProposeConfig{})
	must(f, err)
	f.Add(g.a.records[proposalRecord(p.Reference)])
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = g.a.epoch.loadProposal(Scratch{proposalRecord(p.Reference): b}, p.Reference)
	})
}
