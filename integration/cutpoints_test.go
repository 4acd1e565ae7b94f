package integration

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/store"
)

const (
	before = store.FaultBeforeCommit
	after  = store.FaultAfterCommit
)

// cutPoint is where one thing is done and the next is not.
type cutPoint struct {
	name string
	act  int // in which it is armed
	arm  func(p *play, step string)
}

// alicesPoint is a commit that a function of alice's node asks for.
func alicesPoint(name string, act int, function string) cutPoint {
	return cutPoint{name, act, func(p *play, step string) { p.a.cut.in(function, step) }}
}

// bobsPoint is a commit that a function of bob's node asks for.
func bobsPoint(name string, act int, function string) cutPoint {
	return cutPoint{name, act, func(p *play, step string) { p.b.cut.in(function, step) }}
}

// relayKeeps is the first commit of the relay when a message is sent.
func relayKeeps(p *play, step string) {
	p.relay.cut.arm(func(_ int, s string) bool { return s == step })
}

// relayDeletes is the first commit of the relay after bob's that took the
// message. Bob opens it later, so that his receipt is not in that commit.
func relayDeletes(p *play, step string) {
	var taken, opened sync.Once
	p.b.cut.arm(func(_ int, s string) bool {
		switch {
		case s == after && called("inbox.(*Inbox).commit"):
			taken.Do(func() { relayKeeps(p, step) })
		case s == before && called("convo.(*Engine).Receive"):
			opened.Do(func() { time.Sleep(time.Second) })
		}
		return false
	})
}

var cutPoints = []cutPoint{
	alicesPoint("contact is added", actBegin, "known.(*People).AddContact"),
	alicesPoint("group is made", actBegin, "convo.(*Engine).Start"),
	alicesPoint("welcome is sealed", actBegin, "convo.(*Engine).SealWaiting"),
	bobsPoint("key package is handed out", actBegin, "keys.(*Keys).Take"),
	alicesPoint("message is written", actDirect, "convo.(*Engine).Send"),
	bobsPoint("message is taken", actDirect, "inbox.(*Inbox).commit"),
	alicesPoint("acknowledgement is noted", actDirect, "convo.(*Engine).Direct"),
	bobsPoint("message is opened", actDirect, "convo.(*Engine).Receive"),
	alicesPoint("receipt is taken", actDirect, "inbox.(*Inbox).commit"),
	bobsPoint("receipt is due no more", actDirect, "convo.(*Engine).Receipted"),
	alicesPoint("outbox row is deleted", actDirect, "convo.(*Engine).Receive"),
	alicesPoint("message for the relay is written", actMailbox, "convo.(*Engine).Send"),
	{"relay keeps the message", actMailbox, relayKeeps},
	alicesPoint("acknowledgement of the relay is noted", actMailbox, "convo.(*Engine).Stored"),
	bobsPoint("message from the relay is taken", actMailbox, "inbox.(*Inbox).commit"),
	{"relay deletes the message", actMailbox, relayDeletes},
	bobsPoint("message from the relay is opened", actMailbox, "convo.(*Engine).Receive"),
	bobsPoint("receipt for the relay is due no more", actMailbox, "convo.(*Engine).Receipted"),
}

// TestCutPoints halts the sender, the receiver and the relay between persist and
// send, between persist and acknowledge, between acknowledge and delete: before
// the commit of that name, and after it.
func TestCutPoints(t *testing.T) {
	for _, point := range cutPoints {
		for _, step := range []string{before, after} {
			t.Run(point.name+"/"+step, func(t *testing.T) {
				t.Parallel()
				simulate(t, func(w *world) {
					p := newPlay(w)
					for act := range acts {
						if act == point.act {
							p.armed = func() { point.arm(p, step) }
						}
						p.act(act)
					}
					hits := 0
					for _, v := range p.victims {
						_, n := v.cut.count()
						hits += n
					}
					if hits != 1 {
						t.Errorf("halted %d times, want once", hits)
					}
				})
			})
		}
	}
}

// commitKind are the commits of one machine that one function of it asks for, at one step.
type commitKind struct {
	who      int // a victim
	function string
	step     string
}

// nth is where the commit of that kind is that has as many before it.
func (k commitKind) nth(n int) func(int, string) bool {
	return func(_ int, step string) bool {
		if step != k.step || committer() != k.function {
			return false
		}
		n--
		return n == -1
	}
}

// stepsOfPlay plays without a halt, and returns how many steps of commits there are of
// each victim and of each kind.
func stepsOfPlay(t *testing.T) (steps [3]int, kinds map[commitKind]int) {
	t.Helper()
	kinds = make(map[commitKind]int)
	simulate(t, func(w *world) {
		p := newPlay(w)
		var mu sync.Mutex
		for who, v := range p.victims {
			v.cut.arm(func(_ int, step string) bool {
				mu.Lock()
				defer mu.Unlock()
				kinds[commitKind{who, committer(), step}]++
				return false
			})
		}
		for act := range acts {
			p.act(act)
		}
		for who, v := range p.victims {
			steps[who], _ = v.cut.count()
		}
	})
	return steps, kinds
}

// relayStride is odd, so that cuts before and after commits take turns.
const relayStride = 5

// TestCutEverywhere halts each of the three at its commits, from the first contact on: a
// node at the first one of each kind, before it and after it, and after the middle one,
// for all functions of it that commit; a relay, of which one does, at some. With
// -crash.every it halts each at each of its commits, before it and after it.
func TestCutEverywhere(t *testing.T) {
	steps, kinds := stepsOfPlay(t)
	t.Logf("steps of alice, bob, the relay: %d, of %d kinds", steps, len(kinds))
	names := []string{"alice", "bob", "relay"}
	halted := func(who int, what string, at func(n int, step string) bool) {
		t.Run(names[who]+"/"+what, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(w *world) {
				p := newPlay(w)
				p.victims[who].cut.arm(at)
				for act := range acts {
					p.act(act)
				}
			})
		})
	}
	for who, all := range steps {
		for n := range all {
			if *crashEvery || names[who] == "relay" && n%relayStride == 0 {
				halted(who, fmt.Sprint(n), func(seen int, _ string) bool { return seen == n })
			}
		}
	}
	for kind, n := range kinds {
		if *crashEvery || names[kind.who] == "relay" {
			continue
		}
		halted(kind.who, kind.function+"/first/"+kind.step, kind.nth(0))
		if n > 1 && kind.step == after {
			halted(kind.who, kind.function+"/middle/"+kind.step, kind.nth(n/2))
		}
	}
}
