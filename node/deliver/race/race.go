package race

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/tries"
	"quicnprotochat/transport"
)

// race sends items over two ways at once, and takes the first acknowledgement of
// each.
type race struct {
	*Races
	p     people.Person
	items []Item

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
	failure  tries.Failure
	lost     map[transport.Key]time.Time // when the way to a relay failed
}

// slowTime is after which time a race says why nobody has taken what it carries.
const slowTime = time.Second

// copyTime is how long the person's other relays have to take a copy as well, when
// one has it: who has several loses nothing with one of them.
const copyTime = time.Second

func (r *race) run(ctx context.Context) error {
	ways, cancel := context.WithTimeout(ctx, links.DialTime+links.CallTime)
	straight, stop := context.WithTimeout(ctx, links.DialTime+links.CallTime)
	defer func() {
		cancel()
		r.wg.Wait()
		r.over(straight, stop)
	}()
	r.beginDirect(straight)
	wait := r.cfg.Links.Hedge(r.p.Host)
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
			if ln := r.direct.Load(); ln != nil && r.cfg.Links.Now(r.p.Host) != ln {
				r.direct.Store(nil)
				r.beginDirect(straight)
			}
			r.beginAgain(ways)
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
				r.failure.Machine = e.err
				r.beginRelays(ways, relays)
				relays = nil
			case e.err != nil:
				r.failure.Relays = append(r.failure.Relays, tries.AtRelay{At: e.relay, Err: e.err})
				r.lost[e.relay.Key] = time.Now()
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
	why := "neither their machine nor a relay of theirs has answered yet"
	switch {
	case r.cfg.Offline():
		why = tries.NotOnline
	case len(r.p.Relays) == 0:
		why = "their machine has not answered yet, and they have no relay"
	}
	why = tries.Waiting + why
	if err := r.cfg.Stuck(ctx, r.p.ID, why, r.cfg.Tries.Since(r.p.ID, time.Time{})); err != nil && ctx.Err() == nil {
		r.cfg.Log.Error("note why a message waits", "err", err)
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
	tried := r.cfg.Tries.Since(r.p.ID, it.Since)
	t := tries.Try{Way: tries.Machine, At: a.began, Took: now.Sub(a.began), Path: a.path, OK: true, Result: "took it"}
	if a.direct() {
		r.answered = true
		r.cfg.Tries.Note(r.p.ID, t)
		return it.Direct(ctx, a.path, fmt.Sprintf("their machine took it (%s)", a.path), tries.Add(tried, t))
	}
	if !r.trying.IsZero() {
		tried = tries.Add(tried, tries.Try{Way: tries.Machine, At: r.trying, Took: now.Sub(r.trying), Result: slower})
	}
	t.Way, t.Relay, t.Path, t.Result = tries.Relay, a.relay.Key, "", "keeps it"
	if a.sealed {
		t.Result += fromNobody
	}
	r.cfg.Tries.Note(r.p.ID, t)
	why := "their machine did not answer in time"
	switch {
	case r.failure.Machine != nil:
		why = "their machine: " + tries.Short(r.failure.Machine)
	case r.atOnce:
		why = "their machine has not answered lately"
	}
	why += fmt.Sprintf("; their relay %s %s", a.relay.Place(), t.Result)
	return it.Stored(ctx, a.relay.Key, why, tries.Add(tried, t))
}
