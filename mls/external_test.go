package mls

import (
	"bytes"
	"errors"
	"testing"
)

// rejoin makes an external commit of somebody into the group of m.
func (m *member) rejoin(who *member, change func(cfg *ExternalConfig)) *Staged {
	m.tb.Helper()
	info, err := m.epoch.GroupInfo(true)
	must(m.tb, err)
	cfg := ExternalConfig{GroupInfo: info, Signer: who.signer, Identity: []byte(who.name)}
	if change != nil {
		change(&cfg)
	}
	s, err := External(cfg)
	must(m.tb, err)
	return s
}

// TestExternal brings back a member who lost its state, in every suite, and
// lets somebody new in where the caller wants that.
func TestExternal(t *testing.T) {
	eachSuite(t, func(t *testing.T, s Suite) {
		all := newGroup(t, s, "anna", "bert", "cleo")
		a, b, c := all[0], all[1], all[2]
		staged := a.rejoin(c, func(cfg *ExternalConfig) {
			var err error
			cfg.GroupInfo, err = a.epoch.GroupInfo(false)
			must(t, err)
			cfg.RatchetTree = a.epoch.RatchetTree()
		})
		if got := a.follow(staged.Message()).Changes(); !got.External || len(got.Removed) != 1 || string(got.Committer.Identity) != "cleo" {
			t.Errorf("got changes %+v", got)
		}
		b.follow(staged.Message())
		next, err := staged.Apply(nil)
		must(t, err)
		c.enter(next)
		sameEpoch(t, all...)
		everybodyTalks(t, all)

		d := newMemberOf(t, s, "dora")
		staged = b.rejoin(d, nil)
		if _, err := a.epoch.Stage(a.records, staged.Message(), StageConfig{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("somebody new: got %v, want %v", err, ErrInvalid)
		}
		three := StageConfig{External: ExternalAny, MaxMembers: 3}
		if _, err := a.epoch.Stage(a.records, staged.Message(), three); !errors.Is(err, ErrUnsupported) {
			t.Errorf("a fourth of three: got %v, want %v", err, ErrUnsupported)
		}
		for _, m := range all {
			theirs, err := m.epoch.Stage(m.records, staged.Message(), StageConfig{External: ExternalAny})
			must(t, err)
			e, err := theirs.Apply(nil)
			must(t, err)
			m.enter(e)
		}
		next, err = staged.Apply(nil)
		must(t, err)
		d.enter(next)
		all = append(all, d)
		sameEpoch(t, all...)
		everybodyTalks(t, all)
		d.commit(CommitConfig{}, a, b, c)
		sameEpoch(t, all...)
	})
}

// TestResyncFreshKey: who comes back brings another key than its old leaf had, as
// with an Update (RFC 9420, §12.2, §7.3): else whoever took the old one reads on.
func TestResyncFreshKey(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, c := all[0], all[2]
	old := c.epoch.tree.leaf(2)
	for _, policy := range []ExternalPolicy{ExternalRejoin, ExternalAny} {
		stale := pathForge{resync: true, leaf: func(l *leafNode) { l.encryptionKey = old.encryptionKey }}.commit(c)
		if _, err := a.epoch.Stage(a.records, stale, StageConfig{External: policy}); !errors.Is(err, ErrInvalid) {
			t.Errorf("policy %d: got %v, want %v", policy, err, ErrInvalid)
		}
	}
	a.follow(pathForge{resync: true}.commit(c))
}

// TestExternalList: beside its one init and the Remove of its own leaf an external
// commit holds nothing but pre-shared keys, and no reference (RFC 9420, §12.2,
// §12.4.3.2), whatever the policy.
func TestExternalList(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a := all[0]
	p, err := all[1].epoch.ProposePSK(all[1].records, PSKID{ID: []byte("x")}, ProposeConfig{})
	must(t, err)
	p.tell(t, a)
	key, err := a.epoch.loadProposal(a.records, p.Reference)
	must(t, err)
	psk := func(PSKID) ([]byte, error) { return make([]byte, 32), nil }
	open := StageConfig{External: ExternalAny, PSKs: psk}
	for name, c := range map[string]struct {
		want error
		more listed
	}{
		"another init":                  {errMalformed, listed{proposal: &proposal{typ: ProposalExternalInit}}},
		"another's leaf":                {ErrInvalid, listed{proposal: &proposal{typ: ProposalRemove, remove: 1}}},
		"somebody added":                {ErrInvalid, listed{proposal: &proposal{typ: ProposalAdd, add: newMemberOf(t, x25519, "dora").kp}}},
		"extensions":                    {ErrInvalid, listed{proposal: &proposal{typ: ProposalGroupContextExtensions}}},
		"the end of the group":          {ErrInvalid, listed{proposal: &proposal{typ: ProposalReInit, reInit: &reInit{version: version10, suite: x25519}}}},
		"a pre-shared key by reference": {ErrInvalid, key},
	} {
		msg := pathForge{resync: true, list: []listed{c.more}, psk: make([]byte, 32)}.commit(all[2])
		if _, err := a.epoch.Stage(a.records, msg, open); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := a.epoch.Stage(a.records, a.externalRemove(all[2], 1).Message(), open); !errors.Is(err, ErrInvalid) {
		t.Errorf("in another's place: got %v, want %v", err, ErrInvalid)
	}
	key.reference = nil
	twice := pathForge{resync: true, list: []listed{key, key}, psk: make([]byte, 32)}.commit(all[2])
	if _, err := a.epoch.Stage(a.records, twice, open); !errors.Is(err, ErrInvalid) {
		t.Errorf("one pre-shared key twice: got %v, want %v", err, ErrInvalid)
	}
	msg := pathForge{resync: true, list: []listed{key}, psk: make([]byte, 32)}.commit(all[2])
	_, err = a.epoch.Stage(a.records, msg, open)
	must(t, err)
}

// TestExternalPub: an external commit takes one good key, and all of the extension that
// holds it (RFC 9420, §12.4.3.2).
func TestExternalPub(t *testing.T) {
	a, _ := twoMembers(t, x25519)
	info, err := a.epoch.GroupInfo(true)
	must(t, err)
	small := append([]byte{32}, make([]byte, 32)...)
	for name, c := range map[string]struct {
		change func(g *groupInfo)
		ok     bool
	}{
		"in order":       {func(*groupInfo) {}, true},
		"none":           {func(g *groupInfo) { g.extensions = g.extensions[1:] }, false},
		"empty":          {func(g *groupInfo) { g.extensions[0].Data = nil }, false},
		"a byte too few": {func(g *groupInfo) { g.extensions[0].Data = g.extensions[0].Data[:32] }, false},
		"more behind it": {func(g *groupInfo) { g.extensions[0].Data = append(g.extensions[0].Data[:33:33], 0) }, false},
		"of small order": {func(g *groupInfo) { g.extensions[0].Data = small }, false},
	} {
		m, err := decodeMessageOf(info, WireGroupInfo)
		must(t, err)
		c.change(m.groupInfo)
		must(t, m.groupInfo.sign(a.signer))
		_, err = External(ExternalConfig{GroupInfo: encoded(m), Signer: newSigner(t, x25519), Identity: []byte("cleo")})
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want ok %v", name, err, c.ok)
		}
	}
}

// TestExternalPSKOfJoin: an external key is never taken for the resumption secret of
// the group before, also where that has an empty id.
func TestExternalPSKOfJoin(t *testing.T) {
	s, err := x25519.lookup()
	must(t, err)
	key := random(32)
	cfg := JoinConfig{
		Previous: &Epoch{context: &groupContext{}, secrets: epochSecrets{resumption: random(32)}},
		PSKs:     func(PSKID) ([]byte, error) { return key, nil },
	}
	ids := []*pskID{{typ: pskExternal, id: []byte("x"), nonce: random(32)}}
	got, err := cfg.pskSecret(s, ids)
	must(t, err)
	want, err := s.pskSecret(ids, [][]byte{key})
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Error("the resumption secret was taken")
	}
	ids = []*pskID{{typ: pskResumption, usage: PSKBranch, groupID: []byte{}, nonce: random(32)}}
	got, err = cfg.pskSecret(s, ids)
	must(t, err)
	want, err = s.pskSecret(ids, [][]byte{cfg.Previous.secrets.resumption})
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Error("the resumption secret of a group with an empty id is not found")
	}
	if _, err := s.pskSecretOf(make([]*pskID, 1<<16), nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("more keys than can be counted: got %v, want %v", err, ErrInvalid)
	}
}

