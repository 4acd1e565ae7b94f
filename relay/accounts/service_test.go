package accounts

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
)

var cheap = account.Stretch{Time: 1, Memory: 8, Threads: 1}

// world is a service over a real store, and its time.
type world struct {
	*Service
	store *store.Store
	ms    atomic.Int64
}

func (w *world) now() time.Time      { return time.UnixMilli(w.ms.Load()) }
func (w *world) add(d time.Duration) { w.ms.Add(d.Milliseconds()) }

var relayKey = rpc.Identity{7}

func newWorld(t testing.TB, cfg Config) *world {
	t.Helper()
	w := &world{}
	w.ms.Store(time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC).UnixMilli())
	s, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "relay.db"), Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	server, err := account.NewServer(account.NewServerKeys())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Storage, cfg.Server, cfg.Relay, cfg.Now = s, server, relayKey, w.now
	cfg.Enter = func(rpc.Caller) (func(), error) { return func() {}, nil }
	cfg.WireError = func(err error) error { return err }
	w.Service, w.store = New(cfg), s
	return w
}

type person struct {
	id  rpc.Identity
	key ed25519.PrivateKey
}

func newPerson(n byte) person {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32))
	return person{rpc.Identity(key.Public().(ed25519.PublicKey)), key}
}

// tls is the caller over libp2p, quic the one over plain QUIC.
func (p person) tls(remote string) rpc.Caller {
	return rpc.Caller{Identity: p.id, Proven: true, Remote: remote}
}

func quic(remote string) rpc.Caller { return rpc.Caller{Remote: remote} }

