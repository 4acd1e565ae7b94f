package integration

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
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
