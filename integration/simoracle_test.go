package integration

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// oracle knows what was sent and what was said of it, and tells whether what the
// users see is right. It sees what they see, and no more.
type oracle struct {
	s *simulation

	mu   sync.Mutex
	said []*saying
	seen map[string]map[string]int // by machine and text: how often it was shown
	lost map[string]bool           // machines that lost power
	pals map[[2]*machine]bool      // whose users know each other
}

// saying is a text that somebody sent to one other, or tried to.
type saying struct {
	from, to *machine
	text     string
	maybe    bool // the sender was told that it failed, or nothing
	taken    bool // the sender was told that the other's machine has it
	kept     bool // the sender was told that a relay has it
	id       string
}

func newOracle(s *simulation) *oracle {
	return &oracle{s: s, seen: make(map[string]map[string]int), lost: make(map[string]bool), pals: make(map[[2]*machine]bool)}
}

// met notes that a user took the link of another: each is now a contact of the other,
// or will be when it hears of it.
func (o *oracle) met(a, b *machine) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pals[[2]*machine{a, b}], o.pals[[2]*machine{b, a}] = true, true
}

// know reports whether two users know each other.
func (o *oracle) know(a, b *machine) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pals[[2]*machine{a, b}]
}

// says notes that somebody is about to send a text.
func (o *oracle) says(from, to *machine, text string) *saying {
	o.mu.Lock()
	defer o.mu.Unlock()
	said := &saying{from: from, to: to, text: text, maybe: true}
	o.said = append(o.said, said)
	return said
}

// saidSo notes what the sender was told.
func (o *oracle) saidSo(said *saying, d localapi.Delivery, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	said.maybe, said.id = err != nil, d.ID
	if err == nil && d.Why == "" {
		o.s.found("%s: no word about why %s is %s", said.from.name, said.text, d.State)
	}
}

// shown notes what a front end that follows the events of a node shows: each text
// once, also after a crash. Whoever loses power may have forgotten that it has shown
// something.
func (o *oracle) shown(m *machine, e localapi.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[m.name] == nil {
		o.seen[m.name] = make(map[string]int)
	}
	o.seen[m.name][e.Message.Text]++
	if n := o.seen[m.name][e.Message.Text]; n > 1 && !o.lost[m.name] {
		o.s.found("%s: the event of %s came %d times", m.name, e.Message.Text, n)
	}
}

// soon is how long whoever has a message may take to show it: much less than the
// minute after which its author sends it anew, which would hide that it was lost.
const soon = 15 * time.Second

// progress looks, when the author of a message to one other was told that the
// machine of that one has it, whether that is so.
func (o *oracle) progress(m *machine, d localapi.Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.said, func(said *saying) bool { return said.id == d.ID && said.from == m && !said.taken })
	if i < 0 {
		return
	}
	said := o.said[i]
	said.kept, said.taken = d.State == localapi.Stored, d.State.Reaches(localapi.Direct)
	if said.taken && !o.jumped() && !o.stale(said.to) {
		time.AfterFunc(soon, func() { o.look(said) })
	}
}

// unopened reports whether what somebody has of another cannot be read yet: nothing of that
// one is shown, and the Welcome may be at a relay with what was said before.
func (o *oracle) unopened(said *saying, shown []localapi.Message) bool {
	if slices.ContainsFunc(shown, func(msg localapi.Message) bool { return msg.From == said.from.node.id }) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.said[:slices.Index(o.said, said)], func(before *saying) bool {
		return before.from == said.from && before.to == said.to && before.kept
	})
}

// look lets the machine of a recipient look, when it has been up for a while.
func (o *oracle) look(said *saying) {
	to := said.to
	look := func() {
		switch up := time.Since(to.since); {
		case !to.up:
		case up < soon:
			time.AfterFunc(soon-up, func() { o.look(said) })
		default:
			all, err := o.history(to, said.from.node.id)
			if err == nil && o.unopened(said, all) {
				time.AfterFunc(soon, func() { o.look(said) })
				return
			}
			if n := count(all, said.text); err == nil && n != 1 {
				o.s.found("%s: its machine took %s of %s, and it is shown %d times", to.name, said.text, said.from.name, n)
			}
		}
	}
	select {
	case to.looks <- look:
	default:
	}
}

