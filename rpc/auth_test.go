package rpc

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

func token(kind TokenKind, rest ...byte) []byte { return append([]byte{byte(kind)}, rest...) }

func TestCaller(t *testing.T) {
	tls := Peer{Identity: testID(1), Proven: true}
	other := Peer{Identity: testID(2), Proven: true}
	bound, free, unknown := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 32)
	pass := []byte("pass")
	tests := []struct {
		name  string
		peer  Peer
		token []byte
		want  Caller // of enqueue
		err   *Error // of enqueue
		ack   *Error
	}{
		{name: "tls", peer: tls, token: token(TokenTLS), want: Caller{Kind: TokenTLS, Identity: testID(1), Proven: true}},
		{name: "tls, unproven", token: token(TokenTLS), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "tls, more bytes", peer: tls, token: token(TokenTLS, 0), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "empty", peer: tls, token: []byte{}, err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "none", peer: tls, token: token(TokenNone), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "unknown kind", peer: tls, token: token(4, 1), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "session", token: token(TokenSession, bound...), want: Caller{Kind: TokenSession, Session: &Session{ID: [32]byte(bound), Identity: testID(1), Bound: true}, Identity: testID(1), Proven: true}},
		{name: "session of the same key", peer: tls, token: token(TokenSession, bound...), want: Caller{Kind: TokenSession, Session: &Session{ID: [32]byte(bound), Identity: testID(1), Bound: true}, Identity: testID(1), Proven: true}},
		{name: "session of another key", peer: other, token: token(TokenSession, bound...), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "session without a key", token: token(TokenSession, free...), want: Caller{Kind: TokenSession, Session: &Session{ID: [32]byte(free)}}},
		{name: "session without a key, proven", peer: tls, token: token(TokenSession, free...), want: Caller{Kind: TokenSession, Session: &Session{ID: [32]byte(free)}}},
		{name: "unknown session", token: token(TokenSession, unknown...), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "short session", token: token(TokenSession, bound[1:]...), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "long session", token: token(TokenSession, append(bound, 1)...), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "pass", token: token(TokenPass, pass...), want: Caller{Kind: TokenPass, Pass: pass}, ack: ErrUnauthenticated},
		{name: "pass, proven", peer: tls, token: token(TokenPass, pass...), want: Caller{Kind: TokenPass, Pass: pass}, ack: ErrUnauthenticated},
		{name: "empty pass", token: token(TokenPass), err: ErrUnauthenticated, ack: ErrUnauthenticated},
		{name: "huge pass", token: token(TokenPass, make([]byte, maxPass+1)...), err: ErrUnauthenticated, ack: ErrUnauthenticated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := new(recorder)
			_, client := serve(t, r.service(), func(s, c *ConnConfig) {
				s.Peer = tt.peer
				c.Token = func() []byte { return tt.token }
			})
			_, err := client.Client().Enqueue(t.Context(), testID(2), Channel{}, []byte("x"))
			if !sameError(err, tt.err) {
				t.Errorf("enqueue: got %v, want %v", err, tt.err)
			}
			if c, _ := r.seen(); err == nil && !reflect.DeepEqual(c, tt.want) {
				t.Errorf("caller: got %+v, want %+v", c, tt.want)
			}
			_, err = client.Client().BatchEnqueue(t.Context(), []Identity{testID(2)}, Channel{}, []byte("x"))
			if !sameError(err, tt.err) {
				t.Errorf("batchEnqueue: got %v, want %v", err, tt.err)
			}
			if err := client.Client().Ack(t.Context(), testID(1), Channel{}, 1); !sameError(err, tt.ack) {
				t.Errorf("ack: got %v, want %v", err, tt.ack)
			}
		})
	}
}

func sameError(got error, want *Error) bool {
	if want == nil {
		return got == nil
	}
	return errors.Is(got, want)
}

