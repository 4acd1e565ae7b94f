package punch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// circuitTime bounds how long it takes to get a circuit.
	circuitTime = 5 * time.Second
	// exchangeTime bounds the exchange of addresses over it.
	exchangeTime = 5 * time.Second
	// punchTime bounds the dials at the end.
	punchTime = 5 * time.Second
	// openTime is how long the side that was called only opens its NAT, at least and
	// at most; between them, three round trips.
	openTime, openTimeMost = 500 * time.Millisecond, 2 * time.Second
	// staleAfter is the age from which a connection is taken for dead when the peer
	// asks for a new one: it would not if it had the old one.
	staleAfter = 2 * time.Second
	// maxRunning bounds the attempts under way, and those of one peer are one.
	maxRunning = 64
)

// Errors of Connect, in words for people.
var (
	// ErrNoCircuit means that no relay has a circuit to the peer, see CircuitError.
	ErrNoCircuit = errors.New("no relay called it for us")
	// ErrClosed means that the peer closed the circuit: it does not know us, or not
	// yet.
	ErrClosed = errors.New("their machine hung up: you are not among its contacts yet, or it was just stopping")
	// ErrExchange means that the two sides did not learn each other's addresses.
	ErrExchange = errors.New("the two machines found no addresses to try: the network of one may block UDP")
	// ErrFailed means that no packet got through.
	ErrFailed = errors.New("the routers or firewalls of the two machines let nothing through")
	// ErrLately means that the last attempt failed a short while ago.
	ErrLately = errors.New("it was tried in vain a moment ago")
	// ErrBusy means that too many attempts are under way.
	ErrBusy = errors.New("this machine tries to reach too many others at once")
)

// Reason returns an error of Connect, or of CircuitError, in words for people, "" if it is
// another error. What such an error wraps is for logs.
func Reason(err error) string {
	for _, known := range []error{ErrExchange, ErrClosed, ErrFailed, ErrLately, ErrBusy, errUnconnected, errAbsent, errShut, errFull, errLendsNone} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return ""
}

