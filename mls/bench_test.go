package mls

import (
	"crypto/ed25519"
	"fmt"
	"runtime"
	"testing"
	"time"
)

// costs is what the cryptography of a suite takes here and now.
type costs struct {
	sign, verify, seal, open, derive, keyPair, aead time.Duration
}

func measure(n int, f func()) time.Duration {
	start := time.Now()
	for range n {
		f()
	}
	return time.Since(start) / time.Duration(n)
}

func measureCosts(b *testing.B, s *suite) costs {
	_, key, err := ed25519.GenerateKey(nil)
	must(b, err)
	public := key.Public().(ed25519.PublicKey)
	content, secret, nonce := random(1200), random(s.size), random(s.nonceSize)
	sig := ed25519.Sign(key, content)
	private, to, err := s.generateKey()
	must(b, err)
	c, err := s.encryptWithLabel(to, "UpdatePathNode", content[:200], secret)
	must(b, err)
	return costs{
		sign:    measure(300, func() { ed25519.Sign(key, content) }),
		verify:  measure(300, func() { ed25519.Verify(public, content, sig) }),
		seal:    measure(200, func() { _, _ = s.encryptWithLabel(to, "UpdatePathNode", content[:200], secret) }),
		open:    measure(200, func() { _, _ = s.decryptWithLabel(private, "UpdatePathNode", content[:200], c) }),
		derive:  measure(2000, func() { _, _ = s.deriveTreeSecret(secret, "secret", 1, s.size) }),
		keyPair: measure(200, func() { _, _, _ = s.deriveKeyPair(secret) }),
		aead:    measure(2000, func() { _, _ = s.seal(secret[:s.keySize], nonce, nil, content) }),
	}
}

const (
	scheduleSteps = 14 // derivations of a key schedule
	messageSteps  = 5  // of a message: key, nonce, next secret, sender data
)

func (c costs) path(nodes int) time.Duration {
	return time.Duration(nodes) * (2*c.derive + c.keyPair)
}

func (c costs) message() time.Duration { return messageSteps*c.derive + 2*c.aead }

// A benchGroup is a group with a warm tree, in which every member has made a
// path, and three of its members: the first, one in the middle and the last.
type benchGroup struct {
	costs          costs
	size           int
	a, middle, end *member
}

func newBenchGroup(b *testing.B, size int) *benchGroup {
	b.Helper()
	s := suites[0]
	groupID := []byte("group")
	all := make([]*member, size)
	for i := range all {
		all[i] = newMemberOf(b, s.id, fmt.Sprint(i))
	}
	tree := newTree(s, all[0].kp.leaf)
	edit := tree.edit()
	for _, m := range all[1:] {
		edit.add(m.kp.leaf)
	}
	tree = edit.freeze()
	keys := map[nodeIndex][]byte{}
	for i, m := range all {
		p, err := tree.newPath(uint32(i), m.kp.leaf, m.signer, groupID)
		must(b, err)
		tree = p.tree
		for x, key := range p.private {
			keys[x] = key
		}
	}
	context := &groupContext{suite: s.id, groupID: groupID, epoch: 7, treeHash: tree.hash(), transcriptHash: random(32)}
	joiner := random(s.size)
	g := &benchGroup{costs: measureCosts(b, s), size: size, a: all[0], middle: all[size/2], end: all[size-1]}
	for i, m := range all {
		if m != g.a && m != g.middle && m != g.end {
			continue
		}
		k, err := s.schedule(joiner, s.zeros(), encoded(context))
		must(b, err)
		e := newEpoch(s, m.signer, context, k, tree, uint32(i))
		e.private = map[nodeIndex][]byte{}
		for x, key := range keys {
			if x.covers(uint32(i)) {
				e.private[x] = key
			}
		}
		m.enter(e)
	}
	return g
}

// run measures f and compares it with the bound, the cryptography alone.
func (g *benchGroup) run(b *testing.B, bound time.Duration, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bound), "xbound")
}

