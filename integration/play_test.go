package integration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/node/localapi"
)

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
