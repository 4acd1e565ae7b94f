package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/punch"
	"quicnprotochat/transport/tried"
)

const (
	// maxDials is how many dials of one peer run at once; more than one only if
	// addresses were learnt meanwhile.
	maxDials = 3
	// maxDialTime bounds one dial of all addresses of a peer.
	maxDialTime = 20 * time.Second
	// maxRounds bounds how often one Open begins anew, because a connection was lost
	// at once or because new addresses were learnt.
	maxRounds = 4
)

// Open returns a NodeService stream to k: over the live connection, else over
// one that it makes by dialling the known addresses, local ones and the last good
// one a moment before the others. It never uses a circuit.
//
// When ctx ends first, the dial goes on for up to maxDialTime, so that the next
// Open finds a connection, or Peer the reasons. The protocol is agreed upon with
// the first bytes: a peer that does not speak it is noticed at the first Read.
//
// Errors are *DialError, or ErrClosed.
func (h *Host) Open(ctx context.Context, k Key) (*Stream, error) {
	if k == h.key {
		return nil, tried.Because(k, errors.New("this is the own key"))
	}
	for range maxRounds {
		if h.ctx.Err() != nil {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, tried.Because(k, err)
		}
		up, forget := h.dials.watch(k)
		s, err := h.openLive(ctx, k)
		if s != nil || err != nil {
			forget()
			return s, err
		}
		again, err := h.dialKnown(ctx, k, up)
		forget()
		if !again {
			return nil, err
		}
	}
	return nil, tried.Because(k, errors.New("connections are lost as soon as they are made"))
}

// openLive opens a stream over a live connection. It returns nil and no error
// if there is none.
func (h *Host) openLive(ctx context.Context, k Key) (*Stream, error) {
	for _, c := range h.connsTo(k) {
		s, err := c.conn.NewStream(ctx)
		if err == nil {
			stream, err := h.lazily(s)
			if err == nil {
				return stream, nil
			}
			s.Reset()
			return nil, tried.Because(k, fmt.Errorf("open stream: %w", err))
		}
		if !c.conn.IsClosed() {
			return nil, tried.Because(k, fmt.Errorf("open stream: %w", err))
		}
	}
	return nil, nil
}

// dialKnown waits until k is connected, in whichever way, and then returns true,
// or until its known addresses have failed or ctx ends, and returns why.
func (h *Host) dialKnown(ctx context.Context, k Key, up <-chan struct{}) (again bool, err error) {
	addrs, version := h.book.candidates(k, time.Now())
	relays := h.circuitsTo(k)
	if len(addrs) == 0 && len(relays) == 0 {
		return false, tried.Because(k, ErrNoAddress)
	}
	d := h.dials.join(k, version, func(d *dial) bool {
		if !h.begin() {
			return false
		}
		go func() {
			defer h.wg.Done()
			h.dial(k, addrs, relays, d)
		}()
		return true
	})
	if d == nil {
		return false, ErrClosed
	}
	select {
	case <-up:
		return true, nil
	case <-d.done:
	case <-ctx.Done():
		return false, tried.Because(k, ctx.Err(), tried.Attempts(addrs, ctx.Err(), time.Now())...)
	}
	if h.ctx.Err() != nil {
		return false, ErrClosed
	}
	if d.attempts == nil {
		return true, nil
	}
	if _, newer := h.book.candidates(k, time.Now()); newer != d.version {
		return true, nil // addresses were learnt meanwhile
	}
	err = &DialError{Key: k, Attempts: d.attempts}
	if len(d.attempts) == 0 {
		err = tried.Because(k, fmt.Errorf("%w, and with the help of relays %w", ErrNoAddress, punch.ErrLately))
	}
	return false, err
}

// punchDelay is how long a dial runs before a hole is punched as well.
const punchDelay = 150 * time.Millisecond

// dial tries addrs and punching, and records why they failed if all did. It ends
// when there is a connection, whoever made it.
func (h *Host) dial(k Key, addrs []Addr, relays []Key, d *dial) {
	ctx, cancel := context.WithTimeout(h.ctx, maxDialTime)
	defer cancel()
	defer h.dials.leave(k, d)
	up, forget := h.dials.watch(k)
	defer forget()
	failed := make(chan struct{}) // closed when all addrs have failed
	var direct, punched []Attempt
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		select {
		case <-up:
			cancel()
		case <-ctx.Done():
		}
	})
	var ways sync.WaitGroup
	ways.Go(func() {
		defer close(failed)
		direct = h.dialAddrs(ctx, k, addrs)
	})
	ways.Go(func() {
		late := time.NewTimer(punchDelay)
		defer late.Stop()
		select {
		case <-late.C:
		case <-failed:
		}
		if ctx.Err() == nil {
			punched = h.punch(ctx, k, relays)
		}
	})
	ways.Wait()
	cancel()
	if len(h.connsTo(k)) > 0 || h.ctx.Err() != nil {
		return // a success is recorded when the connection is told to us, see notifiee
	}
	d.attempts = append(append([]Attempt{}, direct...), punched...) // not nil: it failed
	h.book.record(k, d.attempts, time.Now())
}

