package integration

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// errCut is what the commit at a cut point, and each one after it, returns.
var errCut = errors.New("halted by the test")

// slowDisk is how long a commit takes that is cut, so that what is said too early
// gets out.
const slowDisk = 200 * time.Millisecond

// cut halts a node or a relay at one of its commits: from there on it commits
// nothing until it is started again. The zero cut lets all commits pass.
type cut struct {
	// mu guards the fields below.
	mu   sync.Mutex
	at   func(n int, step string) bool
	seen int // steps since it was armed
	hit  bool
	hits int // how often it halted
	// struck, if it is not nil, is called when it halts.
	struck func()
	// full, if it is not nil, is what each commit returns: the disk is full.
	full error
}

// fault is the hook of a store. One commit at a time calls it.
func (c *cut) fault(step string) error {
	c.mu.Lock()
	at, n, hit, full := c.at, c.seen, c.hit, c.full
	c.seen++
	c.mu.Unlock()
	if hit {
		return errCut
	}
	if full != nil && step == before {
		return full
	}
	if at == nil || !at(n, step) {
		return nil
	}
	time.Sleep(slowDisk)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit = true
	c.hits++
	if c.struck != nil {
		c.struck()
	}
	return errCut
}

// halt lets nothing be committed from now on.
func (c *cut) halt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit = true
}

// arm sets where to halt: at is asked at both steps of each commit, and gets how
// many were before. Nil is nowhere.
func (c *cut) arm(at func(n int, step string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.seen, c.hit = at, 0, false
}

// fill lets each commit fail for want of room; nil is that there is room again.
func (c *cut) fill(full error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = full
}

// in arms at a step of the first commit that a function of the node asks for.
func (c *cut) in(function, step string) {
	c.arm(func(_ int, s string) bool { return s == step && called(function) })
}

// is reports whether the program is halted.
func (c *cut) is() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hit
}

// count returns the steps since it was armed, and how often it halted at all.
func (c *cut) count() (seen, hits int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen, c.hits
}

// called reports whether a function of the node is on the stack.
func called(function string) bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); strings.HasSuffix(f.Function, "/"+function) {
			return true
		}
	}
	return false
}

// The acts of a play, in order.
const (
	actBegin   = iota // alice adds bob, the first messages go
	actDirect         // messages between connected nodes
	actMailbox        // the two do not see each other, the relay carries
	actAgain          // they see each other again
	acts
)

// play is a conversation in which one of the three is halted at a commit.
type play struct {
	w       *world
	relay   *simRelay
	a, b    *simNode
	wants   []want
	victims []victim
	armed   func() // called when the next act has begun, once
}

// victim is who may be halted.
type victim struct {
	cut         *cut
	halt, start func()
}

func newPlay(w *world) *play {
	p := &play{w: w, relay: w.relay()}
	p.a, p.b = w.node("alice", p.relay.url()), w.node("bob", p.relay.url())
	p.a.settled()
	p.b.settled()
	time.Sleep(time.Second)
	p.victims = []victim{
		{&p.a.cut, p.a.halt, p.a.start}, {&p.b.cut, p.b.halt, p.b.start}, {&p.relay.cut, p.relay.halt, p.relay.start},
	}
	return p
}

// act plays one act until all of it is delivered.
func (p *play) act(act int) {
	p.w.t.Helper()
	switch act {
	case actMailbox:
		p.w.net.Cut(p.a.ip, p.b.ip, true)
		time.Sleep(time.Minute)
	case actAgain:
		p.w.net.Cut(p.a.ip, p.b.ip, false)
	}
	if p.armed != nil {
		p.armed()
		p.armed = nil
	}
	if act == actBegin {
		p.add()
	}
	p.send(p.a, p.b, fmt.Sprintf("alice %d", act))
	p.settle()
	for i := range 2 {
		p.send(p.a, p.b, fmt.Sprintf("alice %d.%d", act, i))
		p.send(p.b, p.a, fmt.Sprintf("bob %d.%d", act, i))
	}
	p.settle()
}

// mend starts who was halted, some time later.
func (p *play) mend() {
	for _, v := range p.victims {
		if v.cut.is() {
			time.Sleep(time.Second) // what is wrongly said goes out meanwhile
			v.halt()
			time.Sleep(time.Second)
			v.cut.arm(nil)
			v.start()
		}
	}
}

// longest bounds a wait, in virtual time: less than the minute after which what
// was taken and has no receipt is encrypted and sent again, which would hide that
// something acknowledged was lost.
const longest = 45 * time.Second

// eventually waits, in virtual time, and starts who is halted meanwhile.
func (p *play) eventually(look func() (why string)) {
	p.w.t.Helper()
	why := ""
	for end := time.Now().Add(longest); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		p.mend()
		if why = look(); why == "" {
			return
		}
	}
	p.w.t.Fatalf("after %v: %s", longest, why)
}

// add lets alice use bob's link.
func (p *play) add() {
	p.w.t.Helper()
	p.eventually(func() string {
		invite, err := p.b.Invite(context.Background())
		if err == nil {
			_, err = p.a.AddContact(context.Background(), invite.Link, "")
		}
		if err != nil {
			return err.Error()
		}
		return ""
	})
}

// send sends a text. If it fails, the text may have got in or not, and another
// one is sent.
func (p *play) send(from, to *simNode, text string) {
	p.w.t.Helper()
	try := 0
	p.eventually(func() string {
		text := fmt.Sprintf("%s.%d", text, try)
		_, err := from.Send(context.Background(), to.name, text)
		if exitCode(err) == localapi.ExitContact {
			return err.Error() // bob does not know alice yet
		}
		p.wants = append(p.wants, want{from: from.id, text: text, maybe: err != nil})
		if try++; err != nil {
			return err.Error()
		}
		return ""
	})
}

// settle waits until all is delivered and both show the same, and checks that it
// is what was sent.
func (p *play) settle() {
	p.w.t.Helper()
	var shown []localapi.Message
	p.eventually(func() string {
		a, errA := p.a.history(p.b)
		b, errB := p.b.history(p.a)
		if err := errors.Join(errA, errB); err != nil {
			return err.Error()
		}
		shown = a
		return notSettled(a, b)
	})
	for _, problem := range compare(shown, p.wants) {
		p.w.t.Error(problem)
	}
}

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

// cutStride is odd, so that cuts before and after commits take turns.
const cutStride = 9

// TestCutEverywhere halts each of the three at each of its commits in turn, from
// the first contact on, before it and after it; without -crash.every at some of
// them, spread over all acts.
func TestCutEverywhere(t *testing.T) {
	var steps [3]int
	simulate(t, func(w *world) {
		p := newPlay(w)
		for _, v := range p.victims {
			v.cut.arm(nil)
		}
		for act := range acts {
			p.act(act)
		}
		for i, v := range p.victims {
			steps[i], _ = v.cut.count()
		}
	})
	t.Logf("steps of alice, bob, the relay: %d", steps)
	for who, name := range []string{"alice", "bob", "relay"} {
		for n := range steps[who] {
			if !*crashEvery && n%cutStride != who {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
				t.Parallel()
				simulate(t, func(w *world) {
					p := newPlay(w)
					p.victims[who].cut.arm(func(seen int, _ string) bool { return seen == n })
					for act := range acts {
						p.act(act)
					}
				})
			})
		}
	}
}