func (o *oracle) lostPower(m *machine) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost[m.name] = true
}

// history is what a user sees of a conversation with another.
func (o *oracle) history(m *machine, with string) (all []localapi.Message, err error) {
	err = m.node.History(context.Background(), with, 0, "", func(msg localapi.Message) error {
		all = append(all, msg)
		return nil
	})
	if exitCode(err) == localapi.ExitContact {
		return nil, nil
	}
	return all, err
}

// own is what a node says of what its user has sent, by text.
func (o *oracle) own(m *machine) map[string]localapi.Message {
	own := make(map[string]localapi.Message)
	for _, other := range o.s.nodes {
		all, err := o.history(m, other.node.id)
		if err != nil && other != m {
			o.s.found("%s: history with %s: %v", m.name, other.name, err)
		}
		for _, msg := range all {
			if msg.From == m.node.id {
				own[msg.Text] = msg
			}
		}
	}
	return own
}

// absence is how long others have to take what somebody left who is away.
const absence = 90 * time.Second

// whileAbsent checks what those who are away left: what is durable elsewhere reaches
// whom it is for without them. Behind a text that a relay may have lost, nothing is sure:
// the Welcome or the commit that it takes to read the rest may be lost with it.
func (o *oracle) whileAbsent() {
	time.Sleep(absence)
	unsure := make(map[[2]*machine]bool)
	for _, said := range o.said {
		d, ok := said.from.left[said.text]
		if said.from.up || !said.to.up || !ok {
			continue
		}
		pair := [2]*machine{said.from, said.to}
		unsure[pair] = unsure[pair] || o.doubtful() && !d.State.Reaches(localapi.Direct)
		if said.maybe || o.jumped() || o.stale(said.to) || unsure[pair] || !d.State.Reaches(localapi.Stored) {
			continue
		}
		all, err := o.history(said.to, said.from.node.id)
		if err != nil {
			o.s.found("%s: history: %v", said.to.name, err)
		}
		if n := count(all, said.text); n != 1 {
			o.s.found("%s: %s of %s was %s (%s) and is shown %d times", said.to.name, said.text, said.from.name, d.State, d.Path, n)
		}
	}
}

func count(all []localapi.Message, text string) (n int) {
	for _, m := range all {
		if m.Text == text {
			n++
		}
	}
	return n
}

// quietMost is how long it may take until all is as it must be.
const quietMost = 30 * time.Minute

// quiet waits until all is delivered, and checks what each user sees.
func (o *oracle) quiet() {
	var open []string
	for began := time.Now(); time.Since(began) < quietMost; time.Sleep(5 * time.Second) {
		if open = o.open(); len(open) == 0 {
			break
		}
	}
	for _, why := range open {
		o.s.found("after %v of quiet: %s", quietMost, why)
	}
	time.Sleep(10 * time.Second)
	for _, g := range o.s.groups {
		g.check()
	}
	o.pairs(func(a, b *machine, shown []localapi.Message) {
		var wants []want
		for _, said := range o.said {
			if said.from == a && said.to == b || said.from == b && said.to == a {
				wants = append(wants, want{from: said.from.node.id, text: said.text, maybe: said.maybe})
			}
		}
		for _, problem := range compare(shown, wants) {
			o.s.found("%s and %s: %s", a.name, b.name, problem)
		}
	})
}

