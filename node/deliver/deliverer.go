package deliver

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/deliver/asked"
	"quicnprotochat/node/deliver/homes"
	"quicnprotochat/node/deliver/inbox"
	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/deliver/race"
	"quicnprotochat/node/deliver/refusals"
	"quicnprotochat/node/deliver/sessions"
	"quicnprotochat/node/deliver/strangers"
	"quicnprotochat/node/deliver/tasks"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/budget"
	"quicnprotochat/transport"
	"quicnprotochat/transport/ipspace"
	"quicnprotochat/transport/plain"
)

// Config says what delivers for whom. All fields are required.
type Config struct {
	Store    *store.Store
	Identity *identity.Identity
	Engine   *convo.Engine
	Keys     *keys.Keys
	Profile  *profile.Profile
	// Service is what this node answers on its links.
	Service *rpc.Service
	// Plain dials relays without saying who we are; the zero Dialer but in tests.
	Plain plain.Dialer
	// Twin is told of another home of our identity, once for each endpoint that it
	// has published. Until it returns, nothing is done with the keys in the store.
	Twin func(context.Context, profile.Twin) error
	Log  *slog.Logger
}

// Deliverer moves payloads between this node and others.
type Deliverer struct {
	cfg  Config
	self rpc.Identity
	host *transport.Host

	// started is closed when host and tasks are set.
	started chan struct{}
	tasks   *tasks.Tasks
	// moved has a token when circuits should look at the relays again.
	moved chan struct{}
	// closed is closed when Run has ended or will not come.
	closed chan struct{}
	once   sync.Once // guards closing it

	links     *links.Links
	budget    *budget.Budget // of the memory of all connections
	inbox     *inbox.Inbox
	strangers *strangers.Limits
	people    *people.People
	relays    *homes.Relays
	sessions  *sessions.Sessions
	tries     tries.Book
	sealed    *refusals.Refusals
	races     *race.Races
	sure      sure
	asked     *asked.Machines

	// mu guards the fields below.
	mu       sync.Mutex
	workers  map[rpc.Identity]*worker
	pending  map[rpc.Identity]bool // woken before Run
	receipts map[rpc.Identity]*rate.Limiter
}

// New returns a Deliverer that does nothing until Run.
func New(cfg Config) *Deliverer {
	d := &Deliverer{
		cfg: cfg, self: cfg.Identity.ID(), started: make(chan struct{}), closed: make(chan struct{}), moved: make(chan struct{}, 1),
		workers: make(map[rpc.Identity]*worker), pending: make(map[rpc.Identity]bool),
		receipts: make(map[rpc.Identity]*rate.Limiter),
	}
	goes := func(fn func(context.Context)) bool { return d.tasks.Run(fn) } // only Run makes them
	d.budget = budget.New(0)
	d.links = links.New(links.Config{
		Open: d.open, Before: d.willAsk, Up: d.up, Go: goes,
		Service: cfg.Service, Token: func(k transport.Key) []byte { return d.sessions.Token(k) },
		Budget: d.budget, Log: cfg.Log,
	})
	d.inbox = inbox.New(inbox.Config{Store: cfg.Store, Engine: cfg.Engine, Log: cfg.Log})
	d.strangers = strangers.New()
	d.people = people.New()
	d.relays = homes.New(homes.Config{
		Visit: d.visit, Patience: visitPatience, Changed: func() { signal(d.moved) }, Log: cfg.Log,
	})
	d.sessions = sessions.New()
	d.sealed = refusals.New()
	d.asked = asked.New()
	d.races = race.New(race.Config{
		Links: d.links, Asked: d.asked, AtRelay: d.atRelay, Tries: &d.tries, Stuck: cfg.Engine.Stuck,
		Offline: d.offline, Go: goes, Log: cfg.Log,
	})
	d.sure.ch = make(chan struct{})
	return d
}

