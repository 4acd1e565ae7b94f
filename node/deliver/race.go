package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// item is a payload and what to note when somebody has taken it: who, and what was
// tried since it is there.
type item struct {
	payload []byte
	shared  bool // it is for other people, too
	since   time.Time
	direct  func(ctx context.Context, path transport.Path, why string, tried []tries.Try) error
	stored  func(ctx context.Context, relay transport.Key, why string, tried []tries.Try) error
}

// undelivered says why nobody took a payload, one reason for each way tried.
type undelivered struct {
	direct error
	relays []error
}

func (u *undelivered) Error() string {
	parts := []string{"their machine does not answer"}
	if u.direct != nil {
		parts = []string{"their machine: " + tries.Plain(u.direct)}
	}
	for _, err := range u.relays {
		parts = append(parts, tries.Plain(err))
	}
	if len(u.relays) == 0 {
		parts = append(parts, "they have no relay")
	}
	return strings.Join(parts, "; ")
}

// race sends items over two ways at once, and takes the first acknowledgement of
// each.
type race struct {
	d     *Deliverer
	p     people.Person
	items []item

	acks  chan ack
	ends  chan end
	wg    sync.WaitGroup // of the ways to relays
	stray sync.WaitGroup // of those to the machine, which may outlive the race

	// The rest is of the goroutine that runs the race.
	taken    []bool
	open     int // items that nobody has taken yet
	direct   atomic.Pointer[links.Link]
	trying   time.Time // since when the direct way runs; zero: it does not
	running  int       // ways that have not ended
	atRelays int       // those of them that lead to relays
	byRelay  bool
	atOnce   bool // the relays were not made to wait
	answered bool // the machine took something
	failure  undelivered
}

// slowTime is after which time a race says why nobody has taken what it carries.
const slowTime = time.Second

// copyTime is how long the person's other relays have to take a copy as well, when
// one has it: who has several loses nothing with one of them.
const copyTime = time.Second

// way is one of the places that items are brought to.
type way struct {
	relay transport.Key // zero: the person's own machine
	began time.Time
}

func (w way) direct() bool { return w.relay.IsZero() }

// ack says that somebody has taken an item, and how the machine was connected, or
// that the relay was not told who sends it.
type ack struct {
	way
	item   int
	path   transport.Path
	sealed bool
}

// end says that one way has no more to bring.
type end struct {
	way
	err error
}

// race returns nil when each item has been taken by somebody, and an
// *undelivered when no way is left for one.
func (w *worker) race(ctx context.Context, p people.Person, items []item) error {
	r := &race{
		d: w.d, p: p, items: items, acks: make(chan ack), ends: make(chan end),
		taken: make([]bool, len(items)), open: len(items),
	}
	return r.run(ctx)
}

func (r *race) run(ctx context.Context) error {
	ways, cancel := context.WithTimeout(ctx, links.DialTime+callTime)
	straight, stop := context.WithTimeout(ctx, links.DialTime+callTime)
	defer func() {
		cancel()
		r.wg.Wait()
		r.over(straight, stop)
	}()
	r.beginDirect(straight)
	wait := r.d.links.Hedge(r.p.Host)
	r.atOnce = wait == 0
	hedge := time.NewTimer(wait)
	defer hedge.Stop()
	look := time.NewTicker(links.Hedge)
	defer look.Stop()
	slow := time.NewTimer(slowTime)
	defer slow.Stop()
	relays := r.p.Relays
	for r.open > 0 {
		select {
		case <-look.C:
			// A link that came up while another says nothing is the better one.
			if ln := r.direct.Load(); ln != nil && r.d.links.Now(r.p.Host) != ln {
				r.direct.Store(nil)
				r.beginDirect(straight)
			}
		case <-hedge.C:
			if ln := r.direct.Load(); ln != nil && !slices.Contains(r.taken, true) {
				ln.Doubt()
			}
			r.beginRelays(ways, relays)
			relays = nil
		case <-slow.C:
			r.slow(ctx)
		case a := <-r.acks:
			if err := r.take(ctx, a); err != nil {
				return err
			}
		case e := <-r.ends:
			r.ended(e)
			switch {
			case e.direct():
				r.failure.direct = e.err
				r.beginRelays(ways, relays)
				relays = nil
			case e.err != nil:
				r.failure.relays = append(r.failure.relays, fmt.Errorf("relay %s: %w", e.relay, e.err))
			}
			if r.running == 0 && r.open > 0 {
				return &r.failure
			}
		case <-ways.Done():
			return &r.failure
		}
	}
	return r.linger(ctx)
}

// slow says of what nobody has taken yet why it waits: a race can last long.
func (r *race) slow(ctx context.Context) {
	why := "waiting: their machine has not answered yet, and they have no relay"
	if len(r.p.Relays) > 0 {
		why = "waiting: neither their machine nor a relay of theirs has answered yet"
	}
	if err := r.d.cfg.Engine.Stuck(ctx, r.p.ID, why, r.d.tries.Since(r.p.ID, time.Time{})); err != nil && ctx.Err() == nil {
		r.d.cfg.Log.Error("note why a message waits", "err", err)
	}
}

