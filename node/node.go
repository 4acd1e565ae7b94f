package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"quicnprotochat/node/accounts"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/deliver"
	"quicnprotochat/node/front"
	"quicnprotochat/node/front/network"
	"quicnprotochat/node/group"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/nearby"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/recent"
	"quicnprotochat/node/serve"
	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
	"quicnprotochat/node/trust"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/plain"
)

// Config says what node to run. Dir is required.
type Config struct {
	// Dir holds the store.
	Dir string
	// Password opens a home that is locked with a state password, and locks one that
	// is new; empty means that there is none. New wipes it.
	Password []byte
	// Socket is the path of the local API; empty means that none is served.
	Socket string
	// Name is what this person is called; it is taken when the store has none.
	// Empty means a name made of the identity.
	Name string
	// Listen are multiaddrs; empty means any address, on the port used last.
	Listen []string
	// Relays are URLs of home relays to add and remember.
	Relays []string
	// LAN is "on", "contacts" or "off", remembered; empty means as remembered, else
	// on. With "contacts" only they can read what this node announces.
	LAN string
	// PortMap is "on" or "off", remembered; empty means as remembered, else on unless
	// LAN is "off".
	PortMap string
	// OnReady is called once, when the local API answers.
	OnReady func(Ready)
	// Options are for the host: tests put a simulated network there.
	Options []transport.Option
	// Plain is for tests as well: it dials relays on that network without libp2p.
	Plain plain.Dialer
	// Fault is for tests: it can fail the commits of the store, see store.Config.
	Fault func(step string) error
	// Now is for tests as well: the clock of the home, see store.Config.
	Now func() time.Time
	// Log is where the node logs; nil means nowhere.
	Log *slog.Logger
}

// Ready says who the node is and where it listens.
type Ready struct {
	Identity string
	Name     string
	Addrs    []string
}

// Node is one person's node.
type Node struct {
	cfg       Config
	log       *slog.Logger
	stop      chan struct{} // has a token when Run is to end
	fatal     chan error    // has what Run is to end with
	store     *store.Store
	identity  *identity.Identity
	profile   *profile.Profile
	engine    *convo.Engine
	groups    *group.Groups
	deliverer *deliver.Deliverer
	host      *transport.Host
	api       *localapi.Server
	lan       string
	nearby    *nearby.Names // nil unless lan is on
	portMap   bool

	// Tail is the end of the log.
	recent.Tail
	// Front answers what front ends ask, here and through the local API.
	*front.Front
}

// New opens the store and begins to listen. Errors are *localapi.Error where the
// user can do something about them.
func New(ctx context.Context, cfg Config) (*Node, error) {
	n := &Node{cfg: cfg, log: cfg.Log, stop: make(chan struct{}, 1), fatal: make(chan error, 1)}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.log = slog.New(recent.Handler(&n.Tail, n.log.Handler()))
	n.cfg.Password = nil
	defer clear(cfg.Password)
	settings, err := parseSettings(cfg)
	if err != nil {
		return nil, err
	}
	if n.store, err = store.Open(store.Config{Dir: cfg.Dir, Password: cfg.Password, Later: store.Large(), Log: n.log, Now: cfg.Now, Fault: cfg.Fault}); err != nil {
		return nil, storeError(cfg.Dir, err)
	}
	if err := n.assemble(ctx, settings); err != nil {
		return nil, errors.Join(n.words(err), n.Close())
	}
	return n, nil
}

// assemble makes the parts on top of the open store.
func (n *Node) assemble(ctx context.Context, s settings) (err error) {
	if n.identity, err = loadIdentity(ctx, n.store); err != nil {
		return err
	}
	if n.profile, err = profile.New(ctx, profile.Config{Store: n.store, Identity: n.identity, Name: n.cfg.Name}); err != nil {
		return err
	}
	stock := keys.New(keys.Config{Store: n.store, Identity: n.identity})
	n.engine = convo.New(convo.Config{
		Store: n.store, Identity: n.identity, Keys: stock, Profile: n.profile, Notify: notifier{n}, Log: n.log,
	})
	n.groups = group.New(group.Config{
		Store: n.store, Identity: n.identity, Profile: n.profile, Engine: n.engine, Log: n.log,
	})
	service := new(rpc.Service) // filled below: it and the deliverer need each other
	n.deliverer = deliver.New(deliver.Config{
		Store: n.store, Identity: n.identity, Engine: n.engine, Keys: stock, Profile: n.profile, Service: service,
		Plain: n.cfg.Plain, Twin: n.twin, Log: n.log,
	})
	*service = *serve.New(serve.Config{
		Self: n.identity.ID(), Inbox: n.deliverer, Peers: n.deliverer, Keys: stock, Profile: n.profile, Now: n.store.Now,
	})
	relays, changed, err := n.remember(ctx, s)
	if err != nil {
		return err
	}
	if n.lan == switchOn {
		n.nearby = nearby.New(nearby.Config{Ask: n.deliverer.NameOf, Learnt: func(k transport.Key, name string) { n.Met(k, name) }, Log: n.log})
	}
	if err := n.listen(ctx, s); err != nil {
		return err
	}
	n.profile.Attach(n.host)
	for _, url := range relays {
		n.deliverer.AddRelay(url)
	}
	if changed {
		if err := n.engine.Announce(ctx); err != nil {
			return err
		}
	}
	n.Front = front.New(front.Config{
		Store: n.store, Identity: n.identity, Profile: n.profile, Engine: n.engine, Groups: n.groups, Deliverer: n.deliverer,
		Trust:    trust.New(trust.Config{Engine: n.engine}),
		Accounts: accounts.New(accounts.Config{Store: n.store, Self: n.identity.ID(), Relays: n.deliverer}),
		Host:     n.host, LAN: n.lan, Nearby: n.nearby, Log: n.log,
	})
	if n.cfg.Socket == "" {
		return nil
	}
	n.api, err = localapi.New(localapi.Config{
		Socket: n.cfg.Socket, Self: n, Contacts: n, Messages: n, Conversations: n, Trust: n, Groups: n, Relays: n, Reasons: n, Accounts: n, AccountMaker: n, AccountOwner: n, Copies: n,
		Events: n.Events(), Log: n.log, Ready: n.ready, Stop: n.askToStop, Words: n.words,
	})
	return err
}

