package deliver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/deliver/pulse"
	"quicnprotochat/node/deliver/race"
	"quicnprotochat/node/store"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/ipspace"
)

const (
	// batchMost is how many payloads one race carries.
	batchMost = 64
	// receiptPause is the time between two receipts to one person in the long
	// run; receiptBurst of them may go at once, so that in a conversation at the
	// speed of people each message is receipted when it comes.
	receiptPause = 2 * time.Second
	receiptBurst = 4
	// resendGrace is how long after a link came up receipts have time to arrive
	// before what lacks one is sent again.
	resendGrace = time.Second
	// reencrypt is the age at which what a person's machine took, but never
	// receipted, is encrypted and sent again when the machine is seen.
	reencrypt = time.Minute
	// resendMost is the longest time between two looks at what lacks a receipt
	// while the person's machine is seen.
	resendMost = time.Hour
	// redeposit is the age at which a relay's copy is renewed: before the relays
	// forget it after 7 days.
	redeposit = 5 * 24 * time.Hour

	firstPause = time.Second
	lastPause  = 5 * time.Minute
)

// wakeReason says what a worker is woken for.
type wakeReason uint8

const (
	wakeNew     wakeReason = 1 << iota // something is in the outbox
	wakeReceipt                        // a receipt is owed
	wakeLink                           // a link came up
	wakeNews                           // addresses, a card or our network changed
)

// worker delivers to one person. It ends when nothing is left for it to do.
type worker struct {
	d    *Deliverer
	id   rpc.Identity
	news chan struct{} // capacity 1

	reason wakeReason // guarded by d.mu

	// The rest is of the worker's goroutine alone.
	pause    time.Duration // back-off after a failure
	receipts *rate.Limiter // of the person, outlives the worker
	resend   resend
	call     call
}

// call is the plan to call a person whose machine is not seen while something lacks a
// receipt: a relay that took it may be gone or keep it back. Most often there is nobody
// to answer, so the calls become rare.
type call struct {
	at    time.Time     // when; zero: not planned
	pause time.Duration // until the time after
}

// due reports whether the time has come, and then plans the next.
func (c *call) due() bool {
	if c.at.IsZero() {
		c.pause = reencrypt
	} else if time.Now().Before(c.at) {
		return false
	}
	first := c.at.IsZero()
	c.at = time.Now().Add(c.pause + rand.N(c.pause/2))
	c.pause = min(2*c.pause, resendMost)
	return !first
}

// resend is the plan to send again what lacks a receipt while the person's
// machine is seen: soon after a link came up, and then ever more rarely.
type resend struct {
	on    *links.Link   // what the plan is for
	at    time.Time     // when; zero: not planned
	pause time.Duration // until the time after
	after int64         // up to which row of the outbox it is done this time
}

// due reports whether the time has come.
func (r *resend) due() bool { return !r.at.IsZero() && !time.Now().Before(r.at) }

// done plans the next time, unless more rows than one race carries are left.
func (r *resend) done(more bool) {
	if more {
		return
	}
	r.at, r.pause, r.after = time.Now().Add(r.pause), min(2*r.pause, resendMost), 0
}

// wake tells a person's worker of a reason, starting it if need be.
func (d *Deliverer) wake(id rpc.Identity, reason wakeReason) {
	if id == d.self {
		return
	}
	if !d.running() {
		d.mu.Lock()
		d.pending[id] = true
		d.mu.Unlock()
		return
	}
	if _, ok := d.people.Of(id); !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.workers[id]
	if w == nil {
		w = &worker{d: d, id: id, news: make(chan struct{}, 1), receipts: d.limiter(id)}
		if !d.tasks.Run(w.run) {
			return
		}
		d.workers[id] = w
	}
	w.reason |= reason
	signal(w.news)
}

// limiter returns the limiter of receipts to a person. d.mu is held.
func (d *Deliverer) limiter(id rpc.Identity) *rate.Limiter {
	l := d.receipts[id]
	if l == nil {
		l = rate.NewLimiter(rate.Every(receiptPause), receiptBurst)
		d.receipts[id] = l
	}
	return l
}

// run delivers until there is nothing left to do. It begins once our keys may be used.
func (w *worker) run(ctx context.Context) {
	if w.d.Sure(ctx) != nil {
		return
	}
	for {
		wait, idle := w.pass(ctx)
		if ctx.Err() != nil || idle && w.end() {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-w.news:
		}
		timer.Stop()
	}
}

// end removes the worker unless it was woken meanwhile.
func (w *worker) end() bool {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	if w.reason != 0 {
		return false
	}
	delete(w.d.workers, w.id)
	return true
}

func (w *worker) takeReason() wakeReason {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	r := w.reason
	w.reason = 0
	return r
}

