package mls

import (
	"bytes"
	"fmt"
	"testing"
)

// An operation of a group is made ready outside of what is measured, with the
// cryptography that it requires.
type operation struct {
	name string
	make func(b testing.TB, g *benchGroup) (bound work, f func())
	// grows is how many times the memory of one with 16 members it may take
	// with 128. That of what works on the whole tree grows as the group does,
	// that of a commit as the depth of the tree.
	grows float64
}

var operations = []operation{
	{"encrypt", benchEncrypt, 1.1},
	{"decrypt", benchDecrypt, 1.1},
	{"update", benchUpdate, 2},
	{"process", benchProcess, 2},
	{"join", benchJoin, 10},
	{"welcome", benchWelcome, 10},
	{"records", benchRecords, 1.1},
	{"load", benchLoad, 10},
}

func benchEncrypt(b testing.TB, g *benchGroup) (bound work, f func()) {
	text, data := random(1024), random(41)
	p, records := g.primitives, g.a.snapshot()
	return append(p.encrypt(1100), p.sign(1250)), func() {
		_, err := g.a.epoch.Encrypt(records, data, text)
		must(b, err)
	}
}

func benchDecrypt(b testing.TB, g *benchGroup) (bound work, f func()) {
	sent := g.a.snapshot()
	first, err := g.a.epoch.Encrypt(sent, nil, random(1024))
	must(b, err)
	msg, err := g.a.epoch.Encrypt(sent, random(41), random(1024))
	must(b, err)
	below := g.end.snapshot()
	_, err = g.end.epoch.Decrypt(below, first)
	must(b, err)
	p := g.primitives
	return append(p.decrypt(1100), p.verify(1250)), func() {
		_, err := g.end.epoch.Decrypt(overlay{below, Scratch{}}, msg)
		must(b, err)
	}
}

// warm returns records in which the ratchets of the first member are there.
func (g *benchGroup) warm(b testing.TB, m *member) Scratch {
	records := m.snapshot()
	t := m.epoch.secretTree(records)
	c := &recordChanges{}
	r, err := t.load(handshakeRatchet, 0, c)
	must(b, err)
	c.put(handshakeRatchet.record(0), r.bytes())
	must(b, c.write(records))
	return records
}

// benchUpdate is a commit of nothing but a path, made and entered.
func benchUpdate(b testing.TB, g *benchGroup) (bound work, f func()) {
	records := g.warm(b, g.a)
	s, err := g.a.epoch.Commit(overlay{records, Scratch{}}, CommitConfig{})
	must(b, err)
	t, p, size := g.a.epoch.tree, g.primitives, len(s.Message())
	leaf := len(t.leaf(0).raw)
	steps := t.filteredPath(0)
	seals := 0
	for _, step := range steps {
		seals += len(step.recipients(nil))
	}
	// Two signatures: of the leaf and of the commit (RFC 9420, §7.2, §6.1).
	bound = append(p.path(len(steps)), p.keyPair, p.sign(leaf), p.sign(size))
	bound = append(bound, p.pathHashes(len(steps), rootIndex(t.leaves).level(), leaf)...)
	bound = append(bound, onAllCores(times(seals, p.seal(len(g.a.epoch.encoded)+40))))
	bound = append(append(append(bound, p.transcript(size)...), p.epoch()...), p.encrypt(size)...)
	return bound, func() {
		s, err := g.a.epoch.Commit(overlay{records, Scratch{}}, CommitConfig{})
		must(b, err)
		_, err = s.Apply(nil)
		must(b, err)
	}
}

// benchProcess is another's commit of a path, checked to the end.
func benchProcess(b testing.TB, g *benchGroup) (bound work, f func()) {
	s, err := g.a.epoch.Commit(g.a.snapshot(), CommitConfig{})
	must(b, err)
	m := g.middle
	t, p, size := m.epoch.tree, g.primitives, len(s.Message())
	leaf := len(t.leaf(0).raw)
	steps, above := t.filteredPath(0), 0
	for _, step := range steps {
		if step.at.covers(m.epoch.own) {
			above++
		}
	}
	bound = append(p.path(above), p.open(len(m.epoch.encoded)+40), p.verify(leaf), p.verify(size))
	bound = append(bound, p.pathHashes(len(steps), rootIndex(t.leaves).level(), leaf)...)
	bound = append(append(append(bound, p.transcript(size)...), p.epoch()...), p.decrypt(size)...)
	records := g.warm(b, m)
	return bound, func() {
		_, err := m.epoch.Stage(overlay{records, Scratch{}}, s.Message(), StageConfig{})
		must(b, err)
	}
}