// listen starts the host on the addresses asked for, else on the port used last,
// else on any.
func (n *Node) listen(ctx context.Context, s settings) error {
	d := n.deliverer
	cfg := transport.Config{
		PrivateKey: n.identity.HostKey(), Listen: s.listen, LAN: n.lan != switchOff, LANKeys: d.AddressKeys, Log: n.log, Options: n.cfg.Options,
		OnStream: d.OnStream, OnLAN: n.onLAN, OnAddrs: d.OnAddrs, OnPeer: d.OnPeer, OnWake: d.OnWake,
		PortMap: n.portMap, MayPunch: d.MayPunch,
	}
	if n.lan == lanContacts {
		cfg.LANKey = func() ([32]byte, error) { return n.profile.AddressKey(context.Background()) }
	}
	remembered := len(cfg.Listen) == 0
	if remembered {
		port, err := n.lastPort(ctx)
		if err != nil {
			return err
		}
		if cfg.Listen, err = anyAddrs(port); err != nil {
			return err
		}
	}
	host, err := transport.New(cfg)
	if errors.Is(err, transport.ErrListen) && remembered {
		n.log.Warn("the port used last is taken, another one is chosen", "err", err)
		if cfg.Listen, err = anyAddrs(0); err != nil {
			return err
		}
		host, err = transport.New(cfg)
	}
	if err != nil {
		return listenError(err)
	}
	n.host = host
	return n.rememberPort(ctx, host.ListenPort())
}

// onLAN says that a machine was found on the LAN.
func (n *Node) onLAN(k transport.Key) {
	n.deliverer.OnLAN(k)
	if n.nearby != nil {
		n.nearby.Heard(k)
	}
}

// Run serves until ctx ends, then says good-bye to the relays and closes
// everything. It returns nil when it was told to stop.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.store.Check(ctx) })
	parts.Go(func() error { return n.deliverer.Run(ctx, n.host) })
	parts.Go(func() error {
		if n.deliverer.CaughtUp(ctx) != nil {
			return nil
		}
		return n.groups.Run(ctx)
	})
	parts.Go(func() error { return n.engine.Run(ctx) })
	parts.Go(func() error { return n.WatchClaims(ctx) })
	if n.nearby != nil {
		parts.Go(func() error { return n.nearby.Run(ctx) })
	}
	parts.Go(func() error {
		select {
		case err := <-n.fatal:
			return err
		case <-n.stop:
			cancel()
		case <-ctx.Done():
		}
		return nil
	})
	if n.api != nil {
		parts.Go(func() error { return n.api.Run(ctx) })
	} else {
		n.ready()
	}
	err := parts.Wait()
	return errors.Join(n.words(err), n.Close())
}

// askToStop ends Run as the end of its context would.
func (n *Node) askToStop() {
	select {
	case n.stop <- struct{}{}:
	default:
	}
}

func (n *Node) ready() {
	if n.cfg.OnReady != nil {
		n.cfg.OnReady(Ready{
			Identity: n.host.Key().String(),
			Name:     n.profile.Name(),
			Addrs:    network.Addrs(n.host),
		})
	}
}

// InUse reports whether the node of a home runs, in whatever process.
func InUse(dir string) bool { return home.InUse(dir) }

// Close ends a node that is not running. It is idempotent.
func (n *Node) Close() error {
	var err error
	if n.host != nil {
		n.deliverer.Close()
		err = n.host.Close()
	}
	return errors.Join(err, n.store.Close())
}

const metaIdentity = "identity"

// loadIdentity reads the node's key, or makes it on first start.
func loadIdentity(ctx context.Context, s *store.Store) (id *identity.Identity, err error) {
	err = s.Update(ctx, func(tx *store.Tx) error {
		seed, err := tx.Meta(metaIdentity)
		if err != nil {
			return err
		}
		if seed != nil {
			id, err = identity.FromSeed(seed)
			return err
		}
		if id, err = identity.Generate(); err != nil {
			return err
		}
		return tx.SetMeta(metaIdentity, id.Seed())
	})
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return id, nil
}

// notifier hands what the engine changed to delivery and to the front ends.
type notifier struct{ n *Node }

// Event tells the front ends.
func (t notifier) Event(e news.Event) { t.n.Happened(e) }

// Outgoing tells delivery.
func (t notifier) Outgoing(to rpc.Identity) { t.n.deliverer.Outgoing(to) }

// Receipt tells delivery.
func (t notifier) Receipt(to rpc.Identity) { t.n.deliverer.Receipt(to) }

// ContactChanged tells delivery.
func (t notifier) ContactChanged(c store.Contact) { t.n.deliverer.ContactChanged(c) }

// KeyPackageUsed tells delivery.
func (t notifier) KeyPackageUsed() { t.n.deliverer.Present() }

// Revoked tells delivery.
func (t notifier) Revoked() { t.n.deliverer.Present() }

// Joined tells delivery.
func (t notifier) Joined() { t.n.deliverer.Joined() }
