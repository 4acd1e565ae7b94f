package integration

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

// client is somebody with a host of their own and one stream to a relay.
type client struct {
	*rpc.Client
	id    rpc.Identity
	close func()
}

// newKey makes the key of somebody new.
func newKey() (rpc.Identity, ed25519.PrivateKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return rpc.Identity{}, nil, err
	}
	return rpc.Identity(public), private, nil
}

// identities are those of n people.
func identities(n int) ([]rpc.Identity, error) {
	ids := make([]rpc.Identity, n)
	for i := range ids {
		var err error
		if ids[i], _, err = newKey(); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// newClient connects somebody new to the relay at a URL.
func newClient(ctx context.Context, url string) (*client, error) {
	_, key, err := newKey()
	if err != nil {
		return nil, err
	}
	return dialAs(ctx, key, url)
}

// dialAs connects a host with that key to the relay at a URL.
func dialAs(ctx context.Context, key ed25519.PrivateKey, url string) (*client, error) {
	s, h, err := openAs(ctx, key, url)
	if err != nil {
		return nil, err
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{})
	return &client{
		Client: conn.Client(),
		id:     rpc.Identity(key.Public().(ed25519.PublicKey)),
		close: func() {
			_ = h.Close() // says goodbye to whoever is still there
			_ = conn.Close()
		},
	}, nil
}

// cheapStretch makes passwords cheap to guess, and tests fast.
var cheapStretch = account.Stretch{Time: 1, Memory: 8, Threads: 1}

// plainSession registers an account over plain QUIC and begins a session, which
// is all that a caller without libp2p has to show.
func plainSession(ctx context.Context, url, name string) (token []byte, err error) {
	c, err := dialPlain(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	defer c.close()
	id, _, err := newKey()
	if err != nil {
		return nil, err
	}
	o, err := account.NewClient(cheapStretch)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	request, err := o.Register([]byte(name))
	if err != nil {
		return nil, err
	}
	response, err := c.RegisterStart(ctx, name, request)
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	upload, err := o.FinishRegister(response)
	if err != nil {
		return nil, err
	}
	if _, err := c.RegisterFinish(ctx, name, upload, id, ""); err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	return login(ctx, c, name, id)
}

// login begins a session of an account whose password is its name.
func login(ctx context.Context, c *client, name string, id rpc.Identity) (token []byte, err error) {
	o, err := account.NewClient(cheapStretch)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	ke1, err := o.Login([]byte(name))
	if err != nil {
		return nil, err
	}
	ke2, err := c.LoginStart(ctx, name, ke1)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	ke3, err := o.FinishLogin(ke2)
	if err != nil {
		return nil, err
	}
	session, err := c.LoginFinish(ctx, name, ke3, id)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	return rpc.SessionToken(session), nil
}

// dialPlain connects somebody to a relay over plain QUIC.
func dialPlain(ctx context.Context, url string, token []byte) (*client, error) {
	at, err := transport.ParseRelayURL(url)
	if err != nil {
		return nil, err
	}
	s, err := transport.DialPlain(ctx, plain.Dialer{}, at)
	if err != nil {
		return nil, err
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{Token: func() []byte { return token }})
	return &client{Client: conn.Client(), close: func() { _ = conn.Close() }}, nil
}

// openAs makes a host with that key and opens a stream to the relay at a URL.
func openAs(ctx context.Context, key ed25519.PrivateKey, url string) (*transport.Stream, *transport.Host, error) {
	at, err := transport.ParseRelayURL(url)
	if err != nil {
		return nil, nil, err
	}
	h, err := transport.New(transport.Config{PrivateKey: key, Listen: []transport.Addr{anyLocalPort}})
	if err != nil {
		return nil, nil, err
	}
	h.Learn(at.Key, transport.SourceUser, at.Addrs())
	s, err := h.Open(ctx, at.Key)
	if err != nil {
		_ = h.Close()
		return nil, nil, fmt.Errorf("reach %s: %w", url, err)
	}
	return s, h, nil
}
