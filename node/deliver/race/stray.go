package race

import (
	"context"
	"time"

	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
)

// strayMost is for how many races with one person the machine's answer is still waited
// for when relays were faster.
const strayMost = 4

// slower is what came of a machine that was waited for until a relay had everything.
const slower = "no answer before a relay took it"

// over ends the ways to the person's machine, with which the race is over. When a relay
// was faster, what is on a connection to the machine already is left to arrive: a relay
// may lie, and a machine that is far away or busy would never get anything if it was
// asked for no longer than a relay takes.
func (r *race) over(straight context.Context, stop func()) {
	if r.open == 0 && r.byRelay && r.direct.Load() != nil && r.mayStray(r.p.ID) {
		if r.cfg.Go(func(context.Context) { r.wait(straight, stop) }) {
			return
		}
		r.strayed(r.p.ID)
	}
	stop()
	r.stray.Wait()
	r.giveUp()
}

// giveUp notes for how long the machine was waited for in vain.
func (r *race) giveUp() {
	if r.answered || r.trying.IsZero() {
		return
	}
	t := tries.Try{Way: tries.Machine, At: r.trying, Took: time.Since(r.trying), Result: "no answer"}
	if r.byRelay {
		t.Result = slower
	}
	r.cfg.Tries.Note(r.p.ID, t)
}

// wait notes what the machine takes after the race.
func (r *race) wait(straight context.Context, stop func()) {
	defer r.strayed(r.p.ID)
	defer r.stray.Wait()
	defer stop()
	defer r.giveUp()
	for r.running > r.atRelays {
		select {
		case a := <-r.acks:
			if err := r.note(straight, a); err != nil && straight.Err() == nil {
				r.cfg.Log.Error("note who has a payload", "err", err)
			}
		case e := <-r.ends:
			r.ended(e)
		case <-straight.Done():
			return
		}
	}
}

// mayStray counts in one more race that waits for a person's machine alone, if there are
// not too many.
func (r *Races) mayStray(id rpc.Identity) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strays[id] >= strayMost {
		return false
	}
	r.strays[id]++
	return true
}

// strayed counts it out.
func (r *Races) strayed(id rpc.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strays[id]--; r.strays[id] <= 0 {
		delete(r.strays, id)
	}
}