// linger waits for the copies at other relays, if it was a relay that took what
// was taken.
func (r *race) linger(ctx context.Context) error {
	over := time.NewTimer(copyTime)
	defer over.Stop()
	for r.byRelay && r.atRelays > 0 {
		select {
		case a := <-r.acks:
			if err := r.take(ctx, a); err != nil {
				return err
			}
		case e := <-r.ends:
			r.ended(e)
		case <-over.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// take notes an acknowledgement. One that comes second is noted too: the
// person's own machine is better than a relay.
func (r *race) take(ctx context.Context, a ack) error {
	if !r.taken[a.item] {
		r.taken[a.item] = true
		r.open--
		r.byRelay = r.byRelay || !a.direct()
	}
	return r.note(ctx, a)
}

// note tells who has taken an item, and what was tried for it.
func (r *race) note(ctx context.Context, a ack) error {
	it, now := r.items[a.item], time.Now()
	tried := r.d.tries.Since(r.p.ID, it.since)
	t := tries.Try{Way: tries.Machine, At: a.began, Took: now.Sub(a.began), Path: a.path, OK: true, Result: "took it"}
	if a.direct() {
		r.answered = true
		r.d.tries.Note(r.p.ID, t)
		return it.direct(ctx, a.path, fmt.Sprintf("their machine took it (%s)", a.path), tries.Add(tried, t))
	}
	if !r.trying.IsZero() {
		tried = tries.Add(tried, tries.Try{Way: tries.Machine, At: r.trying, Took: now.Sub(r.trying), Result: tries.NoAnswer})
	}
	t.Way, t.Relay, t.Path, t.Result = tries.Relay, a.relay, "", "keeps it"
	if a.sealed {
		t.Result += fromNobody
	}
	r.d.tries.Note(r.p.ID, t)
	why := "their machine did not answer in time, their relay " + t.Result
	switch {
	case r.failure.direct != nil:
		why = fmt.Sprintf("their machine: %s; their relay %s", tries.Plain(r.failure.direct), t.Result)
	case r.atOnce:
		why = "their machine has not answered lately, their relay " + t.Result
	}
	return it.stored(ctx, a.relay, why, tries.Add(tried, t))
}

func (r *race) begin(ctx context.Context, w way, run func(ctx context.Context, w way) error) {
	r.running++
	t := tries.Try{Way: tries.Machine, At: w.began, Result: tries.NoAnswer}
	wg := &r.stray
	if !w.direct() {
		r.atRelays++
		t.Way, t.Relay = tries.Relay, w.relay
		wg = &r.wg
	}
	r.d.tries.Note(r.p.ID, t)
	wg.Go(func() {
		err := run(ctx, w)
		select {
		case r.ends <- end{w, err}:
		case <-ctx.Done():
		}
	})
}

func (r *race) ended(e end) {
	r.running--
	t := tries.Try{Way: tries.Machine, At: e.began, Took: time.Since(e.began)}
	switch {
	case !e.direct():
		r.atRelays--
		t.Way, t.Relay = tries.Relay, e.relay
	case e.began.Equal(r.trying):
		r.trying = time.Time{}
	}
	if e.err != nil {
		t.Result = tries.Plain(e.err)
		r.d.tries.Note(r.p.ID, t)
	}
}

func (r *race) beginDirect(ctx context.Context) {
	r.trying = time.Now()
	r.begin(ctx, way{began: r.trying}, r.goDirect)
}

func (r *race) beginRelays(ctx context.Context, relays []transport.RelayURL) {
	for _, url := range relays {
		r.begin(ctx, way{url.Key, time.Now()}, func(ctx context.Context, w way) error { return r.goRelay(ctx, w, url) })
	}
}

// goDirect hands the items to the person's own machine.
func (r *race) goDirect(ctx context.Context, w way) error {
	ln, err := r.d.links.Get(ctx, r.p.Host)
	if err != nil {
		return err
	}
	if err := r.d.asked.Wait(ctx, ln.Key); err != nil {
		return err
	}
	r.direct.Store(ln)
	err = r.send(ctx, ln.Wire, ack{way: w, path: ln.Path})
	if errors.Is(err, rpc.ErrDisconnected) {
		ln.Drop()
	}
	return err
}

// fromNobody is what is said of a relay behind what it did.
const fromNobody = " and was not told from whom it is"

// goRelay leaves the items at one relay, again if its connection is made anew meanwhile.
func (r *race) goRelay(ctx context.Context, w way, u transport.RelayURL) error {
	bring := func(ctx context.Context, at *links.Wire, sealed bool) error {
		return r.send(ctx, at, ack{way: w, sealed: sealed})
	}
	ln := r.d.links.Now(u.Key)
	err := r.d.atRelay(ctx, r.p, u, bring)
	if err != nil && ln != nil && ln.Worn() {
		err = r.d.atRelay(ctx, r.p, u, bring)
	}
	return err
}

// send enqueues all items over a wire, many at once but begun in order, and tells
// of each by a copy of a.
func (r *race) send(ctx context.Context, at *links.Wire, a ack) error {
	errs := make([]error, len(r.items))
	var wg sync.WaitGroup
	for i, it := range r.items {
		at.Use(len(it.payload))
		answer := r.enqueue(ctx, at.Client(), a, it)
		wg.Go(func() {
			errs[i] = answer()
			at.Use(-len(it.payload))
			if errs[i] != nil {
				return
			}
			at.Answered()
			a := a
			a.item = i
			select {
			case r.acks <- a:
			case <-ctx.Done():
				errs[i] = ctx.Err()
			}
		})
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// enqueue begins to bring one item. What is for others as well goes to a relay that
// knows us with theirs.
func (r *race) enqueue(ctx context.Context, c *rpc.Client, a ack, it item) (answer func() error) {
	if it.shared && !a.direct() && !a.sealed {
		return func() error { return r.d.desk.Leave(ctx, a.relay, c, r.p.ID, it.payload) }
	}
	wait := c.StartEnqueue(ctx, r.p.ID, rpc.Channel{}, it.payload)
	return func() error {
		_, err := wait()
		return err
	}
}
