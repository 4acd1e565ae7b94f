package mls

import (
	"errors"
	"testing"
)

// TestGroupNeeds: whoever is in a group after a commit supports what it asks for then
// (RFC 9420, §7.3, §12.1.7, §12.2): those who stay, who are added, who updates and who
// commits.
func TestGroupNeeds(t *testing.T) {
	const typ = 0xf001
	able := Capabilities{Extensions: []uint16{typ}, Proposals: []uint16{typ}, Credentials: []uint16{credentialBasic, typ}}
	have := func(name string, c Capabilities) *member {
		m := newMemberOf(t, x25519, name)
		m.kp, m.secrets = m.newKeyPackage(KeyPackageConfig{Capabilities: c})
		return m
	}
	anna, bert, cleo := newMemberOf(t, x25519, "anna"), have("bert", able), have("cleo", Capabilities{})
	anna.create(GroupConfig{Capabilities: able})
	anna.add(false, bert, cleo)
	unable := func(l *leafNode) { l.capabilities = Capabilities{}.filled(nil) }
	needs := map[string][]Extension{"an extension": {{typ, nil}}}
	for name, r := range map[string]RequiredCapabilities{
		"a required extension": {Extensions: []uint16{typ}}, "a required proposal": {Proposals: []uint16{typ}},
		"a required credential": {Credentials: []uint16{typ}},
	} {
		needs[name] = []Extension{{ExtensionRequiredCapabilities, encoded(r)}}
	}
	for need, list := range needs {
		set := &proposal{typ: ProposalGroupContextExtensions, extensions: list}
		add := func(c Capabilities) *proposal { return &proposal{typ: ProposalAdd, add: have("dora", c).kp} }
		gone := &proposal{typ: ProposalRemove, remove: 2}
		try := func(name string, f pathForge, want error) {
			t.Helper()
			if _, err := bert.epoch.Stage(bert.records, f.commit(anna), StageConfig{}); !errors.Is(err, want) {
				t.Errorf("%s, %s: got %v, want %v", need, name, err, want)
			}
		}
		try("who stays", pathForge{list: anna.byCommitter(set)}, ErrInvalid)
		try("who stays, one fit is added", pathForge{list: anna.byCommitter(set, add(able))}, ErrInvalid)
		try("who stays is removed", pathForge{list: anna.byCommitter(set, gone)}, nil)
		try("who is added", pathForge{list: anna.byCommitter(set, gone, add(Capabilities{}))}, ErrInvalid)
		try("who is added can", pathForge{list: anna.byCommitter(set, gone, add(able))}, nil)
		try("who commits", pathForge{list: anna.byCommitter(set, gone), leaf: unable}, ErrInvalid)
	}
	for _, m := range []*member{anna, bert} {
		defaults := RequiredCapabilities{Extensions: []uint16{ExtensionExternalSenders}, Proposals: []uint16{ProposalAdd}}
		set := &proposal{typ: ProposalGroupContextExtensions, extensions: []Extension{{ExtensionRequiredCapabilities, encoded(defaults)}}}
		if _, err := cleo.epoch.Stage(cleo.records, pathForge{list: m.byCommitter(set)}.commit(m), StageConfig{}); err != nil {
			t.Errorf("what all clients support is asked for: %v", err)
		}
	}
	for need, list := range needs {
		a, b := newMemberOf(t, x25519, "anna"), have("bert", able)
		a.create(GroupConfig{Capabilities: able, Extensions: list})
		a.add(false, b)
		none := &proposal{typ: ProposalGroupContextExtensions}
		for name, f := range map[string]pathForge{
			"who commits":     {leaf: unable},
			"who is added":    {list: a.byCommitter(&proposal{typ: ProposalAdd, add: have("dora", Capabilities{}).kp})},
			"who comes back":  {resync: true, leaf: unable},
			"need is dropped": {list: a.byCommitter(none), leaf: unable},
		} {
			want := ErrInvalid
			if name == "need is dropped" {
				want = nil
			}
			if _, err := b.epoch.Stage(b.records, f.commit(a), StageConfig{External: ExternalAny}); !errors.Is(err, want) {
				t.Errorf("in a group with %s, %s: got %v, want %v", need, name, err, want)
			}
		}
		c := have("cleo", able)
		b.follow(a.add(false, c).Message())
		update := *c.epoch.tree.leaf(2)
		_, key, err := c.epoch.suite.hpke.generate()
		must(t, err)
		update.encryptionKey, update.source, update.lifetime = key, sourceUpdate, Lifetime{}
		unable(&update)
		must(t, update.sign(c.signer, c.epoch.context.groupID, 2))
		p, err := c.epoch.propose(c.records, listed{proposal: &proposal{typ: ProposalUpdate, update: &update}}, ProposeConfig{})
		must(t, err)
		p.tell(t, a, b)
		l, err := a.epoch.loadProposal(a.records, p.Reference)
		must(t, err)
		if _, err := b.epoch.Stage(b.records, pathForge{list: []listed{l}}.commit(a), StageConfig{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("in a group with %s, who updates: got %v, want %v", need, err, ErrInvalid)
		}
	}
}