func (w *world) upload(t testing.TB, c rpc.Caller, name, password string) []byte {
	t.Helper()
	o, err := account.NewClient(cheap)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	request, err := o.Register([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.RegisterStart(t.Context(), c, name, request)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := o.FinishRegister(response)
	if err != nil {
		t.Fatal(err)
	}
	return upload
}

func (p person) signed(name string, upload []byte) []byte {
	message := append([]byte(account.BindDomain), account.BindMessage(relayKey, name, upload)...)
	return append(bytes.Clone(upload), ed25519.Sign(p.key, message)...)
}

func (w *world) register(t testing.TB, c rpc.Caller, name, password string, id rpc.Identity, invite string) error {
	t.Helper()
	ok, err := w.RegisterFinish(t.Context(), c, name, w.upload(t, c, name, password), id, invite)
	if ok != (err == nil) {
		t.Errorf("got %v with %v", ok, err)
	}
	return err
}

func (w *world) login(t testing.TB, c rpc.Caller, name, password string, id rpc.Identity) ([]byte, error) {
	t.Helper()
	o, err := account.NewClient(cheap)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	ke1, err := o.Login([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	ke2, err := w.LoginStart(t.Context(), c, name, ke1)
	if err != nil {
		return nil, err
	}
	ke3, err := o.FinishLogin(ke2)
	if errors.Is(err, account.ErrPassword) {
		ke3, err = make([]byte, 64), nil // what a guesser has
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.LoginFinish(t.Context(), c, name, ke3, id)
}

// caller is who presents a token on the connection of c.
func (w *world) caller(t testing.TB, c rpc.Caller, token []byte) (rpc.Caller, error) {
	t.Helper()
	s, err := w.Session(t.Context(), [32]byte(token))
	c.Kind, c.Session, c.Identity, c.Proven = rpc.TokenSession, &s, s.Identity, s.Bound
	return c, err
}

func want(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Only a proof binds a key, and who has none can neither take a name's key nor
// stand in the way of its owner.
func TestBindingTakesProof(t *testing.T) {
	w := newWorld(t, Config{})
	victim, attacker := newPerson(1), newPerson(2)
	ctx := t.Context()
	at := "192.0.2.1"

	want(t, "over libp2p with another key", w.register(t, attacker.tls(at), "mallory", "pw", victim.id, ""), rpc.ErrForbidden)
	want(t, "over QUIC without a proof", w.register(t, quic(at), "mallory", "pw", victim.id, ""), nil)
	for name, forged := range map[string][]byte{
		"signed by another":       attacker.signed("mallet", w.upload(t, quic(at), "mallet", "pw")),
		"signed for another name": victim.signed("victim", w.upload(t, quic(at), "mallet", "pw")),
	} {
		_, err := w.RegisterFinish(ctx, quic(at), "mallet", forged, victim.id, "")
		want(t, name, err, rpc.ErrForbidden)
	}
	if name, err := w.ResolveIdentity(ctx, attacker.tls(at), victim.id); name != "" || err != nil {
		t.Errorf("the victim is called %q, %v", name, err)
	}
	if _, found, err := w.ResolveUser(ctx, attacker.tls(at), "mallory"); found || err != nil {
		t.Errorf("the name of nobody is found: %v", err)
	}
	token, err := w.login(t, quic(at), "mallory", "pw", victim.id)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := w.caller(t, quic(at), token); err != nil || c.Proven || c.Owns(victim.id) {
		t.Errorf("the attacker's session is %+v, %v", c, err)
	}

	want(t, "the owner", w.register(t, victim.tls(at), "victim", "pw", victim.id, ""), nil)
	want(t, "the owner again", w.register(t, victim.tls(at), "victim2", "pw", victim.id, ""), rpc.ErrUsername)
	other := newPerson(3)
	_, err = w.RegisterFinish(ctx, quic(at), "other", other.signed("other", w.upload(t, quic(at), "other", "pw")), other.id, "")
	want(t, "over QUIC with a signature", err, nil)
	for name, id := range map[string]rpc.Identity{"Victim": victim.id, "OTHER": other.id} {
		if got, found, err := w.ResolveUser(ctx, quic(at), name); got != id || !found || err != nil {
			t.Errorf("%s: got %v, %v, %v", name, got, found, err)
		}
	}
	if name, err := w.ResolveIdentity(ctx, quic(at), other.id); name != "other" || err != nil {
		t.Errorf("got %q, %v", name, err)
	}
}

// Whatever is wrong with a login, the answer is the same.
func TestLoginRefusalsLookAlike(t *testing.T) {
	w := newWorld(t, Config{MaxLogins: 100})
	anna, bob := newPerson(1), newPerson(2)
	at := "192.0.2.1"
	want(t, "register", w.register(t, anna.tls(at), "anna", "pw", anna.id, ""), nil)
	for name, try := range map[string]func() ([]byte, error){
		"unknown name":        func() ([]byte, error) { return w.login(t, quic(at), "nobody", "pw", anna.id) },
		"name that looks so":  func() ([]byte, error) { return w.login(t, quic(at), "ａｎｎａ", "pw", anna.id) },
		"wrong password":      func() ([]byte, error) { return w.login(t, quic(at), "anna", "wp", anna.id) },
		"wrong identity":      func() ([]byte, error) { return w.login(t, quic(at), "anna", "pw", bob.id) },
		"another's machine":   func() ([]byte, error) { return w.login(t, bob.tls(at), "anna", "pw", anna.id) },
		"unknown over libp2p": func() ([]byte, error) { return w.login(t, bob.tls(at), "nobody", "pw", bob.id) },
	} {
		begun := time.Now()
		_, err := try()
		if err == nil || err.Error() != rpc.ErrLogin.Error() {
			t.Errorf("%s: got %v, want %v", name, err, rpc.ErrLogin)
		}
		if d := time.Since(begun); d < 2*level {
			t.Errorf("%s: answered after %v", name, d)
		}
	}
	token, err := w.login(t, anna.tls(at), "ANNA", "pw", anna.id)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := w.caller(t, anna.tls(at), token); err != nil || !c.Owns(anna.id) {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestDirectoryTakesItsTime: who asks for a name or an identity waits as long whether
// there is one or not.
func TestDirectoryTakesItsTime(t *testing.T) {
	w := newWorld(t, Config{})
	anna, bob := newPerson(1), newPerson(2)
	at := "192.0.2.1"
	want(t, "register", w.register(t, anna.tls(at), "anna", "pw", anna.id, ""), nil)
	want(t, "register", w.register(t, quic(at), "mallory", "pw", bob.id, ""), nil)
	for _, name := range []string{"anna", "nobody", "mallory", "ａｎｎａ", "no name"} {
		begun := time.Now()
		_, found, err := w.ResolveUser(t.Context(), bob.tls(at), name)
		if d := time.Since(begun); err != nil || found != (name == "anna") || d < level {
			t.Errorf("%q: got %v, %v after %v", name, found, err, d)
		}
	}
	for _, id := range []rpc.Identity{anna.id, bob.id, newPerson(3).id} {
		begun := time.Now()
		name, err := w.ResolveIdentity(t.Context(), bob.tls(at), id)
		if d := time.Since(begun); err != nil || (name == "anna") != (id == anna.id) || d < level {
			t.Errorf("got %q, %v after %v", name, err, d)
		}
	}
}

// A finalization is good once, and for a minute.
func TestFinalizationIsGoodOnce(t *testing.T) {
	w := newWorld(t, Config{})
	anna := newPerson(1)
	c := anna.tls("192.0.2.1")
	want(t, "register", w.register(t, c, "anna", "pw", anna.id, ""), nil)
	finalization := func() []byte {
		o, err := account.NewClient(cheap)
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		ke1, _ := o.Login([]byte("pw"))
		ke2, err := w.LoginStart(t.Context(), c, "anna", ke1)
		if err != nil {
			t.Fatal(err)
		}
		ke3, err := o.FinishLogin(ke2)
		if err != nil {
			t.Fatal(err)
		}
		return ke3
	}
	ke3 := finalization()
	_, err := w.LoginFinish(t.Context(), c, "anna", ke3, anna.id)
	want(t, "first", err, nil)
	_, err = w.LoginFinish(t.Context(), c, "anna", ke3, anna.id)
	want(t, "again", err, rpc.ErrLogin)
	ke3 = finalization()
	w.add(pendingLife)
	_, err = w.LoginFinish(t.Context(), c, "anna", ke3, anna.id)
	want(t, "late", err, rpc.ErrLogin)
}

// Guesses are limited by name and by address, and lock nobody out who proves the
// key.
func TestAttemptsAreLimited(t *testing.T) {
	w := newWorld(t, Config{MaxLogins: 3})
	anna := newPerson(1)
	home := anna.tls("2001:db8::1")
	want(t, "register", w.register(t, home, "anna", "pw", anna.id, ""), nil)
	guess := func(remote, name string) error {
		_, err := w.login(t, quic(remote), name, "guess", anna.id)
		return err
	}
	for range 3 {
		want(t, "guess", guess("192.0.2.1", "anna"), rpc.ErrLogin)
	}
	want(t, "one too many", guess("192.0.2.1", "anna"), rpc.ErrBusy)
	for n := range 12 { // the address has 15, of which 3 are used
		want(t, "other names", guess("192.0.2.1", fmt.Sprintf("bob%d", n)), rpc.ErrLogin)
	}
	want(t, "one name too many", guess("192.0.2.1", "carol"), rpc.ErrBusy)
	for n := range 3 { // one network of IPv6, however many addresses
		want(t, "IPv6", guess(fmt.Sprintf("2001:db8::%x", 100+n), "anna"), rpc.ErrLogin)
	}
	want(t, "the same network", guess("2001:db8:0:ff::1", "anna"), rpc.ErrBusy)
	for n := 6; n < 60; n++ { // all addresses together have 60 at one name
		want(t, "everywhere", guess(fmt.Sprintf("198.51.100.%d", n), "anna"), rpc.ErrLogin)
	}
	want(t, "one name from everywhere", guess("203.0.113.1", "anna"), rpc.ErrBusy)
	for range 10 { // what succeeds does not count
		_, err := w.login(t, home, "anna", "pw", anna.id)
		want(t, "the owner meanwhile", err, nil)
	}
	for range 3 { // who stole the key and not the password has few
		_, err := w.login(t, home, "anna", "guess", anna.id)
		want(t, "guess with the key", err, rpc.ErrLogin)
	}
	_, err := w.login(t, anna.tls("198.51.100.200"), "anna", "guess", anna.id)
	want(t, "one too many with the key, from wherever", err, rpc.ErrBusy)
	w.add(loginWindow)
	want(t, "later", guess("192.0.2.1", "anna"), rpc.ErrLogin)
}

func TestRegistrationsAreLimited(t *testing.T) {
	w := newWorld(t, Config{MaxRegistrations: 2})
	for n := range byte(2) {
		p := newPerson(1 + n)
		want(t, "register", w.register(t, p.tls("192.0.2.1"), fmt.Sprintf("name%d", n), "pw", p.id, ""), nil)
	}
	p := newPerson(9)
	want(t, "one too many", w.register(t, p.tls("192.0.2.1"), "name9", "pw", p.id, ""), rpc.ErrBusy)
	want(t, "elsewhere", w.register(t, p.tls("192.0.2.2"), "name9", "pw", p.id, ""), nil)
	p = newPerson(10)
	want(t, "a look-alike", w.register(t, p.tls("192.0.2.2"), "ｎame9", "pw", p.id, ""), rpc.ErrUsername)
	w.add(registerWindow)
	want(t, "later", w.register(t, p.tls("192.0.2.1"), "name10", "pw", p.id, ""), nil)
	begin := func(remote string) error {
		_, err := w.RegisterStart(t.Context(), quic(remote), "name11", nil)
		return err
	}
	for range 20 {
		want(t, "begin", begin("192.0.2.3"), rpc.ErrBadRequest)
	}
	want(t, "begin once too often", begin("192.0.2.3"), rpc.ErrBusy)
	want(t, "begin elsewhere", begin("192.0.2.4"), rpc.ErrBadRequest)
}

func TestLimitIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimit(1, time.Minute, func() time.Time { return now })
	for n := range maxCounted {
		if !l.take(fmt.Sprint(n)) {
			t.Fatal(n)
		}
	}
	if l.take("more") {
		t.Error("more than it may remember")
	}
	now = now.Add(time.Minute)
	if !l.take("more") || len(l.counts) != 1 {
		t.Errorf("after the window it remembers %d", len(l.counts))
	}
}

// TestForgets: who tried to log in, and where, is in memory no longer than it counts.
func TestForgets(t *testing.T) {
	w := newWorld(t, Config{})
	anna := newPerson(1)
	c := anna.tls("192.0.2.1")
	want(t, "register", w.register(t, c, "anna", "pw", anna.id, ""), nil)
	for _, c := range []rpc.Caller{c, quic("192.0.2.2")} {
		_, err := w.login(t, c, "anna", "guess", anna.id)
		want(t, "guess", err, rpc.ErrLogin)
	}
	left := func() (n int) {
		for _, l := range []*limit{w.byAddress, w.byBoth, w.byName, w.byOwner, w.begun, w.made} {
			n += len(l.counts)
		}
		return n + len(w.pending.logins)
	}
	w.Forget()
	if n := left(); n != 1+1+1+1+1+1+2 {
		t.Errorf("%d are remembered", n)
	}
	w.add(registerWindow)
	w.Forget()
	if n := left(); n != 0 {
		t.Errorf("%d are remembered after an hour", n)
	}
}

func TestInvite(t *testing.T) {
	w := newWorld(t, Config{Invite: true})
	code, invite := NewInvite(w.now(), time.Hour, "for Anna")
	if err := w.store.AddInvite(t.Context(), invite); err != nil {
		t.Fatal(err)
	}
	anna, bob := newPerson(1), newPerson(2)
	for _, wrong := range []string{"", "x", code[1:], "00000-00000-00000-00000", code + "0"} {
		want(t, "code "+wrong, w.register(t, anna.tls(""), "anna", "pw", anna.id, wrong), rpc.ErrInvite)
	}
	typed := "  " + string(bytes.ToUpper([]byte(code[:11]))) + code[12:]
	want(t, "as people type it", w.register(t, anna.tls(""), "anna", "pw", anna.id, typed), nil)
	want(t, "a second time", w.register(t, bob.tls(""), "bob", "pw", bob.id, code), rpc.ErrInvite)
	// Who has no invite does not learn which names are taken.
	want(t, "a taken name without a code", w.register(t, bob.tls(""), "anna", "pw", bob.id, code), rpc.ErrInvite)
}

// A session ends when it is not used, when it is told to, with the password and
// with the account; and the account changes only after a fresh login.
func TestSessions(t *testing.T) {
	w := newWorld(t, Config{})
	anna := newPerson(1)
	c := anna.tls("192.0.2.1")
	ctx := t.Context()
	want(t, "register", w.register(t, c, "anna", "pw", anna.id, ""), nil)
	login := func(password string) ([]byte, rpc.Caller) {
		t.Helper()
		token, err := w.login(t, c, "anna", password, anna.id)
		if err != nil {
			t.Fatal(err)
		}
		caller, err := w.caller(t, c, token)
		if err != nil {
			t.Fatal(err)
		}
		return token, caller
	}
	alive := func(token []byte) error {
		_, err := w.caller(t, c, token)
		return err
	}
	one, first := login("pw")
	two, _ := login("pw")
	want(t, "unknown", alive(make([]byte, 32)), rpc.ErrUnauthenticated)
	for range 3 { // used now and then
		w.add(29 * 24 * time.Hour)
		want(t, "used", alive(one), nil)
	}
	want(t, "unused", alive(two), rpc.ErrUnauthenticated)
	_, err := w.ChangePassword(ctx, first, w.upload(t, c, "anna", "new"))
	want(t, "change with an old login", err, rpc.ErrLogin)
	want(t, "delete with an old login", w.DeleteAccount(ctx, first), rpc.ErrDeletion)

	_, fresh := login("pw")
	w.add(-time.Hour) // a clock set back makes no login fresh for longer
	want(t, "delete with a login of the future", w.DeleteAccount(ctx, fresh), rpc.ErrDeletion)
	w.add(time.Hour)
	_, err = w.ChangePassword(ctx, fresh, []byte("garbage"))
	want(t, "a malformed record", err, rpc.ErrBadRequest)
	three, err := w.ChangePassword(ctx, fresh, w.upload(t, c, "anna", "new"))
	want(t, "change", err, nil)
	want(t, "a session before the change", alive(one), rpc.ErrUnauthenticated)
	want(t, "the one after", alive(three), nil)
	_, err = w.login(t, c, "anna", "pw", anna.id)
	want(t, "the old password", err, rpc.ErrLogin)

	four, last := login("new")
	want(t, "log out", w.EndSession(ctx, last), nil)
	want(t, "after that", alive(four), rpc.ErrUnauthenticated)
	_, last = login("new")
	if _, err := w.store.Append(ctx, store.Depositor{Who: anna.id}, []store.Inbox{{Owner: anna.id}}, []byte("mail")); err != nil {
		t.Fatal(err)
	}
	want(t, "delete", w.DeleteAccount(ctx, last), nil)
	want(t, "after that", alive(three), rpc.ErrUnauthenticated)
	if n, err := w.store.Bytes(); err != nil || n != 0 {
		t.Errorf("%d bytes are left of a deleted account, %v", n, err)
	}
	_, err = w.login(t, c, "anna", "new", anna.id)
	want(t, "a deleted account", err, rpc.ErrLogin)
}
