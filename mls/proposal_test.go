package mls

import (
	"errors"
	"testing"
)

// TestEachProposal: a proposal that is invalid by itself is refused in a commit
// that is good in all else (RFC 9420, §12.1, §13.2).
func TestEachProposal(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b := all[0], all[1]
	psk := func(id pskID) *proposal { return &proposal{typ: ProposalPSK, psk: &id} }
	extensions := func(list ...Extension) *proposal {
		return &proposal{typ: ProposalGroupContextExtensions, extensions: list}
	}
	for name, c := range map[string]struct {
		want error
		p    *proposal
	}{
		"add of another suite":         {ErrInvalid, &proposal{typ: ProposalAdd, add: newMemberOf(t, P256_AES128GCM_SHA256_P256, "x").kp}},
		"remove of a blank leaf":       {ErrInvalid, &proposal{typ: ProposalRemove, remove: 3}},
		"nonce of a PSK":               {ErrInvalid, psk(pskID{typ: pskExternal, id: []byte("x"), nonce: random(16)})},
		"PSK to reinit, in a group":    {ErrInvalid, psk(pskID{typ: pskResumption, usage: PSKReInit, nonce: random(32)})},
		"PSK to branch, in a group":    {ErrInvalid, psk(pskID{typ: pskResumption, usage: PSKBranch, nonce: random(32)})},
		"PSK of a usage that is none":  {errMalformed, psk(pskID{typ: pskResumption, usage: 4, nonce: random(32)})},
		"reinit to an older version":   {ErrInvalid, &proposal{typ: ProposalReInit, reInit: &reInit{version: 0, suite: x25519}}},
		"external init of a member":    {ErrInvalid, &proposal{typ: ProposalExternalInit, externalInit: random(32)}},
		"extension that nobody has":    {ErrInvalid, extensions(Extension{0xf001, nil})},
		"one extension twice":          {errMalformed, extensions(Extension{0x0a0a, nil}, Extension{0x0a0a, nil})},
		"required but not supported":   {ErrInvalid, extensions(Extension{ExtensionRequiredCapabilities, encoded(RequiredCapabilities{Proposals: []uint16{0xf002}})})},
		"required, and more":           {errMalformed, extensions(Extension{ExtensionRequiredCapabilities, append(encoded(RequiredCapabilities{}), 0)})},
		"type that is not known":       {errMalformed, &proposal{typ: 9}},
		"type that stands for nothing": {errMalformed, &proposal{typ: 0x2a2a}},
	} {
		msg := pathForge{list: a.byCommitter(c.p), public: true, psk: random(32)}.commit(a)
		if _, err := b.epoch.Stage(b.records, msg, StageConfig{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := b.epoch.Stage(b.records, pathForge{public: true}.commit(a), StageConfig{}); err != nil {
		t.Errorf("nothing wrong: got %v", err)
	}
}

// TestBeginningPSK: the keys that let a group go on from another are for the first
// commit of its creator (RFC 9420, §11.2, §11.3), not for who comes from outside
// while the creator is alone.
func TestBeginningPSK(t *testing.T) {
	a := newMemberOf(t, x25519, "anna")
	a.create(GroupConfig{})
	key := func(PSKID) ([]byte, error) { return make([]byte, 32), nil }
	info, err := a.epoch.GroupInfo(true)
	must(t, err)
	for usage, want := range map[PSKUsage]error{PSKApplication: nil, PSKReInit: ErrInvalid, PSKBranch: ErrInvalid} {
		id := PSKID{Usage: usage, GroupID: []byte("before"), Epoch: 3}
		forged := pathForge{resync: true, psk: make([]byte, 32), list: []listed{
			{proposal: &proposal{typ: ProposalPSK, psk: id.fresh(a.epoch.suite)}},
		}}.commit(a)
		if _, err := a.epoch.Stage(a.records, forged, StageConfig{External: ExternalAny, PSKs: key}); !errors.Is(err, want) {
			t.Errorf("usage %d, from outside: got %v, want %v", usage, err, want)
		}
		cfg := ExternalConfig{GroupInfo: info, Signer: newSigner(t, x25519), Identity: []byte("bert"), UsePSKs: []PSKID{id}, PSKs: key}
		if _, err := External(cfg); !errors.Is(err, want) {
			t.Errorf("usage %d, made from outside: got %v, want %v", usage, err, want)
		}
		if _, err := a.epoch.Commit(a.records, CommitConfig{UsePSKs: []PSKID{id}, PSKs: key}); err != nil {
			t.Errorf("usage %d, by the creator: %v", usage, err)
		}
		later := newMemberOf(t, x25519, "cleo")
		later.create(GroupConfig{})
		later.commit(CommitConfig{})
		if _, err := later.epoch.Commit(later.records, CommitConfig{UsePSKs: []PSKID{id}, PSKs: key}); !errors.Is(err, want) {
			t.Errorf("usage %d, in a second commit: got %v, want %v", usage, err, want)
		}
	}
}

// TestUpdatePath: a path has as many nodes as the filtered direct path, and as
// many ciphertexts as the resolutions have nodes (RFC 9420, §7.6), also where
// they are not for us.
func TestUpdatePath(t *testing.T) {
	all := newGroup(t, x25519, "0", "1", "2", "3", "4")
	a := all[0]
	for name, change := range map[string]func(p *updatePath){
		"node too many": func(p *updatePath) { p.nodes = append(p.nodes, p.nodes[0]) },
		"node too few":  func(p *updatePath) { p.nodes = p.nodes[:len(p.nodes)-1] },
		"ciphertext too many": func(p *updatePath) {
			p.nodes[1].secrets = append(p.nodes[1].secrets, p.nodes[1].secrets[0])
		},
		"ciphertext too few": func(p *updatePath) { p.nodes[1].secrets = p.nodes[1].secrets[:1] },
		"none":               func(p *updatePath) { p.nodes[1].secrets = nil },
	} {
		msg := pathForge{public: true, content: func(a *authenticatedContent) { change(a.content.commit.path) }}.commit(a)
		for _, m := range all[1:] {
			if _, err := m.epoch.Stage(m.records, msg, StageConfig{}); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %s got %v, want %v", name, m.name, err, ErrInvalid)
			}
		}
	}
}
