package mls

import (
	"errors"
	"testing"
)

// A listCase is a list of proposals that anna commits.
type listCase struct {
	name string
	want error
	list []listed
}

// A lister makes proposals: of anna, by value, and of others, by reference.
type lister struct {
	t   *testing.T
	all []*member
}

func (l *lister) value(p *proposal) listed { return l.all[0].byCommitter(p)[0] }

// reference sends a proposal to anna and to bert, if they are not its author.
func (l *lister) reference(by int, propose func(e *Epoch, r Records) (*Proposal, error)) listed {
	l.t.Helper()
	m := l.all[by]
	p, err := propose(m.epoch, m.records)
	must(l.t, err)
	for i, to := range l.all[:2] {
		if i != by {
			p.tell(l.t, to)
		}
	}
	out, err := l.all[0].epoch.loadProposal(l.all[0].records, p.Reference)
	must(l.t, err)
	return out
}

func (l *lister) update(by int) listed {
	return l.reference(by, func(e *Epoch, r Records) (*Proposal, error) { return e.ProposeUpdate(r, ProposeConfig{}) })
}

func (l *lister) proposedRemove(by int, leaf uint32) listed {
	return l.reference(by, func(e *Epoch, r Records) (*Proposal, error) { return e.ProposeRemove(r, leaf, ProposeConfig{}) })
}

func (l *lister) proposedReInit(by int) listed {
	return l.reference(by, func(e *Epoch, r Records) (*Proposal, error) {
		return e.ProposeReInit(r, ReInit{GroupID: []byte("next"), Suite: x25519}, ProposeConfig{})
	})
}

func (l *lister) proposedExtensions(by int) listed {
	return l.reference(by, func(e *Epoch, r Records) (*Proposal, error) {
		return e.ProposeExtensions(r, nil, ProposeConfig{Public: true})
	})
}

// cases are the lists of RFC 9420, §12.2, by value and by reference.
func (l *lister) cases() []listCase {
	t, cleo, dora := l.t, uint32(2), uint32(3)
	add := func(m *member) listed { return l.value(&proposal{typ: ProposalAdd, add: m.kp}) }
	remove := func(leaf uint32) listed { return l.value(&proposal{typ: ProposalRemove, remove: leaf}) }
	again := func(m *member) *member {
		kp, _ := m.newKeyPackage(KeyPackageConfig{})
		return &member{kp: kp}
	}
	key := &proposal{typ: ProposalPSK, psk: PSKID{ID: []byte("x")}.fresh(l.all[0].epoch.suite)}
	other := &proposal{typ: ProposalPSK, psk: PSKID{ID: []byte("x")}.fresh(l.all[0].epoch.suite)}
	extensions := &proposal{typ: ProposalGroupContextExtensions}
	reInit := &proposal{typ: ProposalReInit, reInit: &reInit{groupID: []byte("new"), version: version10, suite: x25519}}
	emil := newMemberOf(t, x25519, "emil")
	updated, leaves, ends, extends := l.update(2), l.proposedRemove(2, cleo), l.proposedReInit(2), l.proposedExtensions(2)
	good := []listCase{
		{"nothing", nil, nil},
		{"update and remove of two", nil, []listed{updated, remove(dora)}},
		{"two removes", nil, []listed{leaves, remove(dora)}},
		{"two updates", nil, []listed{updated, l.update(3)}},
		{"two adds", nil, []listed{add(emil), add(newMemberOf(t, x25519, "fay"))}},
		{"one key under two nonces", nil, []listed{l.value(key), l.value(other)}},
		{"back in one commit", nil, []listed{remove(cleo), add(again(l.all[2]))}},
		{"the end", nil, []listed{ends}},
		{"much", nil, []listed{add(emil), extends, l.value(key), updated, remove(dora)}},
	}
	var bad []listCase
	refuse := func(name string, list ...listed) { bad = append(bad, listCase{name, ErrInvalid, list}) }
	refuse("own update", l.update(0))
	refuse("own remove", remove(0))
	refuse("own remove, proposed by another", l.proposedRemove(2, 0))
	refuse("two updates of one", updated, l.update(2))
	refuse("update, then remove of one", updated, remove(cleo))
	refuse("remove, then update of one", leaves, updated)
	refuse("remove twice", remove(cleo), remove(cleo))
	refuse("remove by value and by reference", remove(cleo), leaves)
	refuse("one proposal twice", updated, updated)
	refuse("add twice", add(emil), add(emil))
	refuse("one client added twice", add(emil), add(again(emil)))
	refuse("a member added", add(again(l.all[2])))
	refuse("a member added, another removed", remove(dora), add(again(l.all[2])))
	refuse("one key twice", l.value(key), l.value(key))
	refuse("extensions twice", l.value(extensions), extends)
	refuse("extensions twice, proposed", extends, l.proposedExtensions(3))
	refuse("external init", l.value(&proposal{typ: ProposalExternalInit, externalInit: random(32)}))
	for name, p := range map[string]listed{
		"add": add(emil), "remove": remove(cleo), "update": updated, "key": l.value(key),
		"extensions": l.value(extensions), "another reinit": l.proposedReInit(3),
	} {
		refuse("the end and "+name, ends, p)
		if p.typ != ProposalReInit {
			refuse(name+" and the end", p, l.value(reInit))
		}
	}
	return append(good, bad...)
}

// TestProposalLists: of each list of proposals it is the same for who commits it and
// for who follows whether it is valid (RFC 9420, §12.2), and nothing else is wrong
// with the commit.
func TestProposalLists(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo", "dora")
	l := &lister{t, all}
	secret := make([]byte, 32)
	psks := func(PSKID) ([]byte, error) { return secret, nil }
	for _, c := range l.cases() {
		made := all[0].epoch.frame(contentCommit, nil, true)
		made.content.commit = &commit{}
		_, err := all[0].epoch.complete(made, c.list, CommitConfig{PSKs: psks}, all[0].epoch.tree.leaf(0))
		if !errors.Is(err, c.want) {
			t.Errorf("%s, committed: got %v, want %v", c.name, err, c.want)
		}
		for _, public := range []bool{false, true} {
			msg := pathForge{list: c.list, public: public, psk: secret}.commit(all[0])
			before := all[1].snapshot()
			if _, err := all[1].epoch.Stage(all[1].records, msg, StageConfig{PSKs: psks}); !errors.Is(err, c.want) {
				t.Errorf("%s, followed: got %v, want %v", c.name, err, c.want)
			}
			if !sameRecords(before, all[1].records) {
				t.Errorf("%s: left a trace", c.name)
			}
		}
	}
}