func benchJoin(b testing.TB, g *benchGroup) (bound work, f func()) {
	m := newMemberOf(b, g.a.suite, "new")
	s, err := g.a.epoch.Commit(g.a.snapshot(), CommitConfig{Add: []*KeyPackage{m.kp}, Now: now, Update: true})
	must(b, err)
	next, err := s.Apply(nil)
	must(b, err)
	t, p, size := next.tree, g.primitives, len(s.Welcome())
	own := t.root.members - 1
	above := 0
	for x, ok := commonAncestor(0, own), true; ok; x, ok = x.parent(t.leaves) {
		above++
	}
	// The tree is in the GroupInfo: sealed with it (RFC 9420, §12.4.3.1), hashed
	// for the seal of the group secrets and signed.
	bound = work{p.hash(len(m.kp.raw)), p.open(size), p.extract, p.derive, p.derive, p.derive, p.aeadOpen(size)}
	leaves := work{p.verify(size)}
	for _, l := range t.members() {
		leaves = append(leaves, p.verify(len(l.raw)))
	}
	var parents work
	for range t.parents() {
		parents = append(parents, p.hash(parentHashInput))
	}
	bound = append(bound, onAllCores(p.treeHashes(t), leaves, parents))
	bound = append(append(bound, times(1+9, p.derive)...), p.hash(65), p.mac(32))
	bound = append(bound, p.path(above)...)
	return bound, func() {
		_, err := Join(JoinConfig{Welcome: s.Welcome(), KeyPackage: m.kp, Secrets: m.secrets, Signer: m.signer})
		must(b, err)
	}
}

// benchWelcome creates a group of that size in one commit, the tree beside the
// Welcome.
func benchWelcome(b testing.TB, g *benchGroup) (bound work, f func()) {
	a := newMemberOf(b, g.a.suite, "creator")
	a.create(GroupConfig{})
	var kps []*KeyPackage
	for i := range g.size - 1 {
		kps = append(kps, newMemberOf(b, a.suite, fmt.Sprint(i)).kp)
	}
	cfg := CommitConfig{Add: kps, Now: now, TreeBeside: true, Public: true}
	s, err := a.epoch.Commit(Scratch{}, cfg)
	must(b, err)
	next, err := s.Apply(nil)
	must(b, err)
	p, size, info := g.primitives, len(s.Message()), 300
	// Of a key package both signatures are verified (RFC 9420, §10.1), and its
	// reference names it in the Welcome (§12.4.3.1).
	var checks, seals work
	for _, kp := range kps {
		checks = append(checks, p.verify(len(kp.leaf.raw)), p.verify(len(kp.raw)))
		seals = append(seals, p.seal(info), p.hash(len(kp.raw)))
	}
	bound = work{onAllCores(checks), onAllCores(p.treeHashes(next.tree)), p.sign(size), p.mac(size)}
	bound = append(append(bound, p.transcript(size)...), p.epoch()...)
	bound = append(bound, p.derive, p.derive, p.derive, p.sign(info), p.aeadSeal(info), p.aeadSeal(len(s.RatchetTree())), onAllCores(seals))
	return bound, func() {
		_, err := a.epoch.Commit(Scratch{}, cfg)
		must(b, err)
	}
}

// benchRecords is a message decrypted through Records, which load the ratchet and
// save it; the bound is the same with the ratchet at hand.
func benchRecords(b testing.TB, g *benchGroup) (bound work, f func()) {
	e, below, sent := g.end.epoch, g.end.snapshot(), g.a.snapshot()
	first, err := g.a.epoch.Encrypt(sent, nil, random(1024))
	must(b, err)
	_, err = e.Decrypt(below, first)
	must(b, err)
	msg, err := g.a.epoch.Encrypt(sent, random(41), random(1024))
	must(b, err)
	at, err := decodeRatchet(below[applicationRatchet.record(0)], e.suite.size)
	must(b, err)
	bare := work{func() {
		m, err := decodeMessageOf(msg, WirePrivateMessage)
		must(b, err)
		d, err := e.suite.openSenderData(m.private, e.secrets.senderData)
		must(b, err)
		r := ratchet{next: at.next, secret: bytes.Clone(at.secret)}
		k, err := r.step(e.suite, true)
		must(b, err)
		a, err := e.suite.unprotectPrivate(m.private, d, k)
		must(b, err)
		must(b, a.verify(e.suite, e.tree.leaf(d.leaf).signatureKey, e.encoded))
	}}
	return bare, func() {
		_, err := e.Decrypt(overlay{below, Scratch{}}, msg)
		must(b, err)
	}
}

// benchLoad reads a whole epoch back.
func benchLoad(b testing.TB, g *benchGroup) (bound work, f func()) {
	return nil, func() {
		_, err := LoadEpoch(g.a.records, g.a.signer)
		must(b, err)
	}
}

// overlay is a transaction that is never committed.
type overlay struct {
	below, above Scratch
}

func (o overlay) Get(key string) ([]byte, error) {
	if v, ok := o.above[key]; ok {
		return v, nil
	}
	return o.below.Get(key)
}

func (o overlay) Put(key string, value []byte) error { return o.above.Put(key, value) }
func (o overlay) Delete(key string) error            { o.above[key] = nil; return nil }