// Config says for whom and how holes are punched. All fields are required.
type Config struct {
	Host host.Host
	// Allowed says who may learn our addresses and call us.
	Allowed func(peer.ID) bool
	// Addrs are the addresses that the peer is to send to.
	Addrs func() []ma.Multiaddr
	// Take returns those of a peer's addresses that may be dialled.
	Take func(p peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr
	// Offer puts addresses where the host looks for them when it dials.
	Offer func(p peer.ID, addrs []ma.Multiaddr)
	// Made is told of each connection that was punched, before Connect returns.
	Made func(network.Conn)
	Log  *slog.Logger
}

// Puncher makes direct connections over circuits. Its methods may be called by
// many goroutines.
type Puncher struct {
	cfg      Config
	notifiee network.Notifiee
	ctx      context.Context // ends when Close begins
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	pauses   pauses

	// mu guards the fields below.
	mu      sync.Mutex
	closed  bool
	running map[peer.ID]*attempt
}

// attempt is an attempt to get a direct connection to one peer.
type attempt struct {
	asked bool            // by us: the circuit is ours
	alone context.Context // ends when there is a direct connection, or Close begins
	meet  func()          // ends alone
	done  chan struct{}   // closed at the end
	err   error           // set before done is closed

	// failed tells the asker that the exchange is over without success; of size 1.
	failed chan error

	// circuit, talking and punching are guarded by Puncher.mu: the circuit that we asked
	// for, whether the other side has begun to speak over it, and since when both sides
	// know each other's addresses; zero: they do not.
	circuit  network.Conn
	talking  bool
	punching time.Time
}

// New begins to answer circuits.
func New(cfg Config) *Puncher {
	u := &Puncher{cfg: cfg, running: make(map[peer.ID]*attempt)}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	u.notifiee = &network.NotifyBundle{ConnectedF: u.connected, DisconnectedF: u.disconnected}
	cfg.Host.SetStreamHandler(Protocol, u.handle)
	cfg.Host.Network().Notify(u.notifiee)
	return u
}

// Close ends all attempts and waits for them. It is called before the host is
// closed.
func (u *Puncher) Close() {
	if u == nil {
		return
	}
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.cancel()
	u.cfg.Host.RemoveStreamHandler(Protocol)
	u.cfg.Host.Network().StopNotify(u.notifiee)
	u.wg.Wait()
}

// Punching reports whether a connection came by an attempt that is under way.
func (u *Puncher) Punching(c network.Conn) bool {
	if u == nil || c.Stat().Limited {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.running[c.RemotePeer()]
	return a != nil && !a.punching.IsZero() && !c.Stat().Opened.Before(a.punching)
}

// Connect makes a direct connection to p over a circuit of one of the relays, to
// which there are connections. It returns nil when there is a direct connection,
// whoever made it.
//
// A failure is remembered for a while, see Forget: meanwhile it reports ErrLately.
func (u *Puncher) Connect(ctx context.Context, p peer.ID, relays []peer.ID) error {
	if !u.pauses.due(p, time.Now()) {
		return ErrLately
	}
	a, began, err := u.begin(p, true)
	if err != nil {
		return err
	}
	if began {
		go func() {
			defer u.wg.Done()
			err := u.ask(p, a, relays)
			u.pauses.note(p, err, time.Now())
			u.end(p, a, err)
		}()
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Forget forgets failures, of some peers or of all: something has changed.
func (u *Puncher) Forget(peers ...peer.ID) {
	if u != nil {
		u.pauses.forget(peers...)
	}
}

// begin joins the attempt to connect p, or begins one; then the caller ends it,
// and u.wg.
func (u *Puncher) begin(p peer.ID, asked bool) (a *attempt, began bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch a := u.running[p]; {
	case u.closed:
		return nil, false, context.Canceled
	case a != nil:
		return a, false, nil
	case len(u.running) >= maxRunning:
		return nil, false, ErrBusy
	}
	a = &attempt{asked: asked, done: make(chan struct{}), failed: make(chan error, 1)}
	a.alone, a.meet = context.WithCancel(u.ctx)
	u.running[p] = a
	u.wg.Add(1)
	return a, true, nil
}

func (u *Puncher) end(p peer.ID, a *attempt, err error) {
	// The host shows a connection before it tells of it, so that the attempt may be over
	// before Made was called for it.
	for _, c := range u.cfg.Host.Network().ConnsToPeer(p) {
		if u.Punching(c) {
			u.cfg.Made(c)
		}
	}
	u.mu.Lock()
	delete(u.running, p)
	u.mu.Unlock()
	a.meet()
	a.err = err
	close(a.done)
	u.cfg.Log.Debug("punched", "peer", p, "asked", a.asked, "err", err)
}

// ask gets a circuit and waits until the other side has answered over it.
func (u *Puncher) ask(p peer.ID, a *attempt, relays []peer.ID) error {
	conn, err := u.circuit(a, p, relays)
	if err == nil && u.crossed(p, conn) {
		_ = conn.Close()
		conn, err = u.circuit(a, p, relays)
	}
	switch {
	case u.isDirect(p):
		return nil // there is a better one already
	case err != nil:
		return err
	}
	defer conn.Close()
	u.watch(a, conn)
	late := time.NewTimer(exchangeTime + punchTime)
	defer late.Stop()
	select {
	case <-a.alone.Done():
	case err = <-a.failed:
	case <-late.C:
		err = ErrFailed
	}
	if u.isDirect(p) {
		return nil
	}
	return cmp.Or(err, u.ctx.Err(), ErrFailed)
}

// crossed reports whether c is a circuit that the peer asked for while we did, and
// not the one of the two that counts: that of the smaller key does.
func (u *Puncher) crossed(p peer.ID, c network.Conn) bool {
	return c.Stat().Limited && c.Stat().Direction == network.DirInbound && u.cfg.Host.ID() < p
}

// isDirect reports whether there is a connection to p that is no circuit.
func (u *Puncher) isDirect(p peer.ID) bool {
	return slices.ContainsFunc(u.cfg.Host.Network().ConnsToPeer(p), func(c network.Conn) bool { return !c.Stat().Limited && !c.IsClosed() })
}

// circuit dials p through the relays that we are connected to.
func (u *Puncher) circuit(a *attempt, p peer.ID, relays []peer.ID) (network.Conn, error) {
	var addrs []ma.Multiaddr
	for _, r := range relays {
		if r == p || u.cfg.Host.Network().Connectedness(r) != network.Connected {
			continue
		}
		if addr, err := ma.NewMultiaddr("/p2p/" + r.String() + "/p2p-circuit"); err == nil {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, &CircuitError{}
	}
	u.cfg.Offer(p, addrs)
	ctx, cancel := context.WithTimeout(a.alone, circuitTime)
	defer cancel()
	c, err := u.cfg.Host.Network().DialPeer(network.WithAllowLimitedConn(ctx, "punch"), p)
	if err != nil {
		return nil, noCircuit(addrs, err)
	}
	return c, nil
}

// connected is told of each connection.
func (u *Puncher) connected(_ network.Network, c network.Conn) {
	p := c.RemotePeer()
	if !c.Stat().Limited {
		if u.Punching(c) {
			u.cfg.Made(c)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		if a := u.running[p]; a != nil {
			a.meet()
		}
		return
	}
	if c.Stat().Direction == network.DirInbound {
		u.called(p, c)
	}
}

// watch has disconnected look at the circuit that we asked for.
func (u *Puncher) watch(a *attempt, c network.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	a.circuit = c
	if c.IsClosed() {
		a.fail(ErrClosed)
	}
}

// disconnected is told of each connection that ends.
func (u *Puncher) disconnected(_ network.Network, c network.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.running[c.RemotePeer()]
	switch {
	case a == nil || a.circuit != c || !a.punching.IsZero():
	case a.talking:
		a.fail(fmt.Errorf("%w: %w", ErrExchange, ErrClosed))
	default:
		a.fail(ErrClosed)
	}
}

// fail ends the wait of the asker.
func (a *attempt) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

// called answers a circuit that another machine asked for.
func (u *Puncher) called(p peer.ID, c network.Conn) {
	if !u.enter() {
		return
	}
	go func() {
		defer u.wg.Done()
		defer c.Close()
		if !u.cfg.Allowed(p) {
			u.cfg.Log.Debug("circuit of a stranger closed", "peer", p)
			return
		}
		a, began, err := u.begin(p, false)
		if err == nil && !began && !a.asked {
			a.meet() // it asks anew: it has lost the first circuit
			<-a.done
			a, began, err = u.begin(p, false)
		}
		switch {
		case err != nil, !began && !a.asked:
			return
		case !began && u.crossed(p, c):
			<-a.done // closed earlier, it would end the peer's wait for ours
			return
		}
		switch err = u.answer(p, a, c); {
		case began:
			u.end(p, a, err)
			u.wg.Done()
		case err != nil:
			a.fail(err)
		}
	}()
}

// enter counts a goroutine in, which ends with u.wg.Done, unless Close has begun.
func (u *Puncher) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		u.wg.Add(1)
	}
	return !u.closed
}

// dropStale closes the connections that the peer cannot have any more.
func (u *Puncher) dropStale(p peer.ID) {
	for _, c := range u.cfg.Host.Network().ConnsToPeer(p) {
		if !c.Stat().Limited && time.Since(c.Stat().Opened) > staleAfter {
			_ = c.Close()
		}
	}
}

// setPunching notes that both sides are about to send.
func (u *Puncher) setPunching(a *attempt) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a.punching.IsZero() {
		a.punching = time.Now()
	}
}

// asking returns the attempt that we asked p for, over which p begins to speak.
func (u *Puncher) asking(p peer.ID) *attempt {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.running[p]; a != nil && a.asked {
		a.talking = true
		return a
	}
	return nil
}
