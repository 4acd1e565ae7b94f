package transport

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
	"github.com/quic-go/quic-go"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/plain"
)

// Protocol is the libp2p protocol of NodeService streams.
const Protocol = "/quicnprotochat/node/1"

// closeTimeout bounds how long Close waits for the other side to confirm the
// protocol of a stream that was opened and never used.
const closeTimeout = 5 * time.Second

// Stream is a two-way stream of bytes to a peer whose key TLS proved. Read and
// Write may be called at the same time.
type Stream struct {
	stream  network.Stream
	network network.Network
	rw      io.ReadWriteCloser
	key     Key
	remote  Addr
	path    Path
	worn    atomic.Bool // the connection is to be made anew
}

// Read reads what the peer wrote. If the peer does not speak the protocol, the
// first Read says so.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.rw.Read(b)
	s.note(err)
	return n, err
}

// Write queues b for the peer.
func (s *Stream) Write(b []byte) (int, error) { return s.rw.Write(b) }

// Close sends what was written and closes both directions.
func (s *Stream) Close() error {
	if err := s.stream.SetReadDeadline(time.Now().Add(closeTimeout)); err != nil {
		s.stream.Reset()
		return fmt.Errorf("close stream: %w", err)
	}
	return s.rw.Close()
}

// Reset drops both directions at once; the peer sees an error.
func (s *Stream) Reset() { s.stream.Reset() }

// Abandon ends the whole connection that the stream is on, without a word to the
// peer about this stream: it answers no more, and was last heard at that time. What else
// was connected to the same address by then goes too: two that dialled each other at once
// have more than one connection, and these die together.
func (s *Stream) Abandon(heard time.Time) {
	c := s.stream.Conn()
	_ = c.Close()
	for _, twin := range s.network.ConnsToPeer(c.RemotePeer()) {
		if twin.RemoteMultiaddr().Equal(c.RemoteMultiaddr()) && twin.Stat().Opened.Before(heard) {
			_ = twin.Close()
		}
	}
}

// Disconnect ends all connections to k: two that dialled each other at once may have more
// than the one that a stream is on.
func (h *Host) Disconnect(k Key) { _ = h.host.Network().ClosePeer(k.PeerID()) }

// SetDeadline makes reads and writes after t fail; zero is never.
func (s *Stream) SetDeadline(t time.Time) error { return s.stream.SetDeadline(t) }

// Key returns the key that the peer proved.
func (s *Stream) Key() Key { return s.key }

// Path says over which way the stream runs.
func (s *Stream) Path() Path { return s.path }

// RTT returns how long a packet takes there and back of late, see [plain.RTT]; 0 over TCP.
func (s *Stream) RTT() (took time.Duration, known bool) {
	var q *quic.Conn
	if !s.stream.Conn().As(&q) {
		return 0, true
	}
	return plain.RTT(q)
}

// Remote returns the address of the peer; "" if it has none of a known form.
func (s *Stream) Remote() Addr { return s.remote }

// RemoteHost returns the IP address of the peer as text; "" if unknown.
func (s *Stream) RemoteHost() string { return s.remote.Host() }

// newStream describes a libp2p stream whose protocol is settled.
func (h *Host) newStream(s network.Stream, rw io.ReadWriteCloser) (*Stream, error) {
	k, err := address.KeyOfPeer(s.Conn().RemotePeer())
	if err != nil {
		return nil, err
	}
	remote, path := h.remoteOf(s.Conn())
	return &Stream{stream: s, network: h.host.Network(), rw: rw, key: k, remote: remote, path: path}, nil
}

// lazily agrees on the protocol together with the first bytes, which costs no
// round trip because only one protocol is offered.
func (h *Host) lazily(s network.Stream) (*Stream, error) {
	if err := s.SetProtocol(Protocol); err != nil {
		return nil, err
	}
	return h.newStream(s, multistream.NewMSSelect(s, protocol.ID(Protocol)))
}

// remoteOf returns the address at the other end of c and the label of the way.
func (h *Host) remoteOf(c network.Conn) (Addr, Path) {
	remote, err := address.Of(c.RemoteMultiaddr())
	if err != nil {
		return "", PathDirect
	}
	ip, _ := remote.IP()
	path := PathDirect
	if ipspace.Near(ip, ipspace.Networks()) {
		path = PathLAN
	}
	if path == PathDirect && h.reach.Punched(c) {
		path = PathPunched
	}
	return remote, path
}
