package mls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"maps"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/ed448"
)

// now is the clock of all tests.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type ed25519Signer ed25519.PrivateKey

func (s ed25519Signer) Public() []byte { return ed25519.PrivateKey(s).Public().(ed25519.PublicKey) }

func (s ed25519Signer) Sign(m []byte) ([]byte, error) {
	return ed25519.Sign(ed25519.PrivateKey(s), m), nil
}

type ecdsaSigner struct {
	key  *ecdsa.PrivateKey
	hash func() hash.Hash
}

func (s ecdsaSigner) Public() []byte {
	b, err := s.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}

func (s ecdsaSigner) Sign(m []byte) ([]byte, error) {
	h := s.hash()
	h.Write(m)
	return ecdsa.SignASN1(rand.Reader, s.key, h.Sum(nil))
}

type ed448Signer ed448.PrivateKey

func (s ed448Signer) Public() []byte { return ed448.PrivateKey(s).Public().(ed448.PublicKey) }

func (s ed448Signer) Sign(m []byte) ([]byte, error) {
	return ed448.Sign(ed448.PrivateKey(s), m, ""), nil
}

// isEd448 reports whether a suite signs with Ed448.
func isEd448(s Suite) bool {
	return s == X448_AES256GCM_SHA512_Ed448 || s == X448_CHACHA20POLY1305_SHA512_Ed448
}

// ecdsaOf returns curve and hash of a suite's signatures, or nil for Ed25519.
func ecdsaOf(s Suite) (elliptic.Curve, func() hash.Hash) {
	switch s {
	case P256_AES128GCM_SHA256_P256:
		return elliptic.P256(), sha256.New
	case P384_AES256GCM_SHA384_P384:
		return elliptic.P384(), sha512.New384
	case P521_AES256GCM_SHA512_P521:
		return elliptic.P521(), sha512.New
	}
	return nil, nil
}

func newSigner(tb testing.TB, s Suite) Signer {
	tb.Helper()
	if curve, h := ecdsaOf(s); curve != nil {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(tb, err)
		return ecdsaSigner{key, h}
	}
	if isEd448(s) {
		_, key, err := ed448.GenerateKey(nil)
		must(tb, err)
		return ed448Signer(key)
	}
	_, key, err := ed25519.GenerateKey(nil)
	must(tb, err)
	return ed25519Signer(key)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// A member is one client in one group: its present epoch and the records of
// every epoch it was in.
type member struct {
	tb      testing.TB
	name    string
	suite   Suite
	signer  Signer
	kp      *KeyPackage
	secrets *KeyPackageSecrets
	epoch   *Epoch
	records Scratch
	// reload makes the member load its epoch from the records before each step.
	reload bool
}

func newMemberOf(tb testing.TB, s Suite, name string) *member {
	tb.Helper()
	m := &member{tb: tb, name: name, suite: s, signer: newSigner(tb, s)}
	m.kp, m.secrets = m.newKeyPackage(KeyPackageConfig{})
	return m
}

func (m *member) newKeyPackage(cfg KeyPackageConfig) (*KeyPackage, *KeyPackageSecrets) {
	m.tb.Helper()
	cfg.Suite, cfg.Signer, cfg.Identity = m.suite, m.signer, []byte(m.name)
	cfg.NotBefore, cfg.NotAfter = now.Add(-time.Hour), now.Add(30*24*time.Hour)
	k, s, err := NewKeyPackage(cfg)
	must(m.tb, err)
	return k, s
}

// enter saves an epoch and makes it the present one.
func (m *member) enter(e *Epoch) {
	m.tb.Helper()
	m.records = Scratch{}
	must(m.tb, e.Save(m.records))
	m.epoch = e
	m.load()
}

func (m *member) load() {
	m.tb.Helper()
	if m.reload {
		e, err := LoadEpoch(m.records, m.signer)
		must(m.tb, err)
		m.epoch = e
	}
}

func (m *member) create(cfg GroupConfig) {
	m.tb.Helper()
	cfg.Suite, cfg.Signer, cfg.Identity = m.suite, m.signer, []byte(m.name)
	e, err := Create(cfg)
	must(m.tb, err)
	m.enter(e)
}

func (m *member) join(welcome []byte) {
	m.tb.Helper()
	e, err := Join(JoinConfig{Welcome: welcome, KeyPackage: m.kp, Secrets: m.secrets, Signer: m.signer})
	must(m.tb, err)
	m.enter(e)
}

// add commits the others in one commit; they join.
func (m *member) add(public bool, others ...*member) *Staged {
	m.tb.Helper()
	cfg := CommitConfig{Now: now, Public: public}
	for _, o := range others {
		cfg.Add = append(cfg.Add, o.kp)
	}
	m.load()
	s, err := m.epoch.Commit(m.records, cfg)
	must(m.tb, err)
	next, err := s.Apply(m.records)
	must(m.tb, err)
	m.enter(next)
	for _, o := range others {
		o.join(s.Welcome())
	}
	return s
}

// follow applies another's commit.
func (m *member) follow(commit []byte) *Staged {
	m.tb.Helper()
	m.load()
	s, err := m.epoch.Stage(m.records, commit, StageConfig{})
	must(m.tb, err)
	next, err := s.Apply(m.records)
	must(m.tb, err)
	m.enter(next)
	return s
}

func (m *member) encrypt(text string) []byte {
	m.tb.Helper()
	m.load()
	b, err := m.epoch.Encrypt(m.records, []byte("ad "+text), []byte(text))
	must(m.tb, err)
	return b
}

func (m *member) decrypt(msg []byte, from *member, text string) {
	m.tb.Helper()
	m.load()
	got, err := m.epoch.Decrypt(m.records, msg)
	must(m.tb, err)
	if string(got.Data) != text || string(got.AuthenticatedData) != "ad "+text || string(got.Identity) != from.name || got.Leaf != from.epoch.OwnLeaf() {
		m.tb.Fatalf("%s decrypted %q of %q, want %q of %q", m.name, got.Data, got.Identity, text, from.name)
	}
}

// sameEpoch checks that all are in one epoch with one view of it.
func sameEpoch(tb testing.TB, members ...*member) {
	tb.Helper()
	for _, m := range members[1:] {
		if !bytes.Equal(m.epoch.Authenticator(), members[0].epoch.Authenticator()) {
			tb.Fatalf("%s and %s are in different epochs", m.name, members[0].name)
		}
	}
}

// snapshot copies a member's records.
func (m *member) snapshot() Scratch {
	c := Scratch{}
	for k, v := range m.records {
		c[k] = bytes.Clone(v)
	}
	return c
}

func sameRecords(a, b Scratch) bool {
	return maps.EqualFunc(a, b, func(x, y []byte) bool { return bytes.Equal(x, y) })
}

// eachSuite runs a test for every suite.
func eachSuite(t *testing.T, f func(t *testing.T, s Suite)) {
	for _, s := range allSuites() {
		t.Run(s.String(), func(t *testing.T) { f(t, s) })
	}
}

// allSuites are the cipher suites there are, in the order of their numbers.
func allSuites() []Suite {
	list := make([]Suite, len(suites))
	for i, s := range suites {
		list[i] = s.id
	}
	return list
}