// dialAddrs dials all addrs, and returns why they failed if all did.
func (h *Host) dialAddrs(ctx context.Context, k Key, addrs []Addr) []Attempt {
	if len(addrs) == 0 {
		return nil
	}
	forget := h.order.set(addrs)
	defer forget()
	h.offer(k.PeerID(), address.Multiaddrs(addrs))
	err := punch.DialDirect(network.WithDialPeerTimeout(ctx, maxDialTime), h.host, k.PeerID(), "chat")
	if err == nil {
		return nil
	}
	h.log.Debug("dial without success", "peer", k, "err", err)
	return tried.Attempts(addrs, err, time.Now())
}

// offer puts exactly these addresses where libp2p looks when it dials p; those of
// circuits do not count among the others.
func (h *Host) offer(p peer.ID, addrs []ma.Multiaddr) {
	h.offering.Lock()
	defer h.offering.Unlock()
	store := h.host.Peerstore()
	old := slices.DeleteFunc(store.Addrs(p), func(a ma.Multiaddr) bool {
		return isCircuit(a) != isCircuit(addrs[0])
	})
	store.SetAddrs(p, old, 0)
	store.AddAddrs(p, addrs, peerstore.TempAddrTTL)
	if b, ok := h.host.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		b.Backoff().Clear(p)
	}
}

// isCircuit reports whether a leads over a circuit.
func isCircuit(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}

// circuitsTo returns the relays by which k may be called for punching, if we punch.
func (h *Host) circuitsTo(k Key) []Key {
	if !h.reach.Punches() {
		return nil
	}
	return slices.DeleteFunc(h.book.circuits(k), func(r Key) bool { return r == k || r == h.key })
}

// dials are the dials under way.
type dials struct {
	mu      sync.Mutex
	running map[Key][]*dial
	waiting map[Key]map[chan struct{}]struct{} // Opens that want to know of a connection
}

// dial is one dial of a peer's addresses.
type dial struct {
	version int           // of the book
	done    chan struct{} // closed at the end

	// attempts is set before done is closed; nil means connected.
	attempts []Attempt
}

// join returns the running dial of the book's version, or of any version if
// enough are running, or the one that start began; nil if start did not.
func (d *dials) join(k Key, version int, start func(*dial) bool) *dial {
	d.mu.Lock()
	defer d.mu.Unlock()
	running := d.running[k]
	for _, r := range running {
		if r.version == version {
			return r
		}
	}
	if len(running) >= maxDials {
		return running[len(running)-1]
	}
	n := &dial{version: version, done: make(chan struct{})}
	if !start(n) {
		return nil
	}
	if d.running == nil {
		d.running = make(map[Key][]*dial)
	}
	d.running[k] = append(running, n)
	return n
}

// leave ends a dial.
func (d *dials) leave(k Key, ended *dial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var rest []*dial
	for _, r := range d.running[k] {
		if r != ended {
			rest = append(rest, r)
		}
	}
	if rest == nil {
		delete(d.running, k)
	} else {
		d.running[k] = rest
	}
	close(ended.done)
}

// wait waits until no dial runs. None is begun any more.
func (d *dials) wait() {
	for {
		var last *dial
		d.mu.Lock()
		for _, running := range d.running {
			last = running[0]
		}
		d.mu.Unlock()
		if last == nil {
			return
		}
		<-last.done
	}
}

// watch returns a channel that is closed when k gets connected; forget ends it.
func (d *dials) watch(k Key) (up <-chan struct{}, forget func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = make(map[Key]map[chan struct{}]struct{})
	}
	if d.waiting[k] == nil {
		d.waiting[k] = make(map[chan struct{}]struct{})
	}
	ch := make(chan struct{})
	d.waiting[k][ch] = struct{}{}
	return ch, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting[k], ch)
		if len(d.waiting[k]) == 0 {
			delete(d.waiting, k)
		}
	}
}

// connected wakes those who wait for k.
func (d *dials) connected(k Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ch := range d.waiting[k] {
		close(ch)
	}
	delete(d.waiting, k)
}
