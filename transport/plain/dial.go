package plain

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/quic-go/quic-go"
)

// LeastPacket is with how many bytes in a UDP packet a connection begins, the least that
// QUIC allows (RFC 9000, §14.1): the 1280 of quic-go do not go through a network, such as
// many a VPN, whose packets have 1280 with their headers. What the way takes is found later.
const LeastPacket = 1200

const (
	// dialTime bounds the handshake with one address, also if it is begun again: a side
	// that has too many under way refuses more, and who comes again after busyPause, then
	// after twice as long and so on up to maxPause, finds room.
	dialTime  = 5 * time.Second
	busyPause = 100 * time.Millisecond
	maxPause  = 400 * time.Millisecond
	// maxDials is how many addresses of a name are tried.
	maxDials = 4
	// A connection on which nothing came for idleTime is lost; keepAlive keeps a
	// good one from that.
	idleTime  = 30 * time.Second
	keepAlive = 10 * time.Second
)

// Dialer makes plain connections. The zero Dialer is ready.
type Dialer struct {
	// ListenPacket opens a socket of "udp4" or "udp6". Default: any free port of any
	// address of this machine. Tests put a simulated network here.
	ListenPacket func(network string) (net.PacketConn, error)
}

// Dial connects to a host, which is an IP address or a DNS name, from a fresh
// socket, and opens one stream. The other side must prove key, or else the error is
// ErrWrongKey. Closing the stream ends the connection at once.
func (d Dialer) Dial(ctx context.Context, host string, port uint16, key [32]byte) (*Stream, error) {
	ips, err := lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	err = errors.New("no address")
	for _, ip := range ips {
		var s *Stream
		if s, err = d.dial(ctx, netip.AddrPortFrom(ip, port), key); err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// lookup returns the addresses of a host, the best first.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips[:min(len(ips), maxDials)], err
}

// dial tries one address.
func (d Dialer) dial(ctx context.Context, to netip.AddrPort, key [32]byte) (*Stream, error) {
	listen := d.ListenPacket
	if listen == nil {
		listen = func(network string) (net.PacketConn, error) { return net.ListenUDP(network, nil) }
	}
	network := "udp4"
	if to.Addr().Is6() {
		network = "udp6"
	}
	socket, err := listen(network)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	transport := &quic.Transport{Conn: socket}
	end := func() {
		_ = transport.Close()
		_ = socket.Close()
	}
	conn, stream, err := connect(ctx, transport, to, key)
	if err != nil {
		end()
		return nil, fmt.Errorf("dial %s: %w", to, err)
	}
	return &Stream{conn: conn, stream: stream, remote: to.Addr(), onClose: func() {
		_ = conn.CloseWithError(0, "")
		end()
	}}, nil
}

// connect makes the handshake and opens the stream. Who is refused because the other side
// is busy comes again.
func connect(ctx context.Context, t *quic.Transport, to netip.AddrPort, key [32]byte) (*quic.Conn, *quic.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	for pause := busyPause; ; pause = min(2*pause, maxPause) {
		c, s, err := connectOnce(ctx, t, to, key)
		if !isBusy(err) {
			return c, s, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, err
		case <-time.After(pause/2 + rand.N(pause)): // a crowd does not come back as one
		}
	}
}

// alertRefused is the code of a connection whose handshake a Server refuses: of the TLS
// alert internal_error (RFC 9001, §4.8; RFC 8446, §6).
const alertRefused = 0x100 + 80

// isBusy reports whether the other side refused a handshake as one too many.
func isBusy(err error) bool {
	var refused *quic.TransportError
	return errors.As(err, &refused) && refused.Remote && (refused.ErrorCode == quic.ConnectionRefused || refused.ErrorCode == alertRefused)
}

// connectOnce is one try of connect.
func connectOnce(ctx context.Context, t *quic.Transport, to netip.AddrPort, key [32]byte) (*quic.Conn, *quic.Stream, error) {
	wrong := make(chan error, 1) // the library does not hand on what was wrong
	check := verify(key)
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{ALPN},
		InsecureSkipVerify: true, // the key in the certificate is checked instead
		VerifyPeerCertificate: func(raw [][]byte, chains [][]*x509.Certificate) error {
			err := check(raw, chains)
			if err != nil {
				wrong <- err
			}
			return err
		},
	}
	conn, err := t.Dial(ctx, net.UDPAddrFromAddrPort(to), conf, &quic.Config{
		InitialPacketSize:    LeastPacket,
		HandshakeIdleTimeout: dialTime, MaxIdleTimeout: idleTime, KeepAlivePeriod: keepAlive,
		MaxIncomingStreams: -1, MaxIncomingUniStreams: -1,
	})
	if err != nil {
		select {
		case err = <-wrong:
		default:
		}
		return nil, nil, err
	}
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		_ = conn.CloseWithError(0, "")
		return nil, nil, err
	}
	return conn, stream, nil
}