// TestEveryMethodWantsAuth calls each method without a good token.
func TestEveryMethodWantsAuth(t *testing.T) {
	open := []string{"health", "registerStart", "registerFinish", "loginStart", "loginFinish"}
	owners := []string{"endSession", "changePassword", "deleteAccount"} // bring their own
	for _, bad := range [][]byte{nil, token(TokenTLS), token(TokenSession), token(TokenPass)} {
		_, client := serve(t, new(recorder).service(), func(s, c *ConnConfig) {
			s.Peer = Peer{}
			c.Token = func() []byte { return bad }
		})
		for _, m := range everyMethod(t.Context(), client.Client()) {
			if slices.Contains(owners, m.name) {
				continue
			}
			_, err := m.call()
			switch {
			case slices.Contains(open, m.name) && err != nil:
				t.Errorf("%s: %v", m.name, err)
			case !slices.Contains(open, m.name) && !errors.Is(err, ErrUnauthenticated):
				t.Errorf("%s with token %x: got %v, want %v", m.name, bad, err, ErrUnauthenticated)
			}
		}
	}
	r := new(recorder)
	svc := r.service()
	svc.Sessions = nil
	_, client := serve(t, svc, func(s, c *ConnConfig) {
		c.Token = func() []byte { return token(TokenSession, make([]byte, 32)...) }
	})
	if _, err := client.Client().FetchHybridKey(t.Context(), testID(1)); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("session without Sessions: got %v", err)
	}
}

// TestOwnersWantASession: what TLS proves is not enough to change an account.
func TestOwnersWantASession(t *testing.T) {
	_, client := serve(t, new(recorder).service(), nil)
	c := client.Client()
	unknown := testSession(3)
	_, err := c.ChangePassword(t.Context(), unknown, []byte("upload"))
	for name, err := range map[string]error{
		"endSession": c.EndSession(t.Context(), unknown), "deleteAccount": c.DeleteAccount(t.Context(), unknown), "changePassword": err,
	} {
		if !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s with an unknown session: got %v", name, err)
		}
	}
	for name, call := range map[string]uint16{"endSession": 22, "changePassword": 23, "deleteAccount": 24} {
		svc, err := c.service()
		if err != nil {
			t.Fatal(err)
		}
		ans, release := capnp.Client(svc).SendCall(t.Context(), capnp.Send{
			Method:   capnp.Method{InterfaceID: schema.NodeService_TypeID, MethodID: call},
			ArgsSize: capnp.ObjectSize{PointerCount: 2},
			PlaceArgs: func(st capnp.Struct) error {
				auth := schema.NodeService_endSession_Params(st).NewAuth
				if name == "changePassword" {
					auth = schema.NodeService_changePassword_Params(st).NewAuth
				}
				return c.sign(auth)
			},
		})
		if _, err := ans.Struct(); !sameError(arrived(client, err), ErrUnauthenticated) {
			t.Errorf("%s by TLS alone: got %v", name, err)
		}
		release()
	}
}

