package transport_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport"
	"quicnprotochat/transport/reach"
	"quicnprotochat/transport/transporttest"
)

// anybody may punch with us.
func anybody(transport.Key) bool { return true }

// walled is a relay and two nodes that are connected to it, may be called over its
// circuits, and sit behind a firewall each.
type walled struct{ relay, a, b *transport.Host }

func newWalled(t *testing.T, net *transporttest.Network, a, b transport.Config) walled {
	t.Helper()
	w := walled{relay: simHost(t, net, 9, transport.Config{Server: true, Circuits: true, OnStream: echoStream})}
	w.a, w.b = simHost(t, net, 1, a), simHost(t, net, 2, b)
	for _, h := range []*transport.Host{w.a, w.b} {
		connectTo(t, h, w.relay)
		h.Reserve([]transport.Key{w.relay.Key()}, nil)
	}
	net.Wall("1.0.0.1")
	net.Wall("1.0.0.2")
	for _, h := range []*transport.Host{w.a, w.b} { // the walls know the relay again
		s, err := h.Open(t.Context(), w.relay.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
	}
	time.Sleep(time.Second)
	w.a.LearnCircuits(w.b.Key(), []transport.Key{w.relay.Key()})
	w.b.LearnCircuits(w.a.Key(), []transport.Key{w.relay.Key()})
	return w
}

func (w walled) close() {
	for _, h := range []*transport.Host{w.a, w.b, w.relay} {
		h.Close()
	}
}

// connectTo connects h with another host.
func connectTo(t *testing.T, h, to *transport.Host) {
	t.Helper()
	h.Learn(to.Key(), transport.SourceUser, to.Addrs())
	s, err := h.Open(t.Context(), to.Key())
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s)
}

// TestPunch: neither of two machines behind firewalls can dial the other, and with
// a relay's circuit they get a direct connection.
func TestPunch(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		w := newWalled(t, net, transport.Config{MayPunch: anybody}, transport.Config{MayPunch: anybody, OnStream: echoStream})
		defer w.close()
		for _, h := range []*transport.Host{w.a, w.b} {
			r := h.Reachability()
			if len(r.Reservations) != 1 || r.Reservations[0].Until.IsZero() || r.Reservations[0].Relay != w.relay.Key() {
				t.Fatalf("reservations: got %+v, want one at the relay", r.Reservations)
			}
			if len(r.Seen) != 1 || r.Seen[0].Addr != h.LocalAddrs()[0] || r.NAT != reach.NATNone {
				t.Errorf("reachability: got %+v, want to be seen at the own address", r)
			}
		}
		w.a.Learn(w.b.Key(), transport.SourceLink, w.b.Addrs())
		start := time.Now()
		s, err := w.a.Open(t.Context(), w.b.Key())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Path(); got != transport.PathPunched {
			t.Errorf("path: got %s, want %s", got, transport.PathPunched)
		}
		t.Logf("punched after %v, a trip over the relay takes %v", time.Since(start), 4*simDelay)
		if got := time.Since(start); got > 2*time.Second {
			t.Errorf("punched after %v", got)
		}
		ask(t, s)
		if got := w.b.Peer(w.a.Key()).Path; got != transport.PathPunched {
			t.Errorf("path at the other end: got %s, want %s", got, transport.PathPunched)
		}
		time.Sleep(time.Hour)
		ask(t, s)
	})
}

// TestPunchedIsRenewed: the NAT of who asked for a punched connection chooses another port
// each 30 s, and the connection goes on, or is made anew before it cannot follow any more.
func TestPunchedIsRenewed(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		w := newWalled(t, net, transport.Config{MayPunch: anybody}, transport.Config{MayPunch: anybody, OnStream: echoStream})
		defer w.close()
		for i := range 10 {
			s, err := w.a.Open(t.Context(), w.b.Key())
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ask(t, s)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("after %d changes an answer took %v", i, took)
			}
			s.Reset()
			net.Rebind("1.0.0.1")
			time.Sleep(15 * time.Second)
			if s, err := w.a.Open(t.Context(), w.b.Key()); err == nil {
				ask(t, s) // a packet shows the new port
				s.Reset()
			}
			time.Sleep(15 * time.Second)
		}
	})
}

