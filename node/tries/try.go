package tries

import (
	"encoding/json"
	"slices"
	"time"

	"quicnprotochat/transport"
)

// Most is how many tries are kept of one message to one person, and of one person;
// the oldest go first.
const Most = 16

// Way is what was tried.
type Way string

// The ways.
const (
	// Keys is to get what is needed to write to a person at all.
	Keys Way = "keys"
	// Machine is the person's own machine.
	Machine Way = "machine"
	// Relay is one of the person's relays.
	Relay Way = "relay"
	// Receipt is no try: the person's receipt came back.
	Receipt Way = "receipt"
)

// Try is one try, or several that ended in the same way.
type Try struct {
	Way Way `json:"w"`
	// At is when it began, and Last when the last of several began.
	At   time.Time `json:"a"`
	Last time.Time `json:"l,omitzero"`
	// Times is how many there were, 0 for one.
	Times int `json:"n,omitempty"`
	// Took is how long the last one took.
	Took time.Duration `json:"d,omitempty"`
	// Path is how the machine was connected, if it was, and Relay which one it is.
	Path  transport.Path `json:"p,omitempty"`
	Relay transport.Key  `json:"r,omitzero"`
	// OK says that it did what it was for, Result what came back.
	OK     bool   `json:"o,omitempty"`
	Result string `json:"t"`
}

// NoAnswer is the result of a try that is under way.
const NoAnswer = "no answer yet"

// open reports whether t is under way.
func (t Try) open() bool { return !t.OK && t.Took == 0 && t.Result == NoAnswer }

// covers reports whether t is several tries of which u is one.
func (t Try) covers(u Try) bool {
	return t.Way == u.Way && t.Relay == u.Relay && !u.At.Before(t.At) && !u.At.After(t.Last)
}

// Ended returns the last moment that t is about.
func (t Try) Ended() time.Time {
	if t.Last.IsZero() {
		return t.At.Add(t.Took)
	}
	return t.Last.Add(t.Took)
}

// same reports whether both are of one way and ended alike.
func (t Try) same(u Try) bool {
	return t.Way == u.Way && t.Path == u.Path && t.Relay == u.Relay && t.OK == u.OK && t.Result == u.Result
}

// is reports whether both are about one try, the one maybe told before it was over.
func (t Try) is(u Try) bool {
	return t.Way == u.Way && t.Relay == u.Relay && t.At.UnixMilli() == u.At.UnixMilli()
}

// Add returns list with t behind it, or with the last of its way counted up if
// that ended alike. What began at the same time on the same way is replaced: it was
// not over yet. list itself is left alone.
func Add(list []Try, t Try) []Try {
	t.Result = line(t.Result)
	list = slices.DeleteFunc(slices.Clone(list), t.is)
	for i := len(list) - 1; i >= 0 && !t.OK; i-- {
		u := list[i]
		if u.Way != t.Way || u.Relay != t.Relay || u.open() {
			continue
		}
		if !u.same(t) || t.open() {
			break
		}
		u.Times, u.Last, u.Took = max(u.Times, 1)+max(t.Times, 1), t.At, t.Took
		return append(slices.Delete(list, i, i+1), u)
	}
	list = append(list, t)
	return slices.Delete(list, 0, max(0, len(list)-Most))
}

// Join returns what is in either list, each try once, in the order in which they
// began. One that did what it was for is not replaced; one that was under way when list
// was made is what more says of it.
func Join(list, more []Try) []Try {
	all := slices.DeleteFunc(slices.Clone(list), func(t Try) bool {
		return !t.OK && slices.ContainsFunc(more, func(u Try) bool { return u.covers(t) })
	})
	for _, t := range more {
		i := slices.IndexFunc(all, t.is)
		switch {
		case i < 0:
			all = append(all, t)
		case !all[i].OK:
			all[i] = t
		}
	}
	slices.SortStableFunc(all, func(a, b Try) int { return a.At.Compare(b.At) })
	return slices.Delete(all, 0, max(0, len(all)-Most))
}

// Between returns the tries of list that were under way at some time from then on
// until end; a zero end is for ever.
func Between(list []Try, from, end time.Time) []Try {
	return slices.DeleteFunc(slices.Clone(list), func(t Try) bool {
		return t.Ended().Before(from) || !end.IsZero() && t.At.After(end)
	})
}

// Encode returns a list as it is kept with a message; empty for none.
func Encode(list []Try) []byte {
	if len(list) == 0 {
		return nil
	}
	b, err := json.Marshal(list)
	if err != nil {
		return nil // a time outside the years 0 to 9999: the clock is no help
	}
	return b
}

// Decode is the inverse of Encode; what it cannot read it takes for empty.
func Decode(b []byte) []Try {
	var list []Try
	if len(b) == 0 || json.Unmarshal(b, &list) != nil {
		return nil
	}
	return list[max(0, len(list)-Most):]
}
