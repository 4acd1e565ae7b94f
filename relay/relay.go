package relay

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
	"quicnprotochat/rpc/budget"
	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

const (
	// drainPatience is how long calls may take to end at shutdown.
	drainPatience = 2 * time.Second
	// answerPatience is how long the last answers have to leave.
	answerPatience = 100 * time.Millisecond
	// sweepPause lets others write between two slices of a sweep.
	sweepPause = 20 * time.Millisecond
	// fullPause is how long after a sweep of a full disk the next one looks
	// whether there is room again.
	fullPause = 10 * time.Second
)

// Relay is one relay: a key, a store, a port.
type Relay struct {
	cfg     Config
	store   *store.Store
	service *service
	offered *rpc.Service
	budget  *budget.Budget
	host    *transport.Host
	url     transport.RelayURL

	// mu guards the fields below.
	mu     sync.Mutex
	conns  map[*rpc.Conn]bool
	closed bool
}

// New opens the home and the store, and listens. The errors are ErrConfig,
// ErrKind, ErrInUse, ErrDamaged, ErrNewer, ErrListen, and others. Either Run or
// Close must follow.
func New(cfg Config) (*Relay, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	h, err := openHome(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("new relay: %w", err)
	}
	key, err := h.key()
	if err != nil {
		return nil, fmt.Errorf("new relay: %w", err)
	}
	w := newWaiters()
	s, err := store.Open(cfg.storeConfig(h.path(StoreFile), w))
	if err != nil {
		return nil, fmt.Errorf("new relay: %w", err)
	}
	opaque, err := opaqueServer(s)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("new relay: %w", err), s.Close())
	}
	r := &Relay{cfg: cfg, store: s, service: newService(cfg, s, w, rpc.Identity(key.Public().(ed25519.PublicKey)), opaque), budget: budget.New(0), conns: make(map[*rpc.Conn]bool)}
	r.offered = r.service.rpc()
	if err := r.listen(h, key); err != nil {
		return nil, errors.Join(fmt.Errorf("new relay: %w", err), s.Close())
	}
	return r, nil
}

// opaqueServer returns the server of the keys in the store, made when it is new.
func opaqueServer(s *store.Store) (*account.Server, error) {
	keys, err := s.Secret("opaque", account.NewServerKeys)
	if err != nil {
		return nil, fmt.Errorf("keys of accounts: %w", err)
	}
	server, err := account.NewServer(keys)
	if errors.Is(err, account.ErrMalformed) {
		return nil, fmt.Errorf("%w: keys of accounts", ErrDamaged)
	}
	return server, err
}

// listen makes the host. Streams may come at once; what they write waits for Run.
func (r *Relay) listen(h home, key ed25519.PrivateKey) error {
	listen, err := h.listen(r.cfg.Listen)
	if err != nil {
		return err
	}
	cfg := r.cfg.host()
	cfg.PrivateKey, cfg.Listen, cfg.MayReserve = key, listen, r.mayReserve
	cfg.OnStream = func(s *transport.Stream) {
		r.serve(s, rpc.Peer{Identity: rpc.Identity(s.Key()), Proven: true, Remote: s.RemoteHost()}, r.cfg.Log.With("peer", s.Key()))
	}
	cfg.OnPlain = func(s *plain.Stream) {
		r.serve(s, rpc.Peer{Remote: s.RemoteHost()}, r.cfg.Log)
	}
	host, err := transport.New(cfg)
	if err != nil {
		return err
	}
	port := host.ListenPort()
	r.url, err = transport.NewRelayURL(host.Key(), transport.AnnounceHost(r.cfg.Announce, r.cfg.Listen), port)
	if err == nil {
		err = h.remember(listen, port)
	}
	if err != nil {
		return errors.Join(err, host.Close())
	}
	r.host = host
	return nil
}