// pass does what can be done now. It returns how long to wait for the next one,
// and idle if nothing is left at all.
func (w *worker) pass(ctx context.Context) (wait time.Duration, idle bool) {
	woken := w.takeReason()
	w.d.tries.Plan(w.id, time.Time{})
	if woken&^wakeReceipt != 0 {
		w.pause = 0
	}
	p, ok := w.d.people.Of(w.id)
	if !ok {
		return 0, true
	}
	if woken&wakeNew != 0 && w.quick(ctx, p) {
		w.pause = 0
	}
	needs, sealErr := w.seal(ctx, p)
	w.planResend(p)
	load, err := w.load(ctx, p, woken)
	if err != nil {
		return w.failed(ctx, fmt.Errorf("read outbox: %w", err)), false
	}
	if len(load.items) > 0 {
		if err := w.d.races.Run(ctx, p, load.items); err != nil {
			return w.failed(ctx, err), false
		}
		w.pause = 0
		return 0, false
	}
	// What needs keys that cannot be had now holds up nothing else.
	if sealErr != nil {
		return w.noKeys(ctx, sealErr), false
	}
	begun, err := w.begin(ctx, p, needs)
	if err != nil {
		return w.noKeys(ctx, err), false
	}
	if begun {
		return 0, false
	}
	if load.waiting == 0 && load.receiptIn == 0 {
		return 0, true
	}
	w.tryCall(p, load)
	return w.nextLook(load), false
}

// tryCall calls a person who is not seen, if it is time. If that succeeds the worker is
// woken and plans to send again.
func (w *worker) tryCall(p people.Person, l load) {
	if l.waiting == 0 || w.d.links.Now(p.Host) != nil {
		w.call = call{}
	} else if w.call.due() {
		w.d.tasks.Run(func(ctx context.Context) { _, _ = w.d.links.Get(ctx, p.Host) })
	}
}

// quick sends what is ready over the connection that is there, before anything else is
// looked after: that is what people wait for. It reports whether all of it is taken.
// What is not is left to the rest of the pass.
func (w *worker) quick(ctx context.Context, p people.Person) bool {
	if w.d.links.Now(p.Host) == nil || w.d.links.Unreachable(p.Host) {
		return false
	}
	var rows []store.Outgoing
	err := w.d.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		first, err := tx.UnsealedFor(w.id, 1)
		if err != nil || len(first) > 0 {
			return err // a Welcome, without which nobody can read the rest
		}
		rows, err = tx.OutgoingFresh(w.id, batchMost)
		return err
	})
	if err != nil || len(rows) == 0 {
		return false
	}
	var items []race.Item
	for _, row := range rows {
		items = append(items, w.outgoing(row))
	}
	return w.d.races.Run(ctx, p, items) == nil
}

// nextLook is the time until something may be due by the clock.
func (w *worker) nextLook(l load) time.Duration {
	next := time.Hour
	if l.receiptIn > 0 {
		next = min(next, l.receiptIn)
	}
	for _, at := range []time.Time{w.resend.at, w.call.at} {
		if !at.IsZero() {
			next = min(next, max(time.Until(at), time.Millisecond))
		}
	}
	return next
}

// noKeys is failed for want of what it takes to write to the person, which is noted.
func (w *worker) noKeys(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil {
		w.d.tries.Note(w.id, tries.Try{Way: tries.Keys, At: time.Now(), Result: tries.Plain(err)})
	}
	return w.failed(ctx, err)
}

// failed notes why nothing went out, and returns the back-off with jitter.
func (w *worker) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	w.d.cfg.Log.Info("delivery waits", "peer", transport.Key(w.id), "err", err)
	if err := w.d.cfg.Engine.Stuck(ctx, w.id, w.why(err), w.d.tries.Since(w.id, time.Time{})); err != nil {
		w.d.cfg.Log.Error("note why a message waits", "err", err)
	}
	w.pause = min(max(2*w.pause, firstPause), lastPause)
	wait := w.pause/2 + rand.N(w.pause/2)
	w.d.tries.Plan(w.id, time.Now().Add(wait))
	return wait
}

// why is what people are told of messages that wait.
func (w *worker) why(err error) string {
	if far := w.d.host.Farthest(); far < ipspace.Local || far == ipspace.Local && tries.Offline(err) {
		return tries.Waiting + tries.NotOnline
	}
	return tries.Waiting + tries.Short(err)
}

// seal gets the person's hybrid key if something waits for it, and seals that. It
// returns what else is needed of the person.
func (w *worker) seal(ctx context.Context, p people.Person) (needs convo.Needs, err error) {
	if needs, err = w.d.cfg.Engine.Needs(ctx, w.id); err != nil {
		return needs, err
	}
	if needs.HybridKey || needs.NewerKey {
		if err := w.learnKey(ctx, p); err != nil && needs.HybridKey {
			return needs, fmt.Errorf("no key to write to them yet: %w", err)
		}
	}
	if !needs.Seal {
		return needs, nil
	}
	return needs, w.d.cfg.Engine.SealWaiting(ctx, w.id)
}

// begin gets a key package if a conversation is to start, or a group wants one. It
// reports whether that led to anything.
func (w *worker) begin(ctx context.Context, p people.Person, needs convo.Needs) (begun bool, err error) {
	if !needs.KeyPackage {
		return false, nil
	}
	err = ask(ctx, w.d, p, func(ctx context.Context, c *rpc.Client) error { return w.start(ctx, c) })
	if err != nil {
		return false, fmt.Errorf("no key to begin a conversation with yet: %w", err)
	}
	return true, nil
}

