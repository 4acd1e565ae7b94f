package mls

import (
	"errors"
	"testing"
)

// TestPathKeysAreNew: no key of a path is anywhere in the tree (RFC 9420, §12.4.2).
// Who is below the node sees that the secret is another's; the others look as well.
func TestPathKeysAreNew(t *testing.T) {
	all := newGroup(t, x25519, "0", "1", "2", "3", "4", "5", "6", "7")
	for i, m := range all {
		m.commit(CommitConfig{}, append(append([]*member{}, all[:i]...), all[i+1:]...)...)
	}
	a, out := all[0], all[5] // who is not below the first two nodes of the path
	new1, new2 := newMemberOf(t, x25519, "8"), newMemberOf(t, x25519, "9")
	adds := a.byCommitter(&proposal{typ: ProposalAdd, add: new1.kp}, &proposal{typ: ProposalAdd, add: new2.kp})
	tree := a.epoch.tree
	for name, key := range map[string]func(n []updatePathNode) []byte{
		"of another's leaf":          func([]updatePathNode) []byte { return tree.leaf(5).encryptionKey },
		"of the committer's leaf":    func([]updatePathNode) []byte { return tree.leaf(0).encryptionKey },
		"of a node elsewhere":        func([]updatePathNode) []byte { return tree.at(9).parent.encryptionKey },
		"of the node itself, before": func([]updatePathNode) []byte { return tree.at(1).parent.encryptionKey },
		"of the root, before":        func([]updatePathNode) []byte { return tree.at(7).parent.encryptionKey },
		"of who is added":            func([]updatePathNode) []byte { return new2.kp.leaf.encryptionKey },
		"of the path's next node":    func(n []updatePathNode) []byte { return n[1].encryptionKey },
		"of the path's root":         func(n []updatePathNode) []byte { return n[len(n)-1].encryptionKey },
	} {
		msg := pathForge{list: adds, nodes: func(n []updatePathNode) { n[0].encryptionKey = key(n) }}.commit(a)
		if _, err := out.epoch.Stage(out.records, msg, StageConfig{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
	var path []updatePathNode
	same := pathForge{
		nodes: func(n []updatePathNode) { path = n },
		leaf:  func(l *leafNode) { l.encryptionKey = path[0].encryptionKey },
	}.commit(a)
	if _, err := out.epoch.Stage(out.records, same, StageConfig{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("of the path's leaf: got %v, want %v", err, ErrInvalid)
	}
	// A key that nobody below can have is no matter of who is not below.
	_, fresh, err := a.epoch.suite.hpke.generate()
	must(t, err)
	odd := pathForge{list: adds, nodes: func(n []updatePathNode) { n[0].encryptionKey = fresh }}.commit(a)
	if _, err := out.epoch.Stage(out.records, odd, StageConfig{}); err != nil {
		t.Errorf("a new one: %v", err)
	}
	if _, err := all[1].epoch.Stage(all[1].records, odd, StageConfig{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("one that is not of its secret: got %v, want %v", err, ErrInvalid)
	}
}