// BenchmarkGroup is what a group of some members costs, each operation as a
// multiple of the cryptography that RFC 9420 requires for it.
func BenchmarkGroup(b *testing.B) {
	operations := []struct {
		name string
		run  func(b *testing.B, g *benchGroup)
	}{
		{"encrypt", benchEncrypt},
		{"decrypt", benchDecrypt},
		{"update", benchUpdate},
		{"process", benchProcess},
		{"join", benchJoin},
		{"welcome", benchWelcome},
		{"load", benchLoad},
	}
	groups := map[int]*benchGroup{}
	for _, o := range operations {
		for _, size := range []int{3, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", o.name, size), func(b *testing.B) {
				if groups[size] == nil {
					groups[size] = newBenchGroup(b, size)
				}
				g := groups[size]
				g.costs = measureCosts(b, suites[0])
				o.run(b, g)
			})
		}
	}
}

func benchEncrypt(b *testing.B, g *benchGroup) {
	text, data := random(1024), random(41)
	g.run(b, g.costs.sign+g.costs.message(), func() {
		_, err := g.a.epoch.Encrypt(g.a.records, data, text)
		must(b, err)
	})
}

func benchDecrypt(b *testing.B, g *benchGroup) {
	from := g.middle
	sent := from.snapshot()
	first, err := from.epoch.Encrypt(sent, nil, random(1024))
	must(b, err)
	msg, err := from.epoch.Encrypt(sent, random(41), random(1024))
	must(b, err)
	below := g.end.snapshot()
	_, err = g.end.epoch.Decrypt(below, first)
	must(b, err)
	g.run(b, g.costs.verify+g.costs.message(), func() {
		_, err := g.end.epoch.Decrypt(overlay{below, Scratch{}}, msg)
		must(b, err)
	})
}

// benchUpdate is a commit of nothing but a path, made and entered.
func benchUpdate(b *testing.B, g *benchGroup) {
	steps := len(g.a.epoch.tree.filteredPath(0))
	c := g.costs
	bound := 2*c.sign + c.path(steps) + c.keyPair + time.Duration(steps)*c.seal/time.Duration(min(runtime.GOMAXPROCS(0), (steps+3)/4)) +
		scheduleSteps*c.derive + c.message()
	records := g.a.snapshot()
	g.run(b, bound, func() {
		s, err := g.a.epoch.Commit(overlay{records, Scratch{}}, CommitConfig{})
		must(b, err)
		_, err = s.Apply(nil)
		must(b, err)
	})
}

func benchProcess(b *testing.B, g *benchGroup) {
	s, err := g.a.epoch.Commit(g.a.records, CommitConfig{})
	must(b, err)
	m := g.middle
	steps := 0
	for _, step := range g.a.epoch.tree.filteredPath(0) {
		if step.at.covers(m.epoch.own) {
			steps++
		}
	}
	c := g.costs
	records := m.snapshot()
	g.run(b, 2*c.verify+c.open+c.path(steps)+scheduleSteps*c.derive+c.message(), func() {
		_, err := m.epoch.Stage(overlay{records, Scratch{}}, s.Message())
		must(b, err)
	})
}

func benchJoin(b *testing.B, g *benchGroup) {
	m := newMemberOf(b, g.a.suite, "new")
	s, err := g.a.epoch.Commit(g.a.records, CommitConfig{Add: []*KeyPackage{m.kp}, Now: now, Update: true})
	must(b, err)
	c := g.costs
	bound := time.Duration(g.size+1)*c.verify/time.Duration(runtime.GOMAXPROCS(0)) + c.verify + c.open + c.path(1) + 3*c.keyPair + scheduleSteps*c.derive
	g.run(b, bound, func() {
		_, err := Join(JoinConfig{Welcome: s.Welcome(), KeyPackage: m.kp, Secrets: m.secrets, Signer: m.signer})
		must(b, err)
	})
}

// benchWelcome creates a group of that size in one commit, the tree beside the
// Welcome.
func benchWelcome(b *testing.B, g *benchGroup) {
	a := newMemberOf(b, g.a.suite, "creator")
	a.create(GroupConfig{})
	var kps []*KeyPackage
	for i := range g.size - 1 {
		kps = append(kps, newMemberOf(b, a.suite, fmt.Sprint(i)).kp)
	}
	c := g.costs
	bound := time.Duration(len(kps))*(2*c.verify+c.seal)/time.Duration(runtime.GOMAXPROCS(0)) + 2*c.sign + scheduleSteps*c.derive
	g.run(b, bound, func() {
		_, err := a.epoch.Commit(Scratch{}, CommitConfig{Add: kps, Now: now, TreeBeside: true, Public: true})
		must(b, err)
	})
}

func benchLoad(b *testing.B, g *benchGroup) {
	for b.Loop() {
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
