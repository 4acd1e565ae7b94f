package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
	"quicnprotochat/relay"
	"quicnprotochat/transport"
	"quicnprotochat/transport/transporttest"
)

// world is nodes and relays on a simulated network, in virtual time.
type world struct {
	t    *testing.T
	net  *transporttest.Network
	log  *slog.Logger
	last int // the last part of the IP address given last
	stop []func()
	logs func(name string) *slog.Logger // of one machine; nil means log
}

// logger is where a machine logs.
func (w *world) logger(name string) *slog.Logger {
	if w.logs != nil {
		return w.logs(name)
	}
	return w.log.With("node", name)
}

// simulate runs fn in a world of its own. Packets take 10 ms each way.
func simulate(t *testing.T, fn func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: transporttest.New(10 * time.Millisecond), log: slog.New(slog.DiscardHandler)}
		if os.Getenv("QPC_TEST_LOG") != "" {
			w.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		defer w.net.Close()
		defer func() {
			for i := len(w.stop) - 1; i >= 0; i-- {
				w.stop[i]()
			}
		}()
		fn(w)
	})
}

// ip takes the next free address.
func (w *world) ip() string {
	w.last++
	return fmt.Sprintf("1.0.0.%d", w.last)
}

// simNode is a node that can be stopped and started again.
type simNode struct {
	*node.Node
	w      *world
	name   string
	id     string // its identity
	link   string // an invite of it, if the test made one
	ip     string
	dir    string
	relays []string
	now    func() time.Time // nil means time.Now
	cut    cut
	cancel context.CancelFunc
	done   chan error
}

// node starts a node.
func (w *world) node(name string, relays ...string) *simNode {
	w.t.Helper()
	n := &simNode{w: w, name: name, ip: w.ip(), dir: filepath.Join(w.t.TempDir(), name), relays: relays}
	n.start()
	w.stop = append(w.stop, n.halt)
	return n
}

func (n *simNode) start() {
	n.w.t.Helper()
	if err := n.open(); err != nil {
		n.w.t.Fatal(err)
	}
}