// TestArguments makes calls that Client would not make.
func TestArguments(t *testing.T) {
	r := new(recorder)
	_, client := serve(t, r.service(), nil)
	svc, err := client.client.service()
	if err != nil {
		t.Fatal(err)
	}
	enqueue := func(change func(schema.NodeService_enqueue_Params)) error {
		f, release := svc.Enqueue(t.Context(), func(p schema.NodeService_enqueue_Params) error {
			p.SetVersion(1)
			id := testID(2)
			err := firstError(p.SetRecipientKey(id[:]), p.SetPayload([]byte("x")), client.client.sign(p.NewAuth))
			change(p)
			return err
		})
		defer release()
		_, err := f.Struct()
		return arrived(client, err)
	}
	auth := func(change func(schema.Auth)) func(schema.NodeService_enqueue_Params) {
		return func(p schema.NodeService_enqueue_Params) {
			a, err := p.Auth()
			if err != nil {
				t.Fatal(err)
			}
			change(a)
		}
	}
	tests := []struct {
		name   string
		change func(schema.NodeService_enqueue_Params)
		want   *Error
	}{
		{"good", func(schema.NodeService_enqueue_Params) {}, nil},
		{"version 0", func(p schema.NodeService_enqueue_Params) { p.SetVersion(0) }, ErrVersion},
		{"version 2", func(p schema.NodeService_enqueue_Params) { p.SetVersion(2) }, ErrVersion},
		{"auth version 0", auth(func(a schema.Auth) { a.SetVersion(0) }), ErrVersion},
		{"auth version 2", auth(func(a schema.Auth) { a.SetVersion(2) }), ErrVersion},
		{"no token", auth(func(a schema.Auth) { a.SetAccessToken(nil) }), ErrUnauthenticated},
		{"short device", auth(func(a schema.Auth) { a.SetDeviceId([]byte{1}) }), ErrBadRequest},
		{"device", auth(func(a schema.Auth) { a.SetDeviceId(make([]byte, 16)) }), nil},
		{"short key", func(p schema.NodeService_enqueue_Params) { p.SetRecipientKey(make([]byte, 31)) }, ErrBadRequest},
		{"no key", func(p schema.NodeService_enqueue_Params) { p.SetRecipientKey(nil) }, ErrBadRequest},
		{"small key", func(p schema.NodeService_enqueue_Params) { p.SetRecipientKey(make([]byte, 32)) }, ErrBadRequest},
		{"channel", func(p schema.NodeService_enqueue_Params) { p.SetChannelId(make([]byte, 16)) }, nil},
		{"short channel", func(p schema.NodeService_enqueue_Params) { p.SetChannelId(make([]byte, 15)) }, ErrBadRequest},
		{"empty payload", func(p schema.NodeService_enqueue_Params) { p.SetPayload(nil) }, ErrBadRequest},
		{"largest payload", func(p schema.NodeService_enqueue_Params) { p.SetPayload(make([]byte, MaxPayload)) }, nil},
		{"too large payload", func(p schema.NodeService_enqueue_Params) { p.SetPayload(make([]byte, MaxPayload+1)) }, ErrTooLarge},
	}
	for _, tt := range tests {
		if err := enqueue(tt.change); !sameError(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// mailboxParams is what the arguments of the mailbox methods have in common.
type mailboxParams interface {
	SetVersion(uint16)
	NewAuth() (schema.Auth, error)
}

// TestMailboxVersion: each method of the mailbox takes version 1 and no other.
func TestMailboxVersion(t *testing.T) {
	_, client := serve(t, new(recorder).service(), nil)
	svc, err := client.client.service()
	if err != nil {
		t.Fatal(err)
	}
	id := testID(1)
	for method, fill := range map[uint16]func(capnp.Struct) (mailboxParams, error){
		2: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_enqueue_Params(st)
			return p, firstError(p.SetRecipientKey(id[:]), p.SetPayload([]byte("x")))
		},
		3: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_fetch_Params(st)
			return p, p.SetRecipientKey(id[:])
		},
		4: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_fetchWait_Params(st)
			return p, p.SetRecipientKey(id[:])
		},
		14: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_peek_Params(st)
			return p, p.SetRecipientKey(id[:])
		},
		15: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_ack_Params(st)
			return p, p.SetRecipientKey(id[:])
		},
		17: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_batchEnqueue_Params(st)
			list, err := p.NewRecipientKeys(1)
			return p, firstError(err, list.Set(0, id[:]), p.SetPayload([]byte("x")))
		},
		21: func(st capnp.Struct) (mailboxParams, error) {
			p := schema.NodeService_peekWait_Params(st)
			return p, p.SetRecipientKey(id[:])
		},
	} {
		for version, want := range map[uint16]*Error{0: ErrVersion, 1: nil, 2: ErrVersion} {
			ans, release := capnp.Client(svc).SendCall(t.Context(), capnp.Send{
				Method:   capnp.Method{InterfaceID: schema.NodeService_TypeID, MethodID: method},
				ArgsSize: capnp.ObjectSize{DataSize: 24, PointerCount: 4},
				PlaceArgs: func(st capnp.Struct) error {
					p, err := fill(st)
					p.SetVersion(version)
					return firstError(err, client.client.sign(p.NewAuth))
				},
			})
			if _, err := ans.Struct(); !sameError(arrived(client, err), want) {
				t.Errorf("%s of version %d: got %v, want %v", methods[method].name, version, err, want)
			}
			release()
		}
	}
}

// arrived is an error of the library as Client returns it.
func arrived(c *Conn, err error) error {
	if err == nil {
		return nil
	}
	return c.client.callError(context.Background(), err)
}

