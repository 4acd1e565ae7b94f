package integration

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"

	"quicnprotochat/rpc/account"
)

// opaquePeer is @serenity-kit/opaque, client and server: see
// testdata/opaque/peer.mjs.
type opaquePeer struct {
	t     *testing.T
	lines *lines
}

type opaqueStep struct {
	Step     string `json:"step"`
	Password string `json:"password,omitempty"`
	Name     string `json:"name,omitempty"`
	Record   string `json:"record,omitempty"`
	Message  string `json:"message,omitempty"`
}

func startOpaquePeer(t *testing.T) *opaquePeer {
	t.Helper()
	return &opaquePeer{t, startLines(t, npmPeer(t, "opaque"))}
}

// do makes a step. The peer's errors come back as an error.
func (p *opaquePeer) do(s opaqueStep) ([]byte, error) {
	p.t.Helper()
	var a struct{ Message, Error string }
	p.lines.ask(s, &a)
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	b, err := base64.RawURLEncoding.DecodeString(a.Message)
	if err != nil {
		p.t.Fatal(err)
	}
	return b, nil
}

// opaqueClient and opaqueServer are one side of either implementation. login
// returns an empty ke3 for a wrong password.
type opaqueClient struct {
	register func(password string, serve func(request []byte) []byte) (record []byte)
	login    func(password string, serve func(ke1 []byte) []byte) (ke3 []byte)
}

type opaqueServer struct {
	register func(name string, request []byte) []byte
	login    func(name string, record, ke1 []byte) []byte
	finish   func(ke3 []byte) (ok bool) // of the last login
}

func (p *opaquePeer) client() opaqueClient {
	must := func(s opaqueStep) []byte {
		p.t.Helper()
		b, err := p.do(s)
		if err != nil {
			p.t.Fatalf("%s: %v", s.Step, err)
		}
		return b
	}
	text := base64.RawURLEncoding.EncodeToString
	return opaqueClient{
		register: func(password string, serve func([]byte) []byte) []byte {
			request := must(opaqueStep{Step: "registerStart", Password: password})
			return must(opaqueStep{Step: "registerFinish", Password: password, Message: text(serve(request))})
		},
		login: func(password string, serve func([]byte) []byte) []byte {
			ke1 := must(opaqueStep{Step: "loginStart", Password: password})
			return must(opaqueStep{Step: "loginFinish", Password: password, Message: text(serve(ke1))})
		},
	}
}

func (p *opaquePeer) server() opaqueServer {
	text := base64.RawURLEncoding.EncodeToString
	must := func(b []byte, err error) []byte {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
		return b
	}
	return opaqueServer{
		register: func(name string, request []byte) []byte {
			return must(p.do(opaqueStep{Step: "serveRegister", Name: name, Message: text(request)}))
		},
		login: func(name string, record, ke1 []byte) []byte {
			return must(p.do(opaqueStep{Step: "serveLogin", Name: name, Record: text(record), Message: text(ke1)}))
		},
		finish: func(ke3 []byte) bool {
			_, err := p.do(opaqueStep{Step: "serveLoginFinish", Message: text(ke3)})
			return err == nil
		},
	}
}

func ourOpaqueClient(t *testing.T) opaqueClient {
	run := func(begin func(*account.Client) ([]byte, error), serve func([]byte) []byte, end func(*account.Client, []byte) ([]byte, error)) ([]byte, error) {
		t.Helper()
		c, err := account.NewClient(account.DefaultStretch())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		request, err := begin(c)
		if err != nil {
			t.Fatal(err)
		}
		return end(c, serve(request))
	}
	return opaqueClient{
		register: func(password string, serve func([]byte) []byte) []byte {
			record, err := run(func(c *account.Client) ([]byte, error) { return c.Register([]byte(password)) }, serve, (*account.Client).FinishRegister)
			if err != nil {
				t.Fatal(err)
			}
			return record
		},
		login: func(password string, serve func([]byte) []byte) []byte {
			ke3, err := run(func(c *account.Client) ([]byte, error) { return c.Login([]byte(password)) }, serve, (*account.Client).FinishLogin)
			if err != nil && !errors.Is(err, account.ErrPassword) {
				t.Fatal(err)
			}
			return ke3
		},
	}
}

func ourOpaqueServer(t *testing.T) opaqueServer {
	s, err := account.NewServer(account.NewServerKeys())
	if err != nil {
		t.Fatal(err)
	}
	var expected []byte
	return opaqueServer{
		register: func(name string, request []byte) []byte {
			response, err := s.Register(name, request)
			if err != nil {
				t.Fatal(err)
			}
			return response
		},
		login: func(name string, record, ke1 []byte) []byte {
			if len(record) == 0 {
				record = nil
			}
			ke2, mac, err := s.Login(name, record, ke1)
			if err != nil {
				t.Fatal(err)
			}
			expected = mac
			return ke2
		},
		finish: func(ke3 []byte) bool { return bytes.Equal(ke3, expected) },
	}
}

// TestInteropOpaque registers with each client at each server, and logs in with
// each client there, with the right and with a wrong password, and as nobody.
func TestInteropOpaque(t *testing.T) {
	peer := startOpaquePeer(t)
	clients := map[string]opaqueClient{"ours": ourOpaqueClient(t), "theirs": peer.client()}
	servers := map[string]opaqueServer{"ours": ourOpaqueServer(t), "theirs": peer.server()}
	for serverName, s := range servers {
		for registerName, r := range clients {
			const name, password = "anna", "correct horse battery staple"
			record := r.register(password, func(b []byte) []byte { return s.register(name, b) })
			if len(record) != account.RecordSize {
				t.Fatalf("%s at %s: record of %d bytes", registerName, serverName, len(record))
			}
			for loginName, c := range clients {
				where := "server " + serverName + ", registered by " + registerName + ", login by " + loginName
				ke3 := c.login(password, func(b []byte) []byte { return s.login(name, record, b) })
				if len(ke3) == 0 || !s.finish(ke3) {
					t.Errorf("%s: refused", where)
				}
				if loginName == registerName {
					continue // the rest is shown once for each pair
				}
				if ke3 := c.login("wrong", func(b []byte) []byte { return s.login(name, record, b) }); len(ke3) != 0 {
					t.Errorf("%s: a wrong password is taken", where)
				}
				if ke3 := c.login(password, func(b []byte) []byte { return s.login("nobody", nil, b) }); len(ke3) != 0 {
					t.Errorf("%s: nobody is known", where)
				}
				if s.login(name, record, mustKE1(t)); s.finish(make([]byte, 64)) {
					t.Errorf("%s: a made-up finalization is taken", where)
				}
			}
		}
	}
}

func mustKE1(t *testing.T) []byte {
	t.Helper()
	c, err := account.NewClient(account.DefaultStretch())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ke1, err := c.Login([]byte("guess"))
	if err != nil {
		t.Fatal(err)
	}
	return ke1
}