// TestPunchBothAtOnce: two who ask for each other at the same time get one
// connection too.
func TestPunchBothAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		cfg := transport.Config{MayPunch: anybody, OnStream: echoStream}
		w := newWalled(t, net, cfg, cfg)
		defer w.close()
		errs := make(chan error, 2)
		for _, pair := range [][2]*transport.Host{{w.a, w.b}, {w.b, w.a}} {
			go func() {
				_, err := pair[0].Open(t.Context(), pair[1].Key())
				errs <- err
			}()
		}
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestPunchInVain: where no packet gets through, Open says so, a second one says
// so at once, and a way that opens later is used.
func TestPunchInVain(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		w := newWalled(t, net, transport.Config{MayPunch: anybody}, transport.Config{MayPunch: anybody, OnStream: echoStream})
		defer w.close()
		net.Cut("1.0.0.1", "1.0.0.2", true)
		_, err := w.a.Open(t.Context(), w.b.Key())
		if err == nil || !strings.Contains(err.Error(), "p2p-circuit") {
			t.Errorf("open: got %v, want what became of the circuit", err)
		}
		start := time.Now()
		if _, err = w.a.Open(t.Context(), w.b.Key()); err == nil || time.Since(start) > time.Second {
			t.Errorf("open again: got %v after %v, want an error at once", err, time.Since(start))
		}
		if !errors.Is(err, transport.ErrNoAddress) || !strings.Contains(err.Error(), "a moment ago") {
			t.Errorf("open again: got %v, want why", err)
		}
		net.Cut("1.0.0.1", "1.0.0.2", false)
		time.Sleep(2 * time.Minute)
		s, err := w.a.Open(t.Context(), w.b.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
	})
}

// TestPunchAtNewAddress: where punching was in vain it is tried again at once when this
// machine has another address, of which who uses the host is told.
func TestPunchAtNewAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		changes := make(chan struct{}, 100)
		mine := transport.Config{MayPunch: anybody, OnAddrs: func() { changes <- struct{}{} }}
		w := newWalled(t, net, mine, transport.Config{MayPunch: anybody, OnStream: echoStream})
		defer w.close()
		net.Cut("1.0.0.1", "1.0.0.2", true)
		if _, err := w.a.Open(t.Context(), w.b.Key()); err == nil {
			t.Fatal("connected over a network that is cut")
		}
		net.Cut("1.0.0.1", "1.0.0.2", false)
		for len(changes) > 0 {
			<-changes
		}
		net.Rebind("1.0.0.1")
		s, err := w.a.Open(t.Context(), w.relay.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s) // now the relay knows, and has the connection made anew
		time.Sleep(20 * time.Second)
		if s, err = w.a.Open(t.Context(), w.relay.Key()); err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		time.Sleep(10 * time.Second)
		if len(changes) == 0 {
			t.Error("nobody was told of the new address")
		}
		if s, err = w.a.Open(t.Context(), w.b.Key()); err != nil {
			t.Fatal(err)
		}
		ask(t, s)
	})
}

