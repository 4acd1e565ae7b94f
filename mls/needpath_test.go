package mls

import (
	"errors"
	"testing"
)

// TestNeedsPath: a commit that is empty, or updates, removes or sets extensions, has a
// path (RFC 9420, §12.4), one that only adds or ends the group need not.
func TestNeedsPath(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo", "dora")
	l := &lister{t, all}
	a, b := all[0], all[1]
	add := l.value(&proposal{typ: ProposalAdd, add: newMemberOf(t, x25519, "emil").kp})
	for name, c := range map[string]struct {
		list []listed
		need bool
	}{
		"nothing":            {nil, true},
		"update":             {[]listed{l.update(2)}, true},
		"update and add":     {[]listed{add, l.update(3)}, true},
		"remove":             {[]listed{l.value(&proposal{typ: ProposalRemove, remove: 2})}, true},
		"remove, proposed":   {[]listed{l.proposedRemove(2, 2), add}, true},
		"extensions":         {[]listed{l.value(&proposal{typ: ProposalGroupContextExtensions})}, true},
		"extensions and add": {[]listed{add, l.proposedExtensions(2)}, true},
		"add":                {[]listed{add}, false},
		"reinit":             {[]listed{l.proposedReInit(2)}, false},
	} {
		bare := &commit{}
		for _, p := range c.list {
			v := proposalOrRef{reference: p.reference}
			if p.reference == nil {
				v = proposalOrRef{proposal: p.proposal}
			}
			bare.proposals = append(bare.proposals, v)
		}
		if _, err := b.epoch.Stage(b.records, a.forge(bare, true, nil), StageConfig{}); c.need && !errors.Is(err, ErrInvalid) || !c.need && err != nil {
			t.Errorf("%s, without a path: got %v, want refused %v", name, err, c.need)
		}
		if _, err := b.epoch.Stage(b.records, pathForge{list: c.list}.commit(a), StageConfig{}); err != nil {
			t.Errorf("%s, with a path: %v", name, err)
		}
	}
}

// TestExternalLeaf: the leaf of who comes from outside is looked at as each other one
// (RFC 9420, §7.3, §12.4.2).
func TestExternalLeaf(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	for name, c := range map[string]struct {
		want  error
		forge pathForge
	}{
		"in order":       {nil, pathForge{}},
		"unsigned":       {ErrSignature, pathForge{signed: func(l *leafNode) { l.signature = random(64) }}},
		"of an update":   {ErrInvalid, pathForge{leaf: func(l *leafNode) { l.source = sourceUpdate }}},
		"parent hash":    {ErrInvalid, pathForge{leaf: func(l *leafNode) { l.parentHash = random(32) }}},
		"without suite":  {ErrInvalid, pathForge{leaf: func(l *leafNode) { l.capabilities.Suites = []uint16{3} }}},
		"an extension":   {ErrInvalid, pathForge{leaf: func(l *leafNode) { l.extensions = []Extension{{0xf001, nil}} }}},
		"another's key":  {ErrInvalid, pathForge{leaf: func(l *leafNode) { l.encryptionKey = all[1].epoch.tree.leaf(1).encryptionKey }}},
		"of small order": {errMalformed, pathForge{leaf: func(l *leafNode) { l.encryptionKey = make([]byte, 32) }}},
	} {
		c.forge.resync = true
		msg := c.forge.commit(all[2])
		for _, policy := range []ExternalPolicy{ExternalRejoin, ExternalAny} {
			if _, err := all[0].epoch.Stage(all[0].records, msg, StageConfig{External: policy}); !errors.Is(err, c.want) {
				t.Errorf("%s, policy %d: got %v, want %v", name, policy, err, c.want)
			}
		}
	}
}

// TestRejoinTakesTheKey: nobody takes a member's place from outside with its name and a
// key of its own, unless the caller lets in whoever comes.
func TestRejoinTakesTheKey(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	thief := *all[2]
	thief.signer = newSigner(t, x25519)
	msg := pathForge{resync: true, leaf: func(l *leafNode) { l.signatureKey = thief.signer.Public() }}.commit(&thief)
	if _, err := all[0].epoch.Stage(all[0].records, msg, StageConfig{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want %v", err, ErrInvalid)
	}
	_, err := all[0].epoch.Stage(all[0].records, msg, StageConfig{External: ExternalAny})
	must(t, err)
}