// open says what is not yet as it must become.
func (o *oracle) open() (open []string) {
	o.pairs(func(a, b *machine, shown []localapi.Message) {
		other, err := o.history(b, a.node.id)
		if err != nil {
			open = append(open, err.Error())
		}
		if why := notSettled(shown, other); why != "" {
			open = append(open, fmt.Sprintf("%s and %s: %s", a.name, b.name, why))
		}
	})
	for _, g := range o.s.groups {
		open = append(open, g.open()...)
	}
	for _, m := range o.s.nodes {
		status, err := m.node.Status(context.Background())
		q := status.Queue
		if o.jumped() {
			q.Unreadable = 0
		}
		if err != nil || q != (localapi.Queue{}) && !o.parted() && !o.s.plan.rogue {
			open = append(open, fmt.Sprintf("%s: queue %+v, %v", m.name, q, err))
		}
	}
	return open
}

// doubtful reports whether a relay may have lost what it was given: one lies, or had
// a clock by which mail is too old.
func (o *oracle) doubtful() bool {
	return o.s.plan.rogue || slices.ContainsFunc(o.s.plan.steps, func(s step) bool { return s.verb == doClock })
}

// jumped reports whether the clock of a node was off by more than a week. By it the keys
// of epochs are erased too soon: what comes late cannot be opened, and its author sends it
// again.
func (o *oracle) jumped() bool {
	return slices.ContainsFunc(o.s.plan.steps, func(s step) bool {
		m := o.s.machines[s.who]
		return s.verb == doClock && m.node != nil && (s.count > 7*24*60 || s.count < -7*24*60)
	})
}

// stale reports whether a relay of somebody hands out a key package again: whoever writes
// to it first by the second one, which is used up, knows that it failed when nothing comes
// back for a minute.
func (o *oracle) stale(to *machine) bool {
	rogue := o.s.plan.relays - 1
	return slices.Contains(o.s.plan.homes[slices.Index(o.s.nodes, to)], rogue) &&
		slices.ContainsFunc(o.s.plan.steps, func(s step) bool { return s.verb == doLie && lie(s.text) == lieStale })
}

// parted reports whether anybody went out of a group: what the others then still
// have for them, and they of the others, is of no use and waits for its end.
func (o *oracle) parted() bool {
	for _, g := range o.s.groups {
		if slices.ContainsFunc(g.wishes, func(w wish) bool { return !w.in }) {
			return true
		}
	}
	return false
}

// pairs calls look for each two, with what the first sees of their conversation.
func (o *oracle) pairs(look func(a, b *machine, shown []localapi.Message)) {
	for i, a := range o.s.nodes {
		for _, b := range o.s.nodes[:i] {
			shown, err := o.history(a, b.node.id)
			if err != nil {
				o.s.found("%s: history with %s: %v", a.name, b.name, err)
			}
			look(a, b, shown)
		}
	}
}

// disks looks at what is left when all have stopped: the relays keep nothing for
// anybody, and no text is in clear in a file or in a log.
func (o *oracle) disks() {
	for _, r := range o.s.relays {
		if r.rogue != nil {
			continue
		}
		if err := o.drained(r); err != nil {
			o.s.found("%s: %v", r.name, err)
		}
	}
	for _, m := range o.s.machines {
		if path := inClear(m.dir); m.rogue == nil && path != "" {
			o.s.found("a text is in clear in %s", path)
		}
	}
	if line := o.s.traces.contains(simText); line != "" {
		o.s.found("a text is in a log: %s", line)
	}
}

// drained looks into the file of a relay.
func (o *oracle) drained(r *machine) error {
	s, err := store.Open(store.Config{Path: filepath.Join(r.dir, "relay.db")})
	if err != nil {
		return err
	}
	defer s.Close()
	for _, m := range o.s.nodes {
		key, err := transport.ParseKey(m.node.id)
		if err != nil {
			return err
		}
		left, err := s.Peek(context.Background(), store.Inbox{Owner: rpc.Identity(key)}, 0, 0, 1<<30)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return fmt.Errorf("keeps %d payloads for %s", len(left), m.name)
		}
	}
	return nil
}

// inClear returns a file with a text in clear.
func inClear(dir string) (found string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(simText)) {
			found = path
		}
		return nil
	})
	return found
}
