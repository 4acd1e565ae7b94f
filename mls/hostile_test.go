package mls

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// hostileInputs are encodings made to decode to as much as possible. Each ends
// up about n bytes long.
func hostileInputs(t testing.TB, n int) map[string]func() []byte {
	m := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "mallory")
	key := random(minKey)
	fill := func(w *writer, one func(w *writer)) {
		w.nested(func(w *writer) {
			for len(w.b) < n {
				one(w)
			}
		})
	}
	public := func(w *writer) {
		w.u16(version10)
		w.u16(uint16(WirePublicMessage))
		w.vec([]byte("group"))
		w.u64(0)
		sender{senderMember, 0}.encode(w)
		w.vec(nil)
		w.u8(uint8(contentCommit))
	}
	smallLeaf := func(w *writer) {
		w.vec(key)
		w.vec(key)
		credential{typ: credentialBasic}.encode(w)
		Capabilities{}.encode(w)
		w.u8(uint8(sourceUpdate))
		w.vec(nil)
		w.vec(key)
	}
	return map[string]func() []byte{
		"huge length": func() []byte { return []byte{0, 1, 0, 3, 0, 1, 0xbf, 0xff, 0xff, 0xff} },
		"welcome entries": func() []byte {
			var w writer
			w.u16(version10)
			w.u16(uint16(WireWelcome))
			w.u16(1)
			fill(&w, func(w *writer) { w.vec(key); hpkeCiphertext{key, key}.encode(w) })
			w.vec(nil)
			return w.b
		},
		"empty welcome entries": func() []byte {
			w := writer{b: []byte{0, 1, 0, 3, 0, 1}}
			fill(&w, func(w *writer) { w.raw(make([]byte, 3)) })
			w.vec(nil)
			return w.b
		},
		"empty references": func() []byte {
			var w writer
			public(&w)
			fill(&w, func(w *writer) { w.u8(byReference); w.vec(nil) })
			return w.b
		},
		"removes": func() []byte {
			var w writer
			public(&w)
			fill(&w, func(w *writer) { w.u8(byValue); (&proposal{typ: ProposalRemove}).encode(w) })
			w.optional(false)
			w.vec(key)
			w.vec(key)
			w.vec(key)
			return w.b
		},
		"empty extension lists": func() []byte {
			var w writer
			public(&w)
			fill(&w, func(w *writer) { w.u8(byValue); (&proposal{typ: ProposalGroupContextExtensions}).encode(w) })
			return w.b
		},
		"references": func() []byte {
			var w writer
			public(&w)
			fill(&w, func(w *writer) { proposalOrRef{reference: key}.encode(w) })
			return w.b
		},
		"pre-shared keys": func() []byte {
			var w writer
			public(&w)
			fill(&w, func(w *writer) {
				w.u8(byValue)
				(&proposal{typ: ProposalPSK, psk: &pskID{typ: pskExternal, nonce: key}}).encode(w)
			})
			return w.b
		},
		"updates": func() []byte {
			var w writer
			public(&w)
			fill(&w, func(w *writer) { w.u8(byValue); w.u16(ProposalUpdate); smallLeaf(w) })
			return w.b
		},
		"path nodes": func() []byte {
			var w writer
			public(&w)
			w.vec(nil)
			w.optional(true)
			smallLeaf(&w)
			fill(&w, func(w *writer) { w.vec(key); w.vec(nil) })
			return w.b
		},
		"path ciphertexts": func() []byte {
			var w writer
			public(&w)
			w.vec(nil)
			w.optional(true)
			smallLeaf(&w)
			w.nested(func(w *writer) {
				w.vec(key)
				fill(w, func(w *writer) { hpkeCiphertext{key, key}.encode(w) })
			})
			return w.b
		},
		"extensions": func() []byte {
			w := writer{b: []byte{0, 1, 0, 4}}
			(&groupContext{suite: 1}).encode(&w)
			typ := uint16(0)
			fill(&w, func(w *writer) { w.u16(typ); w.vec(nil); typ++ })
			return w.b
		},
		"certificates": func() []byte {
			w := writer{b: []byte{0, 1, 0, 5, 0, 1, 0, 1}}
			w.vec(key)
			w.vec(key)
			w.vec(key)
			w.u16(credentialX509)
			fill(&w, func(w *writer) { w.vec(key) })
			return w.b
		},
		"tree of blanks": func() []byte {
			var w writer
			w.nested(func(w *writer) {
				w.raw(make([]byte, n&^1))
				w.optional(true)
				w.u8(nodeLeaf)
				m.kp.leaf.encode(w)
			})
			return w.b
		},
		"tree of small leaves": func() []byte {
			var w writer
			w.nested(func(w *writer) {
				for len(w.b) < n {
					w.optional(true)
					w.u8(nodeLeaf)
					smallLeaf(w)
					w.optional(false)
				}
				w.optional(true)
				w.u8(nodeLeaf)
				smallLeaf(w)
			})
			return w.b
		},
		"tree of unmerged leaves": func() []byte {
			leaves := uint32(2)
			for 21*leaves+4*leaves*uint32(bits.Len32(leaves)) < uint32(n) {
				leaves *= 2
			}
			var w writer
			w.nested(func(w *writer) {
				for x := range nodeIndex(nodeWidth(leaves)) {
					if x.level() == 0 && x != nodeIndex(nodeWidth(leaves)-1) {
						w.optional(false)
						continue
					}
					w.optional(true)
					if x.level() == 0 {
						w.u8(nodeLeaf)
						smallLeaf(w)
						continue
					}
					p := &parentNode{encryptionKey: key}
					for i := range uint32(1) << x.level() {
						p.unmergedLeaves = append(p.unmergedLeaves, x.firstLeaf()+i)
					}
					w.u8(nodeParent)
					p.encode(w)
				}
			})
			return w.b
		},
		"tree of leaves far apart": func() []byte {
			var w writer
			w.nested(func(w *writer) {
				for len(w.b) < n {
					w.optional(true)
					w.u8(nodeLeaf)
					smallLeaf(w)
					w.raw(make([]byte, 63))
				}
				w.optional(true)
				w.u8(nodeLeaf)
				smallLeaf(w)
			})
			return w.b
		},
	}
}