// open is start for those who can do something about an error.
func (n *simNode) open() (err error) {
	ready := make(chan struct{})
	n.Node, err = node.New(context.Background(), node.Config{
		Dir: n.dir, Name: n.name, Listen: []string{"/ip4/" + n.ip + "/udp/7000/quic-v1"}, Relays: n.relays, LAN: "off",
		Options: []transport.Option{n.w.net.Option()}, Plain: n.w.net.Dialer(n.ip),
		Log: n.w.logger(n.name), Fault: n.cut.fault, Now: n.now,
		OnReady: func(r node.Ready) { n.id = r.Identity; close(ready) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.done = cancel, make(chan error, 1)
	go func(run func(context.Context) error) { n.done <- run(ctx) }(n.Run)
	<-ready
	return nil
}

// halt stops the node; it may be started again.
func (n *simNode) halt() {
	if n.cancel == nil {
		return
	}
	n.cancel()
	if err := <-n.done; err != nil && !errors.Is(err, errCut) {
		n.w.t.Errorf("%s: %v", n.name, err)
	}
	n.cancel = nil
}

// add makes the person of a link a contact.
func (n *simNode) add(other *simNode) {
	n.w.t.Helper()
	invite, err := other.Invite(context.Background())
	if err == nil {
		_, err = n.AddContact(context.Background(), invite.Link, "")
	}
	if err != nil {
		n.w.t.Fatal(err)
	}
}

// send returns when the message is persisted.
func (n *simNode) send(to *simNode, text string) (id string) {
	n.w.t.Helper()
	d, err := n.Send(context.Background(), to.name, text)
	if err != nil {
		n.w.t.Fatal(err)
	}
	return d.ID
}

// await waits for a state for at most that (virtual) time.
func (n *simNode) await(id string, want localapi.State, most time.Duration) localapi.Delivery {
	n.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	d, err := n.Await(ctx, id, want)
	if err != nil || !d.State.Reaches(want) {
		n.w.t.Fatalf("%s: message is %s after %v (%s), want %s; %v", n.name, d.State, most, d.Why, want, err)
	}
	return d
}

// meet makes another node that is settled a contact, and says something to it.
func (n *simNode) meet(other *simNode, text string) {
	n.w.t.Helper()
	other.settled()
	n.add(other)
	n.await(n.send(other, text), localapi.Delivered, 10*time.Second)
}

// wantTexts checks the history with another node.
func (n *simNode) wantTexts(other *simNode, want ...string) {
	n.w.t.Helper()
	if got := n.texts(other); !slices.Equal(got, want) {
		n.w.t.Errorf("%s shows %q, want %q", n.name, got, want)
	}
}

// texts is the history with another node as shown.
func (n *simNode) texts(other *simNode) []string {
	n.w.t.Helper()
	all, err := n.history(other)
	if err != nil {
		n.w.t.Fatal(err)
	}
	return texts(all)
}

// history is the history with another node; nothing is there before it is a
// contact.
func (n *simNode) history(other *simNode) (all []localapi.Message, err error) {
	err = n.History(context.Background(), other.name, 0, "", func(m localapi.Message) error {
		all = append(all, m)
		return nil
	})
	if exitCode(err) == localapi.ExitContact {
		return nil, nil
	}
	return all, err
}

// simRelay is a relay that can be stopped and started again.
type simRelay struct {
	*relay.Relay
	w      *world
	name   string // "" means relay
	ip     string
	dir    string
	access string           // "" means open
	now    func() time.Time // nil means time.Now
	sealed bool             // sealed senders may deposit
	met    callers
	cut    cut
	cancel context.CancelFunc
	done   chan error

	noCircuits bool // it lends none
}

// relay starts a relay.
func (w *world) relay() *simRelay {
	w.t.Helper()
	return w.relayFor("")
}

// relayFor starts a relay that keeps mail for those who have access.
func (w *world) relayFor(access string) *simRelay {
	w.t.Helper()
	r := &simRelay{w: w, access: access, ip: w.ip(), dir: filepath.Join(w.t.TempDir(), "relay")}
	r.start()
	w.stop = append(w.stop, r.halt)
	return r
}

func (r *simRelay) start() {
	r.w.t.Helper()
	if err := r.open(); err != nil {
		r.w.t.Fatal(err)
	}
}

// open is start for those who can do something about an error.
func (r *simRelay) open() error {
	addr, err := transport.ParseAddr("/ip4/" + r.ip + "/udp/7000/quic-v1")
	if err != nil {
		return err
	}
	r.Relay, err = relay.New(relay.Config{
		Dir: r.dir, Listen: []transport.Addr{addr}, Options: []transport.Option{r.w.net.Option()}, Log: r.w.logger(cmp.Or(r.name, "relay")),
		Fault: r.cut.fault, Access: r.access, AllowSealedSender: r.sealed, NoCircuits: r.noCircuits, OnCall: r.met.call, Now: r.now,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	go func(run func(context.Context) error) { r.done <- run(ctx) }(r.Run)
	return nil
}

// halt stops the relay; it may be started again.
func (r *simRelay) halt() {
	if r.cancel == nil {
		return
	}
	r.cancel()
	if err := <-r.done; err != nil && !errors.Is(err, errCut) {
		r.w.t.Errorf("relay: %v", err)
	}
	r.cancel = nil
}

func (r *simRelay) url() string { return r.URL().String() }

// settled waits until a node is in touch with all its relays.
func (n *simNode) settled() {
	n.w.t.Helper()
	for range 600 {
		s, err := n.Status(context.Background())
		if err != nil {
			n.w.t.Fatal(err)
		}
		if !slices.ContainsFunc(s.Relays, func(r localapi.Relay) bool { return !r.Reached }) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	n.w.t.Fatalf("%s does not reach its relays", n.name)
}
