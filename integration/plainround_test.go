package integration

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
)

// newForeignUser returns somebody who can prove their key.
func newForeignUser(t testing.TB, name string) *foreignUser {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &foreignUser{name: name, password: "correct horse of " + name, id: public, signer: private}
}

// enters registers and logs in.
func (f *foreigner) enters(u *foreignUser, relay []byte) {
	f.t.Helper()
	if ok, err := f.register(u, relay); err != nil || !ok {
		f.t.Fatalf("register %s: got %v, %v", u.name, ok, err)
	}
	if err := f.login(u); err != nil {
		f.t.Fatalf("log %s in: %v", u.name, err)
	}
}

// plainSigner signs for MLS.
type plainSigner struct{ key ed25519.PrivateKey }

// Public returns the public key.
func (s plainSigner) Public() []byte { return s.key.Public().(ed25519.PublicKey) }

// Sign signs.
func (s plainSigner) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.key, message), nil }

// packageOf returns a key package of a person, made without anything of rpc.
func packageOf(t testing.TB, u *foreignUser) []byte {
	t.Helper()
	p, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite: mls.X25519_AES128GCM_SHA256_Ed25519, Identity: u.id, Signer: plainSigner{u.signer},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes()
}

// TestPlainRound is the whole of what a relay is for, over plain QUIC, by a program
// that has nothing of ours: accounts, keys, mail, and each other method. Somebody who knows Alice's key has
// tried everything before.
func TestPlainRound(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := plainRelay(t, "--access", "account")
	key, _ := relay.at(t)
	all := foreigners(t, relay)
	for i, f := range []*foreigner{all[0], all[len(all)-1].oneStream()} {
		alice, bob := newForeignUser(t, fmt.Sprintf("alice%d", i)), newForeignUser(t, fmt.Sprintf("bob%d", i))
		impostors(t, f, alice, key[:])
		f.enters(alice, key[:])
		f.enters(bob, key[:])
		exchange(t, f, alice, bob)
		rest(t, f, alice, bob)
		impostors(t, f, alice, key[:])
	}
}

// exchange lets Bob find Alice's keys and write to her.
func exchange(t *testing.T, f *foreigner, alice, bob *foreignUser) {
	t.Helper()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	pkg := packageOf(t, alice)
	fingerprint, err := f.uploadKeyPackage(alice.token, alice.id, pkg)
	if want := sha256.Sum256(pkg); err != nil || !bytes.Equal(fingerprint, want[:]) {
		t.Fatalf("upload: got %x, %v, want %x", fingerprint, err, want)
	}
	must("upload hybrid key", f.uploadHybridKey(alice.token, alice.id, []byte("hybrid key")))
	if got, err := f.fetchKeyPackage(bob.token, alice.id); err != nil || !bytes.Equal(got, pkg) {
		t.Errorf("fetch key package: got %x, %v", got, err)
	}
	if got, err := f.fetchHybridKey(bob.token, alice.id); err != nil || string(got) != "hybrid key" {
		t.Errorf("fetch hybrid key: got %q, %v", got, err)
	}

	type result struct {
		got []envelope
		err error
	}
	waited := make(chan result, 1)
	go func() {
		got, err := f.fetchWait(alice.token, alice.id, 60_000)
		waited <- result{got, err}
	}()
	first, err := f.enqueue(bob.token, alice.id, []byte("one"))
	must("enqueue", err)
	r := <-waited
	if r.err == nil && len(r.got) == 0 { // a slow machine
		r.got, r.err = f.fetchWait(alice.token, alice.id, 60_000)
	}
	if want := []envelope{{first, "one"}}; r.err != nil || !slices.Equal(r.got, want) {
		t.Errorf("fetchWait: got %v, %v, want %v", r.got, r.err, want)
	}
	second, err := f.enqueue(bob.token, alice.id, []byte("two"))
	must("enqueue", err)
	third, err := f.enqueue(bob.token, alice.id, []byte("three"))
	must("enqueue", err)
	for _, step := range []struct {
		after, ack uint64
		want       []envelope
	}{
		{0, 0, []envelope{{second, "two"}, {third, "three"}}},
		{second, second, []envelope{{third, "three"}}},
		{0, third, []envelope{{third, "three"}}},
		{0, 0, nil},
	} {
		got, err := f.peekWait(alice.token, alice.id, step.after, 0)
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("peekWait after %d: got %v, %v, want %v", step.after, got, err, step.want)
		}
		if step.ack != 0 {
			must("ack", f.ack(alice.token, alice.id, step.ack))
		}
	}
	wrong := *alice
	wrong.password = "battery staple"
	if f.login(&wrong) == nil {
		t.Error("a wrong password opens the account")
	}
}

// impostors know the key of somebody and try to be that person: with no account,
// with one that just names the key, and with a proof by another key.
func impostors(t *testing.T, f *foreigner, victim *foreignUser, relay []byte) {
	t.Helper()
	knowsVictim(t, f, victim.id)
	mallory := newForeignUser(t, fmt.Sprintf("mallory%d", time.Now().UnixNano()))
	mallory.id = victim.id
	if ok, err := f.register(mallory, relay); ok || !refused(err, "E003") {
		t.Errorf("a binding that another key signed: got %v, %v", ok, err)
	}
	mallory.signer = nil
	f.enters(mallory, relay)
	for what, err := range map[string]error{
		"fetch":            second(f.fetch(mallory.token, victim.id, nil)),
		"peek":             second(f.peek(mallory.token, victim.id, 0)),
		"createChannel":    second(f.createChannel(mallory.token, victim.id)),
		"fetchWait":        second(f.fetchWait(mallory.token, victim.id, 0)),
		"peekWait":         second(f.peekWait(mallory.token, victim.id, 0, 0)),
		"ack":              f.ack(mallory.token, victim.id, 1<<60),
		"uploadKeyPackage": second(f.uploadKeyPackage(mallory.token, victim.id, packageOf(t, victim))),
		"uploadHybridKey":  f.uploadHybridKey(mallory.token, victim.id, []byte("x")),
		"publishEndpoint":  f.publishEndpoint(mallory.token, victim.id, []byte("x")),
	} {
		if !refused(err, "E002") && !refused(err, "E003") {
			t.Errorf("%s with an account that just names the key: got %v", what, err)
		}
	}
}

// second returns the error of a call.
func second[T any](_ T, err error) error { return err }
