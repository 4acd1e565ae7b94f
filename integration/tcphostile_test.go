package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// tcpCrowd is how many connections an attack holds at a time.
const tcpCrowd = 4000

// TestTCPHostile does to the TCP port of a relay what nobody should: meanwhile it
// answers others, also over TCP, and afterwards it has what it had.
func TestTCPHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := started(t, relayProcess(t))
	owner := newOutsider(t, transport.Config{})
	mail := owner.client(relay)
	if _, err := mail.Enqueue(t.Context(), owner.id(), rpc.Channel{}, []byte{3, 1, 2}); err != nil {
		t.Fatal(err)
	}
	v := keepVigil(t, relay)
	for _, attack := range []struct {
		name string
		do   func(*testing.T, *process)
	}{
		{"half handshakes and garbage", tcpUnfinished},
		{"60 MiB", tcpMuch},
		{"abandoned", tcpAbandoned},
		{"streams", tcpStreams},
		{"held", tcpHeld},
	} {
		t.Run(attack.name, func(t *testing.T) { attack.do(t, relay) })
	}
	v.over(t)
	got, err := mail.Peek(t.Context(), owner.id(), rpc.Channel{}, 0, 1, 0)
	if err != nil || len(got) != 1 || !bytes.Equal(got[0].Data, []byte{3, 1, 2}) {
		t.Errorf("what was stored before: got %v, %v", got, err)
	}
	if !strings.Contains(relay.log(t), "before they proved a key") {
		t.Error("the log does not say what happened")
	}
	if n := strings.Count(relay.log(t), "\n"); n > 300 {
		t.Errorf("the relay logged %d lines", n)
	}
}

// overTCP is where a process listens on TCP.
func (p *process) overTCP(t *testing.T) (transport.Key, transport.Addr) {
	t.Helper()
	key, at := p.at(t)
	return key, at.OverTCP()
}

// dialTCP opens a bare connection, nil if that is refused.
func dialTCP(t *testing.T, p *process) net.Conn {
	t.Helper()
	_, at := p.overTCP(t)
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(at.Port()))), patience)
	if err != nil {
		t.Log(err)
		return nil
	}
	return c
}

// honestTCP calls a process over TCP alone.
func honestTCP(t *testing.T, p *process) {
	t.Helper()
	o := newOutsider(t, transport.Config{})
	key, at := p.overTCP(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		o.host.Learn(key, transport.SourceUser, []transport.Addr{at})
		s, err := o.host.Open(ctx, key)
		if err == nil {
			defer s.Reset()
			c := rpc.NewConn(s, rpc.ConnConfig{})
			defer c.Close()
			if _, err = c.Client().Health(ctx); err == nil {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no answer over TCP: %v", err)
		case <-time.After(pollPause):
		}
	}
}

// crowdTCP holds many connections, each of which says so much, until the process
// ends them.
func crowdTCP(t *testing.T, p *process, say func(i int) []byte) {
	t.Helper()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for i := range tcpCrowd {
		c := dialTCP(t, p)
		if c == nil {
			break
		}
		conns = append(conns, c)
		_, _ = c.Write(say(i))
	}
	honestTCP(t, p)
	end := time.Now().Add(patience)
	for _, c := range conns {
		_ = c.SetReadDeadline(end)
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection that says nothing goes on")
		}
	}
	t.Logf("%d connections, all ended", len(conns))
}

// hello is the beginning of a handshake of libp2p: multistream, TLS, and a part of
// what TLS says first.
func hello(t *testing.T) []byte {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		defer b.Close()
		_ = tls.Client(b, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"libp2p"}}).HandshakeContext(t.Context())
	}()
	first := make([]byte, 4096)
	n, err := a.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte("\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n"), first[:n]...)
}

// tcpUnfinished is two attacks at a time: each connection may take its 15 seconds.
func tcpUnfinished(t *testing.T, p *process) {
	var wg sync.WaitGroup
	wg.Go(func() { tcpGarbage(t, p) })
	tcpHalf(t, p)
	wg.Wait()
}

// tcpHalf begins handshakes, or says nothing at all, and goes on with none.
func tcpHalf(t *testing.T, p *process) {
	all := hello(t)
	crowdTCP(t, p, func(i int) []byte { return all[:max(0, i%(2*len(all))-len(all))] })
}

