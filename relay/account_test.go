package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

// user is somebody's connection to a service: over libp2p, where TLS proved the
// key, or over plain QUIC, where nothing does.
type user struct {
	person
	*rpc.Client
	relay rpc.Identity
	token []byte // access token of the calls
}

// connect connects to a service without a network.
func (p person) connect(t testing.TB, s *service, proven bool) *user {
	t.Helper()
	there, here := net.Pipe()
	server := rpc.NewConn(there, rpc.ConnConfig{
		Service: s.rpc(), Peer: rpc.Peer{Identity: p.id, Proven: proven, Remote: "192.0.2.1"},
	})
	t.Cleanup(func() { _ = server.Close() })
	return p.use(t, here, testRelay)
}

// dial connects to a relay, over plain QUIC if proven is false.
func (p person) dial(t testing.TB, url transport.RelayURL, proven bool) *user {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if !proven {
		s, err := transport.DialPlain(ctx, plain.Dialer{}, url)
		if err != nil {
			t.Fatal(err)
		}
		return p.use(t, s, rpc.Identity(url.Key))
	}
	h, err := transport.New(transport.Config{PrivateKey: p.key, Listen: []transport.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	h.Learn(url.Key, transport.SourceUser, url.Addrs())
	s, err := h.Open(ctx, url.Key)
	if err != nil {
		t.Fatal(err)
	}
	return p.use(t, s, rpc.Identity(url.Key))
}

func (p person) use(t testing.TB, stream io.ReadWriteCloser, relay rpc.Identity) *user {
	u := &user{person: p, relay: relay, token: []byte{byte(rpc.TokenTLS)}}
	client := rpc.NewConn(stream, rpc.ConnConfig{Token: func() []byte { return u.token }})
	t.Cleanup(func() { _ = client.Close() })
	u.Client = client.Client()
	return u
}

var cheap = account.Stretch{Time: 1, Memory: 8, Threads: 1}

// register makes an account; over plain QUIC the upload is signed if sign is true.
func (u *user) register(t testing.TB, name, password string, id rpc.Identity, invite string, sign bool) error {
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
	response, err := u.RegisterStart(t.Context(), name, request)
	if err != nil {
		return err
	}
	upload, err := o.FinishRegister(response)
	if err != nil {
		t.Fatal(err)
	}
	if sign {
		upload = append(upload, u.sign(account.BindDomain, account.BindMessage(u.relay, name, upload))...)
	}
	_, err = u.RegisterFinish(t.Context(), name, upload, id, invite)
	return err
}

// login begins a session and uses it from now on.
func (u *user) login(t testing.TB, name, password string, id rpc.Identity) error {
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
	ke2, err := u.LoginStart(t.Context(), name, ke1)
	if err != nil {
		return err
	}
	ke3, err := o.FinishLogin(ke2)
	if err != nil {
		return err
	}
	token, err := u.LoginFinish(t.Context(), name, ke3, id)
	if err == nil {
		u.token = rpc.SessionToken(token)
	}
	return err
}

// owned are the calls that only the owner of a key may make.
func (u *user) owned(ctx context.Context, owner rpc.Identity) map[string]error {
	all := map[string]error{}
	_, all["fetch"] = u.Fetch(ctx, owner, rpc.Channel{}, 0, 0)
	_, all["fetchWait"] = u.Fetch(ctx, owner, rpc.Channel{}, 0, time.Millisecond)
	_, all["peek"] = u.Peek(ctx, owner, rpc.Channel{}, 0, 0, 0)
	_, all["peekWait"] = u.Peek(ctx, owner, rpc.Channel{}, 1, 0, time.Millisecond)
	all["ack"] = u.Ack(ctx, owner, rpc.Channel{}, 1<<40)
	_, all["uploadKeyPackage"] = u.UploadKeyPackage(ctx, owner, []byte("package"))
	all["uploadHybridKey"] = u.UploadHybridKey(ctx, owner, []byte("theirs"))
	all["publishEndpoint"] = u.PublishEndpoint(ctx, owner, []byte("record"))
	return all
}

// others are the calls about somebody else.
func (u *user) others(ctx context.Context, id rpc.Identity) map[string]error {
	all := map[string]error{}
	_, all["batchEnqueue"] = u.BatchEnqueue(ctx, []rpc.Identity{id}, rpc.Channel{}, []byte("to all"))
	_, all["fetchKeyPackage"] = u.FetchKeyPackage(ctx, id)
	_, all["fetchHybridKey"] = u.FetchHybridKey(ctx, id)
	_, all["fetchHybridKeys"] = u.FetchHybridKeys(ctx, []rpc.Identity{id})
	_, all["resolveEndpoint"] = u.ResolveEndpoint(ctx, id)
	_, all["createChannel"] = u.CreateChannel(ctx, id)
	_, _, all["resolveUser"] = u.ResolveUser(ctx, "anna")
	_, all["resolveIdentity"] = u.ResolveIdentity(ctx, id)
	return all
}

// TestKnowingAKeyIsNotOwningIt: who knows a victim's public key, and no more,
// reads nothing of it and blocks nothing, over libp2p and over plain QUIC,
// whoever may own a mailbox.
func TestKnowingAKeyIsNotOwningIt(t *testing.T) {
	for _, access := range []string{AccessOpen, AccessAccount} {
		for over, proven := range map[string]bool{"libp2p": true, "plain QUIC": false} {
			t.Run(access+"/"+over, func(t *testing.T) {
				t.Parallel()
				attack(t, access, proven)
			})
		}
	}
}

func attack(t *testing.T, access string, proven bool) {
	ctx := t.Context()
	r, stop := run(t, Config{Dir: t.TempDir(), Access: access, MaxLogins: 3})
	t.Cleanup(stop)
	victim, attacker := newPerson(1).dial(t, r.URL(), proven), newPerson(2).dial(t, r.URL(), proven)

	// The attacker comes first, and names the victim's key wherever it can.
	err := attacker.register(t, "mallory", "pw", victim.id, "", !proven)
	wantCode(t, "the victim's key with the attacker's proof", err, rpc.ErrForbidden)
	mine := attacker.id
	if !proven {
		mine = victim.id // without a proof the relay takes it for a name of no meaning
	}
	if err := attacker.register(t, "mallory", "pw", mine, "", false); err != nil {
		t.Fatal(err)
	}
	if err := attacker.login(t, "mallory", "pw", mine); err != nil {
		t.Fatal(err)
	}
	for what, err := range attacker.owned(ctx, victim.id) {
		if !errors.Is(err, rpc.ErrForbidden) {
			t.Errorf("%s before the victim came: got %v", what, err)
		}
	}

	// The victim has its account all the same, and its mail.
	if err := victim.register(t, "victim", "secret", victim.id, "", !proven); err != nil {
		t.Fatalf("the victim's registration: %v", err)
	}
	if err := victim.login(t, "victim", "secret", victim.id); err != nil {
		t.Fatalf("the victim's login: %v", err)
	}
	if _, err := attacker.Enqueue(ctx, victim.id, rpc.Channel{}, []byte("for the victim")); err != nil {
		t.Errorf("anybody may deposit: %v", err)
	}
	if err := victim.UploadHybridKey(ctx, victim.id, []byte("mine")); err != nil {
		t.Error(err)
	}
	for what, err := range attacker.owned(ctx, victim.id) {
		if !errors.Is(err, rpc.ErrForbidden) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	for range 10 { // guesses lock out the attacker's address and nobody with the key
		_ = attacker.login(t, "victim", "guess", victim.id)
	}
	if proven {
		if err := victim.login(t, "victim", "secret", victim.id); err != nil {
			t.Errorf("the victim's login after guesses: %v", err)
		}
	}
	list, err := victim.Fetch(ctx, victim.id, rpc.Channel{}, 0, 0)
	if err != nil || len(list) != 1 || string(list[0].Data) != "for the victim" {
		t.Errorf("the victim's mail: got %v, %v", list, err)
	}
	if key, err := attacker.FetchHybridKey(ctx, victim.id); err != nil || string(key) != "mine" {
		t.Errorf("the victim's key: got %q, %v", key, err)
	}
	if name, err := attacker.ResolveIdentity(ctx, victim.id); err != nil || name != "victim" {
		t.Errorf("the victim's name: got %q, %v", name, err)
	}
	if id, found, err := victim.ResolveUser(ctx, "mallory"); err != nil || found && id == victim.id {
		t.Errorf("the attacker's name: got %v, %v, %v", id, found, err)
	}

	// A stolen session is of no use over libp2p to who has another key.
	if proven {
		thief := newPerson(3).dial(t, r.URL(), true)
		thief.token = victim.token
		_, err = thief.Fetch(ctx, victim.id, rpc.Channel{}, 0, 0)
		wantCode(t, "a stolen session", err, rpc.ErrUnauthenticated)
	}
}

// TestAccess: unless access is open, a mailbox takes an account, and whoever has
// none can still write to those who have one.
func TestAccess(t *testing.T) {
	ctx := t.Context()
	for _, access := range []string{AccessAccount, AccessInvite} {
		s, clk := newTestService(t, Config{Access: access})
		a, b := newPerson(1).connect(t, s, true), newPerson(2).connect(t, s, true)
		for what, err := range a.owned(ctx, a.id) {
			if !errors.Is(err, rpc.ErrAccount) {
				t.Errorf("%s, %s without an account: got %v", access, what, err)
			}
		}
		_, err := b.Enqueue(ctx, a.id, rpc.Channel{}, []byte("too early"))
		wantCode(t, "to who has no account", err, rpc.ErrNotRecipient)
		code, invite := accounts.NewInvite(clk.now(), time.Hour, "")
		if err := s.store.(interface {
			AddInvite(context.Context, store.Invite) error
		}).AddInvite(ctx, invite); err != nil {
			t.Fatal(err)
		}
		if access == AccessInvite {
			wantCode(t, "without a code", a.register(t, "anna", "pw", a.id, "", false), rpc.ErrInvite)
		}
		if err := a.register(t, "anna", "pw", a.id, code, false); err != nil {
			t.Fatal(err)
		}
		wantCode(t, "registered, not logged in", a.Ack(ctx, a.id, rpc.Channel{}, 1), rpc.ErrAccount)
		if err := a.login(t, "anna", "pw", a.id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Enqueue(ctx, a.id, rpc.Channel{}, []byte("hello")); err != nil {
			t.Errorf("%s, a sender without an account: %v", access, err)
		}
		seqs, err := b.BatchEnqueue(ctx, []rpc.Identity{b.id, a.id, newPerson(9).id, a.id}, rpc.Channel{}, []byte("to all"))
		if err != nil || len(seqs) != 4 || seqs[0] != 0 || seqs[1] == 0 || seqs[2] != 0 || seqs[3] == 0 {
			t.Errorf("%s, to some with and some without an account: got %v, %v", access, seqs, err)
		}
		if list, err := a.Peek(ctx, a.id, rpc.Channel{}, 0, 0, 0); err != nil || len(list) != 3 {
			t.Errorf("%s: got %v, %v", access, list, err)
		}
		token := bytes.Clone(a.token)
		if err := a.EndSession(ctx, a.token[1:]); err != nil {
			t.Fatal(err)
		}
		a.token = token
		_, err = a.Peek(ctx, a.id, rpc.Channel{}, 0, 0, 0)
		wantCode(t, "after logging out", err, rpc.ErrUnauthenticated)
	}
}

// TestMayReserve: who may own a mailbox may be called over circuits, and who is banned
// may not.
func TestMayReserve(t *testing.T) {
	for _, access := range []string{AccessOpen, AccessAccount} {
		r, stop := run(t, Config{Dir: t.TempDir(), Access: access})
		t.Cleanup(stop)
		anna, stranger := newPerson(1), newPerson(2)
		if err := anna.dial(t, r.URL(), true).register(t, "anna", "pw", anna.id, "", false); err != nil {
			t.Fatal(err)
		}
		if !r.mayReserve(transport.Key(anna.id)) || r.mayReserve(transport.Key(stranger.id)) != (access == AccessOpen) {
			t.Errorf("%s: who has an account %v, who has none %v", access, r.mayReserve(transport.Key(anna.id)), r.mayReserve(transport.Key(stranger.id)))
		}
		if err := r.Operator().Ban(t.Context(), "anna", true); err != nil {
			t.Fatal(err)
		}
		if r.mayReserve(transport.Key(anna.id)) {
			t.Errorf("%s: who is banned may be called", access)
		}
	}
}

// TestUnboundAccount: an account without a key looks up and deposits, and owns
// nothing.
func TestUnboundAccount(t *testing.T) {
	ctx := t.Context()
	s, clk := newTestService(t, Config{})
	a, b := newPerson(1).connect(t, s, false), newPerson(2).connect(t, s, true)
	if err := errors.Join(a.register(t, "anna", "pw", a.id, "", false), a.login(t, "anna", "pw", a.id)); err != nil {
		t.Fatal(err)
	}
	for what, err := range a.owned(ctx, a.id) {
		if !errors.Is(err, rpc.ErrForbidden) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err := a.CreateChannel(ctx, b.id)
	wantCode(t, "createChannel", err, rpc.ErrForbidden)
	if _, err := a.Enqueue(ctx, b.id, rpc.Channel{}, []byte("hello")); err != nil {
		t.Errorf("deposit: %v", err)
	}
	p := makeKeyPackage(1, b.id, clk.now(), clk.now().Add(time.Hour), false, []byte("one"))
	if _, err := b.UploadKeyPackage(ctx, b.id, p); err != nil {
		t.Fatal(err)
	}
	if got, err := a.FetchKeyPackage(ctx, b.id); err != nil || !bytes.Equal(got, p) {
		t.Errorf("look up: got %x, %v", got, err)
	}
}

// TestChannelMembers: only its two members write on a channel, and only to each
// other.
func TestChannelMembers(t *testing.T) {
	ctx := t.Context()
	s, _ := newTestService(t, Config{})
	a, b, c := newPerson(1).connect(t, s, true), newPerson(2).connect(t, s, true), newPerson(3).connect(t, s, true)
	ch, err := a.CreateChannel(ctx, b.id)
	if err != nil || ch[6]>>4 != 4 || ch[8]>>6 != 2 {
		t.Fatalf("got %x, %v, want a random UUID", ch, err)
	}
	if same, err := b.CreateChannel(ctx, a.id); err != nil || same != ch {
		t.Errorf("from the other side: got %x, %v", same, err)
	}
	_, err = a.CreateChannel(ctx, a.id)
	wantCode(t, "with oneself", err, rpc.ErrChannel)
	for _, deposit := range []struct {
		from *user
		to   rpc.Identity
		ch   rpc.Channel
		ok   bool
	}{
		{a, b.id, ch, true},
		{b, a.id, ch, true},
		{a, a.id, ch, false},
		{a, c.id, ch, false},
		{c, a.id, ch, false},
		{a, b.id, rpc.Channel{1}, false},
	} {
		_, err := deposit.from.Enqueue(ctx, deposit.to, deposit.ch, []byte("x"))
		if deposit.ok != (err == nil) || !deposit.ok && !errors.Is(err, rpc.ErrChannel) {
			t.Errorf("%+v: got %v", deposit, err)
		}
	}
	named := rpc.Caller{Kind: rpc.TokenSession, Session: new(rpc.Session), Identity: a.id} // and not proved
	_, err = s.Enqueue(ctx, named, b.id, ch, []byte("x"))
	wantCode(t, "by who just names a member", err, rpc.ErrChannel)
	_, err = a.BatchEnqueue(ctx, []rpc.Identity{b.id, c.id}, ch, []byte("x"))
	wantCode(t, "one of several is no member", err, rpc.ErrChannel)
	if list, err := b.Fetch(ctx, b.id, ch, 0, 0); err != nil || len(list) != 1 {
		t.Errorf("on the channel: got %v, %v", list, err)
	}
	if list, err := b.Fetch(ctx, b.id, rpc.Channel{}, 0, 0); err != nil || len(list) != 0 {
		t.Errorf("beside it: got %v, %v", list, err)
	}
}