// TestPunchReasons asks for the words of what becomes of punching.
func TestPunchReasons(t *testing.T) {
	nobody := func(transport.Key) bool { return false }
	for _, c := range []struct {
		name   string
		may    func(transport.Key) bool // whom the other side lets punch
		before func(net *transporttest.Network, w walled)
		want   string
	}{
		{"nothing gets through", anybody, func(net *transporttest.Network, _ walled) { net.Cut("1.0.0.1", "1.0.0.2", true) }, "the routers or firewalls of the two machines let nothing through"},
		{"away", anybody, func(_ *transporttest.Network, w walled) { w.b.Close() }, "their machine is not connected to that relay"},
		{"a stranger", nobody, func(*transporttest.Network, walled) {}, "you are not among its contacts yet"},
		{"no relay", anybody, func(_ *transporttest.Network, w walled) { w.a.Disconnect(w.relay.Key()) }, "this machine is not connected to that relay"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, net *transporttest.Network) {
				w := newWalled(t, net, transport.Config{MayPunch: anybody}, transport.Config{MayPunch: c.may, OnStream: echoStream})
				defer w.close()
				c.before(net, w)
				time.Sleep(time.Second)
				_, err := w.a.Open(t.Context(), w.b.Key())
				var dial *transport.DialError
				if !errors.As(err, &dial) || !strings.Contains(dial.Short(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			})
		})
	}
}

// TestPunchAfterRestart: a machine that lost a connection which the other still
// believes in gets a new one at once.
func TestPunchAfterRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		w := newWalled(t, net, transport.Config{MayPunch: anybody}, transport.Config{MayPunch: anybody, OnStream: echoStream})
		defer w.close()
		if _, err := w.a.Open(t.Context(), w.b.Key()); err != nil {
			t.Fatal(err)
		}
		net.Down("1.0.0.1", true) // its good-byes are not heard
		time.Sleep(3 * time.Second)
		w.a.Close()
		net.Down("1.0.0.1", false)
		a := simHost(t, net, 1, transport.Config{MayPunch: anybody})
		defer a.Close()
		connectTo(t, a, w.relay)
		a.LearnCircuits(w.b.Key(), []transport.Key{w.relay.Key()})
		start := time.Now()
		s, err := a.Open(t.Context(), w.b.Key())
		if err != nil {
			t.Fatal(err)
		}
		ask(t, s)
		if got := time.Since(start); got > 2*time.Second {
			t.Errorf("connected after %v", got)
		}
	})
}

// callOver calls a node over a circuit as a host without manners would.
func callOver(t *testing.T, net *transporttest.Network, relay *transport.Host, to transport.Key) (c network.Conn, end func()) {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/1.0.0.3/udp/7000/quic-v1"), libp2p.EnableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics(), net.Option())
	if err != nil {
		t.Fatal(err)
	}
	at, err := peer.AddrInfoFromString(relay.LocalAddrs()[0].WithKey(relay.Key()))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), *at); err != nil {
		t.Fatal(err)
	}
	id, err := peer.Decode(to.String())
	if err != nil {
		t.Fatal(err)
	}
	h.Peerstore().AddAddr(id, ma.StringCast("/p2p/"+relay.Key().String()+"/p2p-circuit"), time.Hour)
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	if c, err = h.Network().DialPeer(ctx, id); err != nil {
		t.Fatal(err)
	}
	return c, func() { h.Close() }
}

// TestNoChatOverCircuits: a circuit carries no stream of NodeService, whoever asks
// for it, and that of a stranger nothing at all.
func TestNoChatOverCircuits(t *testing.T) {
	for name, allowed := range map[string]bool{"contact": true, "stranger": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, net *transporttest.Network) {
				served := make(chan string, 8)
				serve := func(s *transport.Stream) { served <- s.RemoteHost(); echoStream(s) }
				w := newWalled(t, net, transport.Config{MayPunch: anybody},
					transport.Config{MayPunch: func(transport.Key) bool { return allowed }, OnStream: serve})
				defer w.close()
				c, end := callOver(t, net, w.relay, w.b.Key())
				defer end()
				if !c.Stat().Limited {
					t.Fatal("the connection is no circuit")
				}
				if !allowed {
					time.Sleep(time.Second)
					if !c.IsClosed() {
						t.Error("the circuit of a stranger stays open")
					}
					return
				}
				s, err := c.NewStream(network.WithAllowLimitedConn(t.Context(), "test"))
				if err == nil {
					_, err = s.Write([]byte("\x13/multistream/1.0.0\n\x17" + transport.Protocol + "\nhello"))
				}
				if err == nil {
					err = s.SetReadDeadline(time.Now().Add(time.Minute))
				}
				for err == nil {
					_, err = s.Read(make([]byte, 100))
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the stream ends with %v, want a reset", err)
				}
				select {
				case who := <-served:
					t.Errorf("a stream over a circuit was served, of %q", who)
				default:
				}
				if got := w.b.Connected(); len(got) != 1 {
					t.Errorf("connected: got %v, want the relay alone", got)
				}
			})
		})
	}
}