// Run delivers over host until ctx ends.
func (d *Deliverer) Run(ctx context.Context, host *transport.Host) error {
	defer d.Close()
	d.host, d.tasks = host, tasks.New(ctx)
	if err := d.load(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	close(d.started)
	d.tasks.Run(d.inbox.Write)
	d.tasks.Run(d.circuits)
	d.relays.Start(d.tasks.Run)
	d.tasks.Run(d.beSure)
	if d.Sure(ctx) == nil {
		d.tasks.Run(d.inbox.Process)
		d.tasks.Run(func(ctx context.Context) {
			if d.CaughtUp(ctx) == nil {
				d.upkeep(ctx)
			}
		})
		d.WakePending(ctx)
		d.greet()
	}
	<-ctx.Done()
	d.withdraw()
	d.links.Close()
	d.tasks.Wait()
	return nil
}

// CaughtUp waits until all is tried that was in the inbox when Run began, or ctx ends. Who
// erases keys by the clock calls it first.
func (d *Deliverer) CaughtUp(ctx context.Context) error { return d.inbox.CaughtUp(ctx) }

// Close lets go those who wait for a Run that does not come. It is idempotent.
func (d *Deliverer) Close() { d.once.Do(func() { close(d.closed) }) }

// ready waits for Run, and reports false if it has ended or will not come.
func (d *Deliverer) ready() bool {
	select {
	case <-d.started:
		return true
	case <-d.closed:
		return false
	}
}

// load learns from the store who may be dialled, and where.
func (d *Deliverer) load(ctx context.Context) error {
	return d.cfg.Store.View(ctx, func(tx *store.Tx) error {
		accounts, err := tx.Accounts()
		if err != nil {
			return err
		}
		for _, a := range accounts {
			d.sessions.Set(a.Relay, a.Session)
		}
		contacts, err := tx.Contacts()
		if err != nil {
			return err
		}
		for _, c := range contacts {
			d.know(c)
			d.knowEndpoint(tx, c.Identity)
		}
		return nil
	})
}

// WakePending starts workers for all who have something in the outbox.
func (d *Deliverer) WakePending(ctx context.Context) {
	var ids []rpc.Identity
	err := d.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		ids, err = tx.Recipients()
		if err != nil {
			return err
		}
		authors, err := tx.AuthorsDue()
		ids = append(ids, authors...)
		return err
	})
	if err != nil {
		d.cfg.Log.Error("read outbox", "err", err)
	}
	waiting, err := d.cfg.Engine.Waiting(ctx)
	if err != nil {
		d.cfg.Log.Error("read conversations", "err", err)
	}
	d.mu.Lock()
	for id := range d.pending {
		ids = append(ids, id)
	}
	d.mu.Unlock()
	for _, id := range append(ids, waiting...) {
		d.wake(id, wakeNews)
	}
}

const (
	// greetMost is how many contacts are dialled at start, and greetSpread the
	// time over which that is spread.
	greetMost   = 32
	greetSpread = 2 * time.Second
)

// greet dials contacts after a start: what they have for us need not wait for
// their next try.
func (d *Deliverer) greet() {
	for i, k := range d.people.Hosts() {
		if i == greetMost {
			return
		}
		d.tasks.Run(func(ctx context.Context) {
			timer := time.NewTimer(rand.N(greetSpread))
			defer timer.Stop()
			select {
			case <-ctx.Done():
			case <-timer.C:
				_, _ = d.links.Get(ctx, k)
			}
		})
	}
}