// TestHostileSizes: what decodes an input allocates a small multiple of its
// size, and takes no longer than an honest one of that size would.
func TestHostileSizes(t *testing.T) {
	const size = 100_000
	for name, input := range hostileInputs(t, size) {
		t.Run(name, func(t *testing.T) {
			b := input()
			decoders := map[string]func(){
				"message":     func() { _, _ = ParseMessage(b) },
				"key package": func() { _, _ = ParseKeyPackage(b) },
				"tree": func() {
					if tree, err := parseTree(suites[0], b); err == nil {
						_ = tree.check(nil, nil)
					}
				},
			}
			for what, decode := range decoders {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				decode()
				took := time.Since(start)
				runtime.ReadMemStats(&after)
				allocated := after.TotalAlloc - before.TotalAlloc
				if limit := uint64(64*len(b) + 1<<14); allocated > limit {
					t.Errorf("%s: %d bytes made us allocate %d, %d times as much", what, len(b), allocated, allocated/uint64(len(b)))
				}
				if took > 5*time.Second {
					t.Errorf("%s: %d bytes took %v", what, len(b), took)
				}
			}
		})
	}
}

// vectorTrees returns the trees of the official vectors for a suite, with their
// group ids.
func vectorTrees(t *testing.T, id Suite) (trees []*tree, groups [][]byte) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorsDir(t), "tree-validation.json"))
	must(t, err)
	var cases []struct {
		Suite   Suite    `json:"cipher_suite"`
		Tree    hexBytes `json:"tree"`
		GroupID hexBytes `json:"group_id"`
	}
	must(t, json.Unmarshal(b, &cases))
	for _, c := range cases {
		if c.Suite == id {
			s, err := id.lookup()
			must(t, err)
			tree, err := parseTree(s, c.Tree)
			must(t, err)
			trees, groups = append(trees, tree), append(groups, c.GroupID)
		}
	}
	return trees, groups
}

// changeParent returns the tree with one parent replaced and all hashed again.
func changeParent(t *tree, x nodeIndex, change func(p *parentNode) *parentNode) *tree {
	e := t.edit()
	var walk func(n *treeNode, at nodeIndex) *treeNode
	walk = func(n *treeNode, at nodeIndex) *treeNode {
		n = e.own(n, at)
		if at == x {
			p := *n.parent
			p.parentHash, p.encryptionKey = bytes.Clone(p.parentHash), bytes.Clone(p.encryptionKey)
			p.unmergedLeaves = append([]uint32(nil), p.unmergedLeaves...)
			n.parent = change(&p)
			return n
		}
		if l, _ := at.left(); x < at {
			n.left = walk(n.left, l)
		} else {
			r, _ := at.right()
			n.right = walk(n.right, r)
		}
		return n
	}
	e.root = walk(e.root, rootIndex(e.leaves))
	return e.freeze()
}