// TestBorrowedWord: what a borrowed relay says of our address counts only while no home is
// connected. It shows the kind of NAT all the same, for which two are needed.
func TestBorrowedWord(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		cfg := transport.Config{Server: true, Circuits: true, OnStream: echoStream}
		home, borrowed := simHost(t, net, 8, cfg), simHost(t, net, 9, cfg)
		defer borrowed.Close()
		h := simHost(t, net, 1, transport.Config{MayPunch: anybody})
		defer h.Close()
		net.Rebind("1.0.0.1")
		h.Reserve([]transport.Key{home.Key()}, []transport.Key{borrowed.Key()})
		want := func(when string, by transport.Key, nat reach.NAT) {
			t.Helper()
			time.Sleep(time.Minute)
			r := h.Reachability()
			if len(r.Seen) != 1 || r.Seen[0].By != by || r.NAT != nat {
				t.Errorf("%s: got %+v, %s, want the word of %v, %s", when, r.Seen, r.NAT, by, nat)
			}
		}
		connectTo(t, h, borrowed)
		want("without a home", borrowed.Key(), reach.NATUnknown)
		connectTo(t, h, home)
		want("with both", home.Key(), reach.NATIndependent)
		home.Close()
		want("when the home is gone", borrowed.Key(), reach.NATUnknown)
	})
}

// TestReservations: a relay gives them to whom it wants, and no more than it
// wants; a node that lost one with the connection gets it again with the next.
func TestReservations(t *testing.T) {
	inBubble(t, func(t *testing.T, net *transporttest.Network) {
		var hosts []*transport.Host
		relay := simHost(t, net, 9, transport.Config{
			Server: true, Circuits: true, OnStream: echoStream, MaxReservations: 1,
			MayReserve: func(k transport.Key) bool { return len(hosts) == 0 || k != hosts[0].Key() },
		})
		defer relay.Close()
		for n := range 3 {
			h := simHost(t, net, byte(n+1), transport.Config{MayPunch: anybody})
			defer h.Close()
			hosts = append(hosts, h)
			h.Reserve([]transport.Key{relay.Key()}, nil)
			if r := h.Reachability().Reservations; len(r) != 1 || !r[0].Until.IsZero() || r[0].Err != "" {
				t.Errorf("before there is a connection: got %+v", r)
			}
			connectTo(t, h, relay)
			time.Sleep(time.Second)
		}
		for n, want := range []bool{false, true, false} {
			r := hosts[n].Reachability().Reservations
			if len(r) != 1 || r[0].Until.IsZero() == want || (r[0].Err == "") != want {
				t.Errorf("host %d: got %+v, want a reservation: %v", n, r, want)
			}
		}
		net.Down("1.0.0.2", true)
		time.Sleep(time.Minute)
		if r := hosts[1].Reachability().Reservations; !r[0].Until.IsZero() {
			t.Errorf("without a connection: got %+v", r)
		}
		net.Down("1.0.0.2", false)
		connectTo(t, hosts[1], relay)
		time.Sleep(time.Second)
		if r := hosts[1].Reachability().Reservations; r[0].Until.IsZero() {
			t.Errorf("with a new connection: got %+v", r)
		}
		first := hosts[1].Reachability().Reservations[0].Until
		time.Sleep(2 * time.Hour)
		if r := hosts[1].Reachability().Reservations; !r[0].Until.After(first) {
			t.Errorf("after two hours: got %+v, want it renewed", r)
		}
	})
}