// TestReInit ends a group and goes on in another, and branches one off.
func TestReInit(t *testing.T) {
	all := newGroup(t, X25519_AES128GCM_SHA256_Ed25519, "anna", "bert")
	a, b := all[0], all[1]
	branch := func(usage PSKUsage, suite Suite, id []byte) (*member, error) {
		a2, b2 := newMemberOf(t, suite, "anna"), newMemberOf(t, suite, "bert")
		a2.create(GroupConfig{GroupID: id})
		psks := func(PSKID) ([]byte, error) { return a.epoch.ResumptionPSK(), nil }
		s := a2.commit(CommitConfig{
			Add: []*KeyPackage{b2.kp}, PSKs: psks,
			UsePSKs: []PSKID{{Usage: usage, GroupID: a.epoch.GroupID(), Epoch: a.epoch.Number()}},
		})
		cfg := JoinConfig{Welcome: s.Welcome(), KeyPackage: b2.kp, Secrets: b2.secrets, Signer: b2.signer}
		if _, err := Join(cfg); !errors.Is(err, ErrPSK) {
			t.Errorf("without the group before: got %v", err)
		}
		cfg.Previous = b.epoch
		e, err := Join(cfg)
		if err == nil && !bytes.Equal(e.Authenticator(), a2.epoch.Authenticator()) {
			t.Error("in different epochs")
		}
		return b2, err
	}
	if _, err := branch(PSKBranch, a.suite, nil); err != nil {
		t.Error(err)
	}
	if _, err := branch(PSKReInit, a.suite, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a reinit that nobody committed: got %v", err)
	}
	to := ReInit{GroupID: []byte("new"), Suite: X25519_CHACHA20POLY1305_SHA256_Ed25519}
	p, err := b.epoch.ProposeReInit(b.records, to, ProposeConfig{})
	must(t, err)
	a.reload, b.reload = true, true
	a.commit(CommitConfig{Proposals: [][]byte{p.tell(t, a).Reference}}, b)
	if c := b.epoch.Closed(); c == nil || string(c.GroupID) != "new" || c.Suite != to.Suite {
		t.Fatalf("got %+v", c)
	}
	if _, err := b.epoch.Encrypt(b.records, nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	if _, err := b.epoch.Commit(b.records, CommitConfig{}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	if _, err := b.epoch.ProposeUpdate(b.records, ProposeConfig{}); !errors.Is(err, ErrClosed) {
		t.Errorf("propose: got %v, want %v", err, ErrClosed)
	}
	if _, err := b.epoch.GroupInfo(true); !errors.Is(err, ErrClosed) {
		t.Errorf("group info: got %v, want %v", err, ErrClosed)
	}
	ended := a.epoch.closed
	a.epoch.closed = nil
	more := pathForge{}.commit(a)
	a.epoch.closed = ended
	if _, err := b.epoch.Stage(b.records, more, StageConfig{}); !errors.Is(err, ErrClosed) {
		t.Errorf("another's commit: got %v, want %v", err, ErrClosed)
	}
	if _, err := branch(PSKReInit, to.Suite, []byte("new")); err != nil {
		t.Error(err)
	}
	b.epoch.closed.version = version10 + 1
	if _, err := branch(PSKReInit, to.Suite, []byte("new")); !errors.Is(err, ErrInvalid) {
		t.Errorf("another version: got %v", err)
	}
	b.epoch.closed.version = version10
	if _, err := branch(PSKReInit, to.Suite, []byte("other")); !errors.Is(err, ErrInvalid) {
		t.Errorf("another group: got %v", err)
	}
	if _, err := branch(PSKBranch, a.suite, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a branch of a closed group: got %v", err)
	}
}