// upkeep does what is due by the clock alone.
func (d *Deliverer) upkeep(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := d.cfg.Engine.Sweep(ctx); err != nil && ctx.Err() == nil {
			d.cfg.Log.Error("sweep store", "err", err)
		}
		if err := d.cfg.Engine.Index(ctx); err != nil && ctx.Err() == nil {
			d.cfg.Log.Error("index messages", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.links.Rest(d.isKept)
		d.WakePending(ctx)
	}
}

// isKept reports whether a link is kept that nobody uses: to a relay of ours, or, without
// one, to those where we can be called.
func (d *Deliverer) isKept(k transport.Key) bool {
	homes := d.relays.Keys()
	_, contact := d.people.Of(rpc.Identity(k))
	return slices.Contains(homes, k) || len(homes) == 0 && !contact
}

// Outgoing says that something waits for a person.
func (d *Deliverer) Outgoing(to rpc.Identity) { d.wake(to, wakeNew) }

// Receipt says that a receipt is owed to a person.
func (d *Deliverer) Receipt(to rpc.Identity) { d.wake(to, wakeReceipt) }

// ContactChanged says that a contact's card is new.
func (d *Deliverer) ContactChanged(c store.Contact) {
	d.know(c)
	if d.running() {
		d.links.Forgive(transport.Key(c.Identity))
		d.wake(c.Identity, wakeNews)
	}
}

// up says that there is a new link to a machine.
func (d *Deliverer) up(ln *links.Link) {
	d.wake(rpc.Identity(ln.Key), wakeLink)
	d.relays.Seen(ln.Key, ln.Since)
	d.relayUp(ln.Key)
	d.tasks.Run(func(ctx context.Context) { d.askKept(ctx, ln) })
	d.tasks.Run(func(ctx context.Context) { d.askEndpoint(ctx, ln) })
}

// relayUp wakes the workers of those whose relay is reached again.
func (d *Deliverer) relayUp(k transport.Key) {
	for _, id := range d.busy() {
		p, ok := d.people.Of(id)
		if ok && slices.ContainsFunc(p.Relays, func(r transport.RelayURL) bool { return r.Key == k }) {
			d.wake(id, wakeNews)
		}
	}
}

// busy returns the people whose workers run.
func (d *Deliverer) busy() []rpc.Identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.workers))
}

// Joined says that keys of a new epoch are here, or a person is known now: what waited
// may open.
func (d *Deliverer) Joined() { d.inbox.Retry() }

// Present says that what our relays hold of us is to be looked at: one of our key packages
// was used, and the relay that had it gets another; or passes of ours were cancelled, and
// the relays get the endpoint that says so.
func (d *Deliverer) Present() {
	if d.running() {
		d.relays.RefreshAll()
	}
}

// Take commits a payload that another machine brings to the inbox. When it
// returns nil, the payload is durable here, and seq its number.
func (d *Deliverer) Take(ctx context.Context, depositor rpc.Identity, payload []byte) (seq uint64, err error) {
	via := transport.PathNone
	if ln := d.links.Now(transport.Key(depositor)); ln != nil {
		ln.Use(0)
		via = ln.Path
	}
	if _, known := d.people.Of(depositor); !known {
		if err := d.strangers.Admit(depositor, len(payload)); err != nil {
			return 0, err
		}
	}
	return d.inbox.Take(ctx, depositor, string(via), payload)
}

// OnStream answers a stream that another machine opened, until it ends.
func (d *Deliverer) OnStream(s *transport.Stream) {
	if d.ready() {
		d.links.Serve(s)
	}
}

// OnLAN says that a machine was found on the LAN.
func (d *Deliverer) OnLAN(k transport.Key) {
	if !d.ready() {
		return
	}
	d.links.Forgive(k)
	if _, ok := d.people.Of(rpc.Identity(k)); ok {
		if !d.links.Resting(k) {
			d.tasks.Run(func(ctx context.Context) { _, _ = d.links.Get(ctx, k) })
		}
		d.wake(rpc.Identity(k), wakeNews)
	}
}

// AddressKeys returns what opens the addresses that contacts announce on the LAN.
func (d *Deliverer) AddressKeys() map[transport.Key][32]byte { return d.people.AddressKeys() }

// OnWake says that this machine slept.
func (d *Deliverer) OnWake() {
	if d.ready() {
		d.links.ForgiveAll()
		d.links.Suspect()
		d.relays.RefreshAll()
	}
}

// OnAddrs says that our own addresses changed.
func (d *Deliverer) OnAddrs() {
	if !d.ready() {
		return
	}
	d.OnWake()
	for _, id := range d.busy() {
		d.wake(id, wakeNews)
	}
}

// OnPeer says that the first connection to a machine is there, or the last one gone.
func (d *Deliverer) OnPeer(k transport.Key, connected bool) {
	if connected && d.ready() {
		d.links.Forgive(k)
	}
}

// offline reports whether this machine has no network.
func (d *Deliverer) offline() bool { return d.host.Farthest() < ipspace.Local }

func (d *Deliverer) running() bool {
	select {
	case <-d.started:
		return true
	default:
		return false
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