// mayReserve says who may be called over circuits: who may own a mailbox.
func (r *Relay) mayReserve(k transport.Key) bool {
	id := rpc.Identity(k)
	switch {
	case r.store.Banned(id):
		return false
	case r.cfg.Access == AccessOpen:
		return true
	}
	_, found, err := r.store.AccountOf(context.Background(), id)
	return found && err == nil
}

// URL is the address to give to people.
func (r *Relay) URL() transport.RelayURL { return r.url }

// Addrs are the multiaddrs at which the relay can be dialled, with its key.
func (r *Relay) Addrs() []string {
	var out []string
	for _, a := range r.host.Addrs() {
		out = append(out, a.WithKey(r.host.Key()))
	}
	return out
}

// QUICAddrs are the addresses of plain QUIC, each HOST:PORT.
func (r *Relay) QUICAddrs() []string {
	var out []string
	for _, a := range r.host.PlainAddrs() {
		out = append(out, net.JoinHostPort(a.Host(), strconv.Itoa(int(a.Port()))))
	}
	return out
}

// Certificate is the SHA-256, in hex, of the certificate that callers over plain
// QUIC are shown. It is always the same for the key of the relay.
func (r *Relay) Certificate() string {
	fingerprint, _ := r.host.Certificate()
	return hex.EncodeToString(fingerprint[:])
}

// Operator is what the host of this relay does about its users while it runs.
func (r *Relay) Operator() accounts.Operator {
	return accounts.Operator{Storage: r.store, Now: r.cfg.Now}
}

// Run serves until ctx ends, or the store fails, which is an error. Then it
// answers the calls that are under way, takes no more, and closes everything,
// within three seconds. It is called once.
func (r *Relay) Run(ctx context.Context) error {
	writer, stopWriter := context.WithCancel(context.Background())
	defer stopWriter()
	sweeper, stopSweeper := context.WithCancel(ctx)
	defer stopSweeper()
	var wg sync.WaitGroup
	var storeErr error
	failed := make(chan struct{})
	wg.Go(func() {
		defer close(failed)
		storeErr = r.store.Run(writer)
	})
	wg.Go(func() { r.sweep(sweeper) })
	wg.Go(func() { r.service.watchClock(sweeper) })
	select {
	case <-ctx.Done():
		r.service.stop(drainPatience)
		time.Sleep(answerPatience)
	case <-failed:
	}
	stopSweeper()
	netErr := r.closeNetwork()
	stopWriter()
	wg.Wait()
	return errors.Join(storeErr, netErr, r.store.Close())
}

// Close closes a relay that is not run.
func (r *Relay) Close() error {
	return errors.Join(r.closeNetwork(), r.store.Close())
}

// serve answers the calls of one stream until it ends. Over plain QUIC the peer has
// proved nothing: its calls have a session token, a deposit pass, or neither.
func (r *Relay) serve(s io.ReadWriteCloser, peer rpc.Peer, log *slog.Logger) {
	conn := rpc.NewConn(s, rpc.ConnConfig{Service: r.offered, Peer: peer, Budget: r.budget, OnCall: r.cfg.OnCall, Log: log})
	if !r.track(conn) {
		_ = conn.Close()
		return
	}
	<-conn.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

// track notes a connection, unless the relay is closing.
func (r *Relay) track(conn *rpc.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.conns[conn] = true
	return true
}

func (r *Relay) closeNetwork() error {
	r.mu.Lock()
	r.closed = true
	conns := make([]*rpc.Conn, 0, len(r.conns))
	for c := range r.conns {
		conns = append(conns, c)
	}
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() { _ = c.Close() })
	}
	err := r.host.Close() // also unblocks who does not read
	wg.Wait()
	return err
}

// sweep removes what has expired, from time to time, on the disk and in memory.
func (r *Relay) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		done, err := r.store.Sweep(ctx)
		pause := sweepPause
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("sweep", "err", err)
		}
		if done || err != nil {
			r.service.forget()
			pause = r.cfg.SweepEvery
			if r.store.Full() {
				pause = min(pause, fullPause)
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