// TestTamperedTrees: a tree of the vectors in which one parent was changed is
// refused, whatever the change.
func TestTamperedTrees(t *testing.T) {
	trees, groups := vectorTrees(t, X25519_AES128GCM_SHA256_Ed25519)
	tampered := 0
	for i, tree := range trees {
		must(t, tree.check(groups[i], nil))
		for x, n := range tree.parents() {
			changes := []func(p *parentNode) *parentNode{
				func(p *parentNode) *parentNode { p.encryptionKey[0] ^= 1; return p },
				func(p *parentNode) *parentNode { p.parentHash = append(p.parentHash, 1); return p },
				func(p *parentNode) *parentNode { p.unmergedLeaves = append(p.unmergedLeaves, tree.leaves+1); return p },
			}
			if len(n.parent.unmergedLeaves) > 0 {
				changes = append(changes, func(p *parentNode) *parentNode {
					p.unmergedLeaves = p.unmergedLeaves[1:]
					return p
				})
			}
			if x != rootIndex(tree.leaves) {
				changes = append(changes, func(*parentNode) *parentNode { return nil })
			}
			for j, change := range changes {
				tampered++
				if err := changeParent(tree, x, change).check(groups[i], nil); err == nil {
					t.Errorf("tree %d: change %d of node %d was accepted", i, j, x)
				}
			}
		}
		if err := tree.check([]byte("another group"), nil); err == nil && tree.root.parent != nil {
			t.Errorf("tree %d was accepted for another group", i)
		}
	}
	t.Logf("%d changes refused", tampered)
}

// TestKeysAreUnique: an encryption key at two nodes is refused, also where the
// parent hashes cannot tell, and so is adding a leaf with the key of a parent.
func TestKeysAreUnique(t *testing.T) {
	trees, _ := vectorTrees(t, X25519_AES128GCM_SHA256_Ed25519)
	for i, tree := range trees {
		leaf := tree.leaf(0)
		for x, n := range tree.parents() {
			copied := changeParent(tree, x, func(p *parentNode) *parentNode {
				p.encryptionKey = leaf.encryptionKey
				return p
			})
			if err := copied.checkKeys(); !errors.Is(err, ErrInvalid) {
				t.Errorf("tree %d: key of leaf 0 at node %d: got %v", i, x, err)
			}
			m := newMemberOf(t, tree.suite.id, "mallory")
			l := *m.kp.leaf
			l.encryptionKey = n.parent.encryptionKey
			must(t, l.sign(m.signer, nil, 0))
			next := &transition{proposed: tree, fresh: map[uint32]*leafNode{9: &l}}
			if err := next.checkNewKeys(nil); !errors.Is(err, ErrInvalid) {
				t.Errorf("tree %d: key of node %d in a new leaf: got %v", i, x, err)
			}
		}
	}
}

// TestCredentialTypes: members support each other's credential types (RFC 9420,
// §7.3). There is one type so far, so whole groups cannot show it.
func TestCredentialTypes(t *testing.T) {
	leaf := func(typ uint16, supported ...uint16) *leafNode {
		return &leafNode{credential: credential{typ: typ}, capabilities: Capabilities{Credentials: supported}}
	}
	for _, c := range []struct {
		a, b *leafNode
		ok   bool
	}{
		{leaf(1, 1), leaf(1, 1), true},
		{leaf(1, 1, 2), leaf(2, 1, 2), true},
		{leaf(1, 1), leaf(2, 1, 2), false},
		{leaf(1, 1, 2), leaf(2, 2), false},
	} {
		e := newTree(suites[0], c.a).edit()
		e.add(c.b)
		if err := e.freeze().checkCredentials(); (err == nil) != c.ok {
			t.Errorf("in a tree: got %v, want ok %v", err, c.ok)
		}
	}
}

// TestParentKey: a parent whose parent hash is right needs a key of the suite.
func TestParentKey(t *testing.T) {
	a := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	b := newMemberOf(t, a.suite, "bert")
	s := suites[0]
	good := freshKey(t)
	for size, want := range map[int]error{32: nil, 31: errMalformed, 33: errMalformed} {
		p := &parentNode{encryptionKey: append(good, 1)[:size]}
		l := *a.kp.leaf
		l.source, l.parentHash = sourceCommit, s.parentHash(p, s.leafHash(1, b.kp.leaf))
		must(t, l.sign(a.signer, []byte("group"), 0))
		e := newTree(s, &l).edit()
		e.add(b.kp.leaf)
		e.root.parent = p
		if err := e.freeze().check([]byte("group"), nil); !errors.Is(err, want) {
			t.Errorf("key of %d bytes: got %v, want %v", size, err, want)
		}
	}
}