// tcpGarbage writes bytes that are no handshake, some after the beginning of one.
func tcpGarbage(t *testing.T, p *process) {
	begin := hello(t)
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			c := dialTCP(t, p)
			if c == nil {
				return
			}
			defer c.Close()
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			b := make([]byte, 1+rng.IntN(1<<14))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			_, _ = c.Write(append(bytes.Clone(begin[:i%len(begin)]), b...))
			_ = c.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection goes on")
			}
		})
	}
	wg.Wait()
}

// tcpMuch sends 60 MiB of anything, until it is cut off.
func tcpMuch(t *testing.T, p *process) {
	begin := hello(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			c := dialTCP(t, p)
			if c == nil {
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			part := bytes.Repeat([]byte{byte(i), 0xff}, 1<<15)
			_, err := c.Write(begin[:i*7%len(begin)])
			for n := 0; n < 60<<20 && err == nil; n += len(part) {
				_, err = c.Write(part)
			}
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("60 MiB were taken: %v", err)
			}
		})
	}
	wg.Wait()
}

// tcpAbandoned opens connections and lets go of them at once.
func tcpAbandoned(t *testing.T, p *process) {
	begin := hello(t)
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := range tcpCrowd / 4 {
				c := dialTCP(t, p)
				if c == nil {
					return
				}
				_, _ = c.Write(begin[:(i+k)%len(begin)])
				if i%2 == 0 {
					_ = c.(*net.TCPConn).SetLinger(0)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	honestTCP(t, p)
}

// elsewhere is another address of this machine, so that attacks do not come from where
// honest calls do. Systems other than Linux have none without being told.
var elsewhere = net.IPv4(127, 0, 0, 2)

// strangersTCP are connected to a process over TCP, each with a key of its own, and know
// no bounds.
func strangersTCP(ctx context.Context, t *testing.T, p *process, n int, do func(h host.Host, to peer.ID)) {
	t.Helper()
	key, at := p.overTCP(t)
	id, err := peer.Decode(key.String())
	if err != nil {
		t.Fatal(err)
	}
	to, err := multiaddr.NewMultiaddr(string(at))
	if err != nil {
		t.Fatal(err)
	}
	dialer := tcp.WithDialerForAddr(func(multiaddr.Multiaddr) (tcp.ContextDialer, error) {
		return &net.Dialer{LocalAddr: &net.TCPAddr{IP: elsewhere}}, nil
	})
	var wg sync.WaitGroup
	for range n {
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.Transport(tcp.NewTCPTransport, dialer),
			libp2p.Security(libp2ptls.ID, libp2ptls.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
			libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics(), libp2p.DisableRelay())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		wg.Go(func() {
			if err := h.Connect(ctx, peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{to}}); err == nil {
				do(h, id)
			}
		})
	}
	wg.Wait()
}

// tcpStreams opens streams by many keys, of our protocol and others, and fills those
// that nobody reads.
func tcpStreams(t *testing.T, p *process) {
	ctx, cancel := context.WithTimeout(t.Context(), floodTime)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { honestTCP(t, p) })
	strangersTCP(ctx, t, p, 40, func(h host.Host, to peer.ID) {
		for n := range 500 {
			s, err := h.NewStream(ctx, to, []protocol.ID{transport.Protocol, "/none/1.0.0"}[n%2])
			if err != nil {
				continue
			}
			wg.Go(func() {
				_ = s.SetDeadline(time.Now().Add(floodTime))
				_, err := s.Write([]byte{0, 0, 0, 0, 0, 0, 5 << 20 / 8 >> 16, 0})
				for part := make([]byte, 1<<16); err == nil; {
					_, err = s.Write(part)
				}
			})
		}
	})
	wg.Wait()
}

// tcpHeld holds as many streams as it gets, by many keys, that begin as honest ones do.
func tcpHeld(t *testing.T, p *process) {
	if runtime.GOOS != "linux" {
		t.Skip("this system has one loopback address")
	}
	begin := bootstrapMessage(t)
	var held atomic.Int64
	strangersTCP(t.Context(), t, p, 40, func(h host.Host, to peer.ID) {
		for range 16 {
			ctx, cancel := context.WithTimeout(t.Context(), floodTime)
			s, err := h.NewStream(ctx, to, transport.Protocol)
			cancel()
			if err != nil {
				return
			}
			_ = s.SetDeadline(time.Now().Add(floodTime))
			_ = begin.send(s, 0)
			if _, err := s.Read(make([]byte, 8)); err == nil {
				held.Add(1)
			}
		}
	})
	t.Logf("%d streams are held", held.Load())
	honestTCP(t, p)
	if !strings.Contains(p.log(t), "too many streams over TCP") {
		t.Error("the log does not say what happened")
	}
}
