package outgoing

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

const (
	// tracked is how many messages are followed at once.
	tracked = 256
	// Delay is how long a person at a terminal is not told that a message is still on its
	// way.
	Delay = 700 * time.Millisecond
)

// Messages are own messages that are not delivered yet. The zero value has none.
type Messages struct {
	sent map[string]message
	// kept counts those that were ever followed.
	kept int
	// here are the ids of those that are nowhere but here.
	here map[string]bool
}

// message is an own message, with the line that told its state last; before the
// first one, due is when to tell it.
type message struct {
	place       int // in the order in which they were followed
	text, shown string
	number      string
	due         time.Time
}

// Here is how many of the messages that were sent in this chat are nowhere but here.
func (o *Messages) Here() int { return len(o.here) }

// keep follows a message, unless there are too many.
func (o *Messages) keep(id string, m message) bool {
	if o.sent == nil {
		o.sent = map[string]message{}
	}
	if len(o.sent) >= tracked {
		return false
	}
	o.kept++
	m.place = o.kept
	o.sent[id] = m
	return true
}

// Sending follows a message that was just sent, which has that number, and returns what to
// tell of it: for a person nothing before there is something to tell.
func (o *Messages) Sending(d localapi.Delivery, number, text string, person bool) (line string) {
	if !d.State.Reaches(localapi.Stored) {
		if o.here == nil {
			o.here = map[string]bool{}
		}
		o.here[d.ID] = true
	}
	if person && o.keep(d.ID, message{text: text, number: number, due: time.Now().Add(Delay)}) {
		return ""
	}
	line = stateLine(d, number, text)
	if !person {
		o.keep(d.ID, message{text: text, number: number, shown: line})
	}
	return line
}

// Follow follows an own message that was not sent in this chat, and that is on its way
// still. shown is what was told of it, "" for nothing.
func (o *Messages) Follow(m localapi.Message, number, shown string) {
	if _, known := o.sent[m.ID]; known || m.Kind == localapi.KindTimer || m.State == localapi.Failed || m.State.Reaches(localapi.Delivered) {
		return
	}
	o.keep(m.ID, message{text: m.Text, number: number, shown: shown, due: time.Now().Add(Delay)})
}

// State notes a new state of a message and returns what to tell of it: nothing of one that
// is not followed.
func (o *Messages) State(d localapi.Delivery) (line string) {
	if d.State.Reaches(localapi.Stored) || d.State == localapi.Failed {
		delete(o.here, d.ID)
	}
	m, ok := o.sent[d.ID]
	if !ok {
		return ""
	}
	if d.State.Reaches(localapi.Delivered) || d.State == localapi.Failed {
		delete(o.sent, d.ID)
	}
	if m.shown == "" && (d.State == localapi.Queued || d.State == localapi.Direct) {
		return "" // a better one may follow at once
	}
	line = stateLine(d, m.number, m.text)
	if line == m.shown {
		return "" // only the reason is another one
	}
	if _, ok := o.sent[d.ID]; ok {
		m.shown = line
		o.sent[d.ID] = m
	}
	return line
}

// Due returns what to tell now of those that are still on their way, in their order.
func (o *Messages) Due(now time.Time) (lines []string) {
	ids := slices.SortedFunc(maps.Keys(o.sent), func(a, b string) int { return o.sent[a].place - o.sent[b].place })
	for _, id := range ids {
		m := o.sent[id]
		if m.shown != "" || now.Before(m.due) {
			continue
		}
		m.shown = fmt.Sprintf("  %s(on its way) %s", m.number, words.Excerpt(m.text))
		o.sent[id] = m
		lines = append(lines, m.shown)
	}
	return lines
}

// stateLine tells people how far a message came.
func stateLine(d localapi.Delivery, number, text string) string {
	line := fmt.Sprintf("  %s(%s, path %s) %s", number, d.State, d.Path, words.Excerpt(text))
	if d.State == localapi.Failed {
		line += ": " + words.Places(d.Why)
	}
	return line
}
