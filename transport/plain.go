package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/plain"
	"quicnprotochat/transport/tried"
)

// plainQUIC serves QUIC without libp2p on the sockets of a host.
type plainQUIC struct {
	server    *plain.Server
	listeners []quicreuse.Listener
	addrs     []Addr
}

// servePlain begins to serve OnPlain.
func (h *Host) servePlain(sockets *quicreuse.ConnManager) error {
	if h.cfg.OnPlain == nil {
		return nil
	}
	server, err := plain.NewServer(plain.ServerConfig{
		Key: h.cfg.PrivateKey, OnStream: h.cfg.OnPlain, Limits: h.cfg.PlainLimits, Log: h.log,
	})
	if err != nil {
		return err
	}
	h.plain = &plainQUIC{server: server}
	for _, a := range slices.Concat(h.listening(), h.cfg.PlainListen) {
		if !a.IsQUIC() {
			continue
		}
		l, err := sockets.ListenQUIC(a.Multiaddr(), server.TLS(), server.WindowIncrease)
		switch {
		case err == nil:
			h.plain.add(l)
			h.start(func() { server.Serve(l) })
		case mayMiss(a, err):
			h.log.Warn("not listening on an address", "addr", a, "err", err)
		default:
			h.plain.close()
			return fmt.Errorf("%w on %s: %w", ErrListen, a, err)
		}
	}
	return nil
}

// add notes a listener and its addresses.
func (p *plainQUIC) add(l quicreuse.Listener) {
	p.listeners = append(p.listeners, l)
	for _, m := range l.Multiaddrs() {
		if a, err := address.Of(m); err == nil {
			p.addrs = append(p.addrs, a)
		}
	}
}

// close ends all connections and waits until no OnPlain runs.
func (p *plainQUIC) close() {
	if p == nil {
		return
	}
	p.server.Close()
	for _, l := range p.listeners {
		_ = l.Close()
	}
}

// PlainAddrs returns the addresses at which others can dial the host without
// libp2p, as Addrs does; none if that is not served.
func (h *Host) PlainAddrs() []Addr {
	if h.plain == nil {
		return nil
	}
	return dialable(h.plain.addrs, false)
}

// Certificate returns the SHA-256 of the certificate that is shown to callers
// without libp2p. It is always the same for one key. ok is false if they are not
// served.
func (h *Host) Certificate() (fingerprint [32]byte, ok bool) {
	if h.plain == nil {
		return fingerprint, false
	}
	return h.plain.server.Fingerprint(), true
}

// DialPlain opens one stream to a relay over plain QUIC, on a connection and a
// socket of its own that say nothing of who dials. Its errors are *DialError. d is the
// zero Dialer but in tests.
// Closing the stream ends the connection: what is to arrive must be answered first.
func DialPlain(ctx context.Context, d plain.Dialer, u RelayURL) (*plain.Stream, error) {
	s, err := d.Dial(ctx, u.Host, u.Port, u.Key)
	var lookup *net.DNSError
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, plain.ErrWrongKey):
		err = ErrWrongKey
	case errors.As(err, &lookup) && !lookup.IsTimeout:
		err = tried.ErrNoName
	}
	if addrs := u.Addrs(); len(addrs) > 0 {
		return nil, &DialError{Key: u.Key, Attempts: []Attempt{tried.Failed(addrs[0], err, time.Now())}}
	}
	return nil, tried.Because(u.Key, err)
}