func TestArgumentLists(t *testing.T) {
	_, client := serve(t, new(recorder).service(), nil)
	svc, err := client.client.service()
	if err != nil {
		t.Fatal(err)
	}
	id := testID(2)
	for _, tt := range []struct {
		n    int32
		key  []byte
		want *Error
	}{
		{0, id[:], ErrBadRequest},
		{1, id[:], nil},
		{1, id[1:], ErrBadRequest},
		{MaxBatch, id[:], nil},
		{MaxBatch + 1, id[:], ErrBadRequest},
	} {
		fill := func(newList func(int32) (capnp.DataList, error)) error {
			list, err := newList(tt.n)
			for i := range int(tt.n) {
				err = errors.Join(err, list.Set(i, tt.key))
			}
			return err
		}
		f, release := svc.FetchHybridKeys(t.Context(), func(p schema.NodeService_fetchHybridKeys_Params) error {
			return firstError(fill(p.NewIdentityKeys), client.client.sign(p.NewAuth))
		})
		if _, err := f.Struct(); !sameError(arrived(client, err), tt.want) {
			t.Errorf("fetchHybridKeys of %d: got %v, want %v", tt.n, err, tt.want)
		}
		release()
		b, release := svc.BatchEnqueue(t.Context(), func(p schema.NodeService_batchEnqueue_Params) error {
			p.SetVersion(1)
			return firstError(fill(p.NewRecipientKeys), p.SetPayload([]byte("x")), client.client.sign(p.NewAuth))
		})
		if _, err := b.Struct(); !sameError(arrived(client, err), tt.want) {
			t.Errorf("batchEnqueue of %d: got %v, want %v", tt.n, err, tt.want)
		}
		release()
	}
}

// TestMissingArguments sends each method a struct without any field.
func TestMissingArguments(t *testing.T) {
	_, client := serve(t, new(recorder).service(), nil)
	svc, err := client.client.service()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range methods {
		for _, place := range []func(capnp.Struct) error{nil, func(capnp.Struct) error { return nil }} {
			ans, release := capnp.Client(svc).SendCall(t.Context(), capnp.Send{
				Method:    capnp.Method{InterfaceID: schema.NodeService_TypeID, MethodID: uint16(i)},
				PlaceArgs: place,
			})
			_, err := ans.Struct()
			if e, ok := arrived(client, err).(*Error); m.name != "health" && (!ok || e.Code == CodeInternal) {
				t.Errorf("%s: got %v", m.name, err)
			}
			release()
		}
	}
}

func TestArgumentBounds(t *testing.T) {
	_, client := serve(t, new(recorder).service(), nil)
	c, ctx, me := client.Client(), t.Context(), testID(1)
	tests := []struct {
		name string
		call func(n int) error
		max  int
		want *Error
	}{
		{"uploadKeyPackage", func(n int) error { _, err := c.UploadKeyPackage(ctx, me, make([]byte, n)); return err }, maxKeyPackage, ErrKeyPackage},
		{"uploadHybridKey", func(n int) error { return c.UploadHybridKey(ctx, me, make([]byte, n)) }, maxHybridKey, ErrHybridKey},
		{"publishEndpoint", func(n int) error { return c.PublishEndpoint(ctx, me, make([]byte, n)) }, maxEndpoint, ErrEndpoint},
		{"registerStart", func(n int) error { _, err := c.RegisterStart(ctx, "n", make([]byte, n)); return err }, maxOpaque, ErrBadRequest},
		{"registerFinish", func(n int) error { _, err := c.RegisterFinish(ctx, "n", make([]byte, n), me, ""); return err }, maxOpaque, ErrBadRequest},
		{"loginStart", func(n int) error { _, err := c.LoginStart(ctx, "n", make([]byte, n)); return err }, maxOpaque, ErrBadRequest},
		{"loginFinish", func(n int) error { _, err := c.LoginFinish(ctx, "n", make([]byte, n), me); return err }, maxOpaque, ErrBadRequest},
		{"username", func(n int) error { _, _, err := c.ResolveUser(ctx, strings.Repeat("x", n)); return err }, maxUsername, ErrUsername},
	}
	for _, tt := range tests {
		for n, want := range map[int]*Error{0: tt.want, 1: nil, tt.max: nil, tt.max + 1: tt.want} {
			if err := tt.call(n); !sameError(err, want) {
				t.Errorf("%s of %d bytes: got %v, want %v", tt.name, n, err, want)
			}
		}
	}
	if _, _, err := c.ResolveUser(ctx, "a\xffb"); !errors.Is(err, ErrUsername) {
		t.Errorf("name that is not UTF-8: got %v", err)
	}
}

