package mls

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"
)

// cryptoBound measures the cryptography that one message of 1 KiB takes at
// least: derivations, two AEAD operations, and a signature or its check over
// what RFC 9420 says is signed.
func cryptoBound(e *Epoch, verify bool) time.Duration {
	s := e.suite
	_, key, _ := ed25519.GenerateKey(nil)
	public := key.Public().(ed25519.PublicKey)
	content := random(1024 + len(e.encoded) + 64)
	sig := ed25519.Sign(key, content)
	secret, nonce, sample := random(s.size), random(s.nonceSize), random(s.size)
	const n = 2000
	start := time.Now()
	for range n {
		if verify {
			ed25519.Verify(public, content, sig)
		} else {
			ed25519.Sign(key, content)
		}
		for _, l := range []int{s.keySize, s.nonceSize, s.size} {
			_, _ = s.deriveTreeSecret(secret, "key", 1, l)
		}
		_, _ = s.expandWithLabel(secret, "key", sample, s.keySize)
		_, _ = s.expandWithLabel(secret, "nonce", sample, s.nonceSize)
		_, _ = s.seal(secret[:s.keySize], nonce, nil, content)
		_, _ = s.seal(secret[:s.keySize], nonce, nil, sample[:12])
	}
	return time.Since(start) / n
}

// benchGroup returns two members of a group of that size.
func benchGroup(b *testing.B, size int) (*member, *member) {
	a := newMemberOf(b, X25519_AES128GCM_SHA256_Ed25519, "anna")
	a.create(GroupConfig{})
	last := newMemberOf(b, a.suite, "last")
	var kps []*KeyPackage
	for i := range size - 2 {
		kps = append(kps, newMemberOf(b, a.suite, fmt.Sprint(i)).kp)
	}
	s, err := a.epoch.Commit(a.records, CommitConfig{Add: append(kps, last.kp), Now: now})
	must(b, err)
	next, err := s.Apply(nil)
	must(b, err)
	a.enter(next)
	last.join(s.Welcome())
	return a, last
}

func reportBound(b *testing.B, bound time.Duration) {
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bound), "x-bound")
}

func BenchmarkEncrypt(b *testing.B) {
	for _, size := range []int{2, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			a, _ := benchGroup(b, size)
			text, data := random(1024), random(41)
			bound := cryptoBound(a.epoch, false)
			b.ReportAllocs()
			for b.Loop() {
				_, err := a.epoch.Encrypt(a.records, data, text)
				must(b, err)
			}
			reportBound(b, bound)
		})
	}
}

func BenchmarkDecrypt(b *testing.B) {
	for _, size := range []int{2, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			a, last := benchGroup(b, size)
			text, data := random(1024), random(41)
			bound := cryptoBound(a.epoch, true)
			last.decrypt(a.encrypt("first"), a, "first")
			msg, err := a.epoch.Encrypt(a.records, data, text)
			must(b, err)
			before := last.snapshot()
			b.ReportAllocs()
			for b.Loop() {
				_, err := last.epoch.Decrypt(overlay{before, Scratch{}}, msg)
				must(b, err)
			}
			reportBound(b, bound)
		})
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

// BenchmarkAdd is a commit that adds one member to a group of 1,000, and
// BenchmarkStage its processing by another.
func BenchmarkAdd(b *testing.B) {
	a, _ := benchGroup(b, 1000)
	kp := newMemberOf(b, a.suite, "new").kp
	for b.Loop() {
		_, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{kp}, Now: now})
		must(b, err)
	}
}

func BenchmarkStage(b *testing.B) {
	a, last := benchGroup(b, 1000)
	kp := newMemberOf(b, a.suite, "new").kp
	s, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{kp}, Now: now})
	must(b, err)
	for b.Loop() {
		_, err := last.epoch.Stage(last.records, s.Message())
		must(b, err)
	}
}

func BenchmarkJoin(b *testing.B) {
	a, _ := benchGroup(b, 999)
	m := newMemberOf(b, a.suite, "new")
	s, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{m.kp}, Now: now})
	must(b, err)
	for b.Loop() {
		_, err := Join(JoinConfig{Welcome: s.Welcome(), KeyPackage: m.kp, Secrets: m.secrets, Signer: m.signer})
		must(b, err)
	}
}

func BenchmarkLoadEpoch(b *testing.B) {
	a, _ := benchGroup(b, 1000)
	for b.Loop() {
		_, err := LoadEpoch(a.records, a.signer)
		must(b, err)
	}
}