// learnKey fetches the person's hybrid key.
func (w *worker) learnKey(ctx context.Context, p people.Person) error {
	return ask(ctx, w.d, p, func(ctx context.Context, c *rpc.Client) error {
		blob, err := nonEmpty(c.FetchHybridKey(ctx, w.id))
		if err != nil {
			return err
		}
		return w.d.cfg.Engine.LearnHybridKey(ctx, w.id, blob)
	})
}

// packageTries is how many key packages one place is asked for: all those to be
// used once that a relay gives one caller in an hour, and the one of last resort.
const packageTries = 4

// start begins the conversation with a key package. Those of both suites are in
// one line: it asks on until it has one of the suite that the group is to have.
func (w *worker) start(ctx context.Context, c *rpc.Client) error {
	var err error
	for range packageTries {
		var kp []byte
		if kp, err = nonEmpty(c.FetchKeyPackage(ctx, w.id)); err != nil {
			return err
		}
		if err = w.d.cfg.Engine.Start(ctx, w.id, kp); !errors.Is(err, convo.ErrOtherSuite) {
			return err
		}
	}
	return err
}

var errNone = errors.New("it has none of theirs: their machine was not there yet")

func nonEmpty(b []byte, err error) ([]byte, error) {
	if err == nil && len(b) == 0 {
		err = errNone
	}
	return b, err
}

// planResend begins a new plan when a link came up, and ends it with the link.
func (w *worker) planResend(p people.Person) {
	ln := w.d.links.Now(p.Host)
	switch {
	case ln == w.resend.on:
	case ln == nil:
		w.resend = resend{}
	default:
		w.resend = resend{on: ln, at: ln.Since.Add(resendGrace), pause: reencrypt}
	}
}

// load is what a worker has to send, and what it waits for.
type load struct {
	items []race.Item
	// waiting is how many other rows there are: taken somewhere and without a
	// receipt, or for a later race.
	waiting int
	// receiptIn is when an owed receipt may go; 0 if none is owed.
	receiptIn time.Duration
}

// load collects what is to be sent now.
func (w *worker) load(ctx context.Context, p people.Person, woken wakeReason) (l load, err error) {
	if err := w.addReceipt(ctx, &l); err != nil {
		return l, err
	}
	again := w.resend.due()
	if again && w.d.links.Unreachable(p.Host) {
		w.resend.at, again = time.Now().Add(pulse.DeadAfter), false
	}
	if again || woken&wakeNews != 0 {
		ages := convo.RenewAges{Taken: reencrypt, Stored: redeposit, Seen: again}
		if err := w.d.cfg.Engine.Renew(ctx, w.id, ages); err != nil {
			return l, err
		}
	}
	var rows []store.Outgoing
	var all int
	err = w.d.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		if rows, err = tx.OutgoingFresh(w.id, batchMost); err != nil {
			return err
		}
		if room := batchMost - len(rows); again && room > 0 {
			stored, err := tx.OutgoingStored(w.id, w.resend.after, room)
			if err != nil {
				return err
			}
			if len(stored) > 0 {
				w.resend.after = stored[len(stored)-1].ID
			}
			rows = append(rows, stored...)
		}
		all, err = tx.CountOutgoingFor(w.id)
		return err
	})
	if err != nil {
		return l, err
	}
	if again {
		w.resend.done(len(rows) == batchMost)
	}
	for _, row := range rows {
		l.items = append(l.items, w.outgoing(row))
	}
	l.waiting = all - len(rows)
	return l, nil
}

// addReceipt adds the receipt that is owed, if its time has come.
func (w *worker) addReceipt(ctx context.Context, l *load) error {
	receipt, err := w.d.cfg.Engine.Receipt(ctx, w.id)
	if err != nil || receipt == nil {
		return err
	}
	if place := w.receipts.Reserve(); place.Delay() > 0 {
		l.receiptIn = place.Delay()
		place.Cancel()
		return nil
	}
	done := func(ctx context.Context) error { return w.d.cfg.Engine.Receipted(ctx, receipt) }
	l.items = append(l.items, race.Item{
		Payload: receipt.Payload,
		Direct:  func(ctx context.Context, _ transport.Path, _ string, _ []tries.Try) error { return done(ctx) },
		Stored:  func(ctx context.Context, _ transport.Key, _ string, _ []tries.Try) error { return done(ctx) },
	})
	return nil
}

// outgoing is a row of the outbox as an item of a race.
func (w *worker) outgoing(row store.Outgoing) race.Item {
	return race.Item{
		Payload: row.Payload, Since: row.Created,
		Shared: (row.Kind == store.KindMessage || row.Kind == store.KindCommit) && row.Conversation != pair.ID(w.d.self, w.id),
		Direct: func(ctx context.Context, path transport.Path, why string, tried []tries.Try) error {
			return w.d.cfg.Engine.Direct(ctx, row, path, why, tried)
		},
		Stored: func(ctx context.Context, relay transport.Key, why string, tried []tries.Try) error {
			return w.d.cfg.Engine.Stored(ctx, row, relay, why, tried)
		},
	}
}