func TestParseIdentity(t *testing.T) {
	good := testID(4)
	for _, b := range [][]byte{nil, good[:31], append(good[:], 0), make([]byte, 32)} {
		if id, ok := parseIdentity(b); ok {
			t.Errorf("took %x", id)
		}
	}
	if id, ok := parseIdentity(good[:]); !ok || id != good {
		t.Errorf("refused %x", good)
	}
}

func TestErrorsCross(t *testing.T) {
	log := new(lockedBuffer)
	r := new(recorder)
	_, client := serve(t, r.service(), func(s, _ *ConnConfig) { s.Log = log.logger() })
	all := []*Error{
		ErrBadRequest, ErrUnauthenticated, ErrForbidden, ErrVersion, ErrNotOffered, ErrTooLarge, ErrQueueFull,
		ErrBusy, ErrInternal, ErrEndpoint, ErrKeyPackage, ErrHybridKey, ErrNotRecipient, ErrChannel, ErrLogin,
		ErrUsername, ErrShutdown, ErrAccount, ErrInvite, ErrPass, ErrSuite, ErrDeletion, ErrBanned,
	}
	for _, want := range all {
		r.err = want.With("some words")
		_, err := client.Client().FetchKeyPackage(t.Context(), testID(2))
		for _, e := range all {
			if errors.Is(err, e) != (e == want) {
				t.Errorf("%v arrived as %v, which is %v", want, err, e)
			}
		}
		if !strings.HasSuffix(err.Error(), ": some words") {
			t.Errorf("%v arrived as %v", want, err)
		}
	}
	r.err = errors.New("disk on fire")
	_, err := client.Client().FetchKeyPackage(t.Context(), testID(2))
	if !errors.Is(err, ErrInternal) || strings.Contains(err.Error(), "fire") {
		t.Errorf("got %v, want %v without detail", err, ErrInternal)
	}
	if !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("not logged: %s", log)
	}
	r.err = ErrForbidden.With("two\nlines \x1b[31m" + strings.Repeat("x", 1000))
	_, err = client.Client().FetchKeyPackage(t.Context(), testID(2))
	if len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("got %q", err)
	}
}

func TestParseError(t *testing.T) {
	for text, want := range map[string]Code{
		"E005: method": "E005", "E021:": "E021", "E999: later": "E999",
		"E5: x": "", "rpc: E005: x": "", "": "", "E0x5: y": "", "e005: x": "",
	} {
		e, ok := parseError(text)
		if ok != (want != "") || ok && e.Code != want {
			t.Errorf("%q: got %v, %v", text, e, ok)
		}
	}
}

func TestNotOffered(t *testing.T) {
	for name, svc := range map[string]*Service{"nil": nil, "empty": {}} {
		_, client := serve(t, svc, nil)
		for _, m := range everyMethod(t.Context(), client.Client()) {
			if _, err := m.call(); !errors.Is(err, ErrNotOffered) {
				t.Errorf("%s, %s: got %v", name, m.name, err)
			}
		}
	}
	// Methods and interfaces of other programs.
	_, client := serve(t, new(recorder).service(), nil)
	svc, err := client.client.service()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []capnp.Method{
		{InterfaceID: schema.NodeService_TypeID, MethodID: uint16(len(methods))},
		{InterfaceID: schema.NodeService_TypeID, MethodID: 65535},
		{InterfaceID: 1, MethodID: 5},
	} {
		ans, release := capnp.Client(svc).SendCall(t.Context(), capnp.Send{Method: m})
		if _, err := ans.Struct(); !sameError(arrived(client, err), ErrNotOffered) {
			t.Errorf("%v: got %v", m, err)
		}
		release()
	}
}
