package integration

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// plan is what happens in one simulated world: who does what, and which fault
// strikes whom at which virtual time. It is a function of the seed alone.
type plan struct {
	seed          uint64
	nodes, relays int
	homes         [][]int // the relays of each node
	rogue         bool    // the last relay lies
	steps         []step  // in order of time
	// calm is when faults end. All are told to go on, but who is absent: they come
	// back when the others had time to take their mail.
	calm   time.Duration
	absent []int
}

// verb is what a step does.
type verb string

// What users do.
const (
	doAdd  verb = "add"
	doSend verb = "send"
	doAway verb = "away" // stops the program and starts it span later
)

// What users do in a group; create is about peer and invites all others.
const (
	doCreate  verb = "create"
	doSay     verb = "say"
	doInvite  verb = "invite"
	doRemove  verb = "remove"
	doLeave   verb = "leave"
	doPromote verb = "promote"
	doDemote  verb = "demote"
	doRename  verb = "rename"
	doUpdate  verb = "update"
)

// What happens to machines.
const (
	doKill  verb = "kill"  // at any moment; started again span later
	doCrash verb = "crash" // at the count-th step of the commits from now on
	doPower verb = "power" // like doCrash, and what was not synced is lost
	doClock verb = "clock" // wrong by count minutes for span
	doFull  verb = "full"  // there is no room on the disk for span
	doLie   verb = "lie"   // of a rogue relay, until the next one
)

// What happens to the network for span.
const (
	doCut    verb = "cut"     // between two machines
	doOneWay verb = "one-way" // from one machine to another
	doLate   verb = "late"
	doWear   verb = "wear"
	doDown   verb = "down" // one machine
)

// step is one thing that happens.
type step struct {
	at    time.Duration
	who   string // a node or a relay
	verb  verb
	group string
	peer  string // another one; of create several, with spaces between
	text  string // or the name of a group
	span  time.Duration
	count int
}

// String is the step as it is printed.
func (s step) String() string {
	b := fmt.Sprintf("%9.3f s  %-6s %s", s.at.Seconds(), s.who, s.verb)
	for _, more := range []string{s.group, s.peer, s.text} {
		if more != "" {
			b += " " + more
		}
	}
	if s.span != 0 {
		b += fmt.Sprintf(" for %v", s.span)
	}
	if s.verb == doClock {
		b += fmt.Sprintf(" by %v", time.Duration(s.count)*time.Minute)
	} else if s.count != 0 {
		b += fmt.Sprintf(" at %d", s.count)
	}
	return b
}

// String is the schedule.
func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d nodes; relays of each: %v", p.seed, p.nodes, p.homes)
	if p.rogue {
		fmt.Fprintf(&b, "; %s is a rogue", relayName(p.relays-1))
	}
	fmt.Fprintln(&b)
	for _, s := range p.steps {
		fmt.Fprintln(&b, s)
	}
	fmt.Fprintf(&b, "%9.3f s  calm, without", p.calm.Seconds())
	for _, n := range p.absent {
		fmt.Fprint(&b, " ", simNames[n])
	}
	fmt.Fprintln(&b)
	return b.String()
}

var simNames = []string{"alice", "bob", "carol", "dave", "erin", "frank"}

// relayName is the name of a relay.
func relayName(i int) string { return fmt.Sprintf("relay%d", i) }

// planner makes a plan.
type planner struct {
	plan
	rng *rand.Rand
}

// newPlan makes the plan of a seed.
func newPlan(seed uint64) *plan {
	p := &planner{plan: plan{seed: seed}, rng: rand.New(rand.NewPCG(seed, 11))}
	groups := p.rng.IntN(2) == 0
	p.rogue = p.rng.IntN(4) == 0
	p.nodes = 2 + p.rng.IntN(3)
	if groups {
		p.nodes++
	}
	relays := p.rng.IntN(3)
	if p.rogue {
		relays = max(relays, 1)
	}
	p.calm = time.Duration(60+p.rng.IntN(60)) * time.Second
	for range p.nodes {
		homes := p.rng.Perm(relays)[:min(relays, 1+p.rng.IntN(2))]
		for _, r := range homes {
			p.relays = max(p.relays, r+1)
		}
		p.homes = append(p.homes, homes)
	}
	p.rogue = p.rogue && p.relays == relays
	p.acquaint()
	if groups {
		for i := range 1 + p.rng.IntN(2) {
			p.group(fmt.Sprintf("group%d", i))
		}
	} else {
		p.talk()
	}
	p.faults()
	p.wrong()
	if p.rng.IntN(2) == 0 {
		p.leave(p.rng.IntN(p.nodes))
	}
	p.clocks()
	p.disks()
	slices.SortStableFunc(p.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	texts := 0
	for i, s := range p.steps {
		if s.verb == doSend || s.verb == doSay {
			texts++
			p.steps[i].text = fmt.Sprintf("%s-%d", simText, texts)
		}
	}
	return &p.plan
}

// simText begins each text; it must be nowhere on a disk, nor in a log.
const simText = "zanzibar"

// moment is any time from a first one to when it is calm.
func (p *planner) moment(first time.Duration) time.Duration {
	return first + time.Duration(p.rng.Int64N(int64(p.calm-first))).Truncate(time.Millisecond)
}

// span is a time between two, short ones more often.
func (p *planner) span(least, most time.Duration) time.Duration {
	f := p.rng.Float64()
	return (least + time.Duration(f*f*float64(most-least))).Truncate(time.Millisecond)
}

// wrong lets the clocks of relays be wrong, and a rogue lie.
func (p *planner) wrong() {
	for i := range p.relays {
		if p.rogue && i == p.relays-1 {
			for range 2 + p.rng.IntN(4) {
				p.add(step{at: p.moment(0), who: relayName(i), verb: doLie, text: string(lies[p.rng.IntN(len(lies))])})
			}
		} else if p.rng.IntN(5) == 0 {
			minutes := []int{10, 24 * 60, 10 * 365 * 24 * 60}[p.rng.IntN(3)]
			if p.rng.IntN(2) == 0 {
				minutes = -minutes
			}
			p.add(step{at: p.moment(0), who: relayName(i), verb: doClock, count: minutes, span: p.span(time.Second, time.Minute)})
		}
	}
}

// clocks lets the clocks of nodes be wrong, more than once in a row: they jump.
func (p *planner) clocks() {
	if p.rng.IntN(3) > 0 {
		return
	}
	for range 1 + p.rng.IntN(3) {
		minutes := []int{10, 3 * 60, 24 * 60, 20 * 24 * 60}[p.rng.IntN(4)]
		if p.rng.IntN(2) == 0 {
			minutes = -minutes
		}
		p.add(step{at: p.moment(0), who: p.node(), verb: doClock, count: minutes, span: p.span(time.Second, time.Minute)})
	}
}

// disks lets disks be full.
func (p *planner) disks() {
	for range p.rng.IntN(3) {
		p.add(step{at: p.moment(0), who: p.machine(), verb: doFull, span: p.span(time.Second, 40*time.Second)})
	}
}

func (p *planner) node() string { return simNames[p.rng.IntN(p.nodes)] }

// machine is a node or a relay, a relay more often than by chance.
func (p *planner) machine() string {
	if i := p.rng.IntN(p.nodes + 2*p.relays); i >= p.nodes {
		return relayName((i - p.nodes) / 2)
	}
	return p.node()
}

// two are two machines, not two relays.
func (p *planner) two() (a, b string) {
	for a, b = p.node(), p.machine(); a == b; {
		b = p.machine()
	}
	return a, b
}

func (p *planner) add(s step) { p.steps = append(p.steps, s) }

// acquaint lets users take each other's links: of each two one, or both at once.
func (p *planner) acquaint() {
	for i := range p.nodes {
		for j := range i {
			a, b := simNames[i], simNames[j]
			if p.rng.IntN(2) == 0 {
				a, b = b, a
			}
			at := p.span(0, 20*time.Second)
			p.add(step{at: at, who: a, verb: doAdd, peer: b})
			if p.rng.IntN(4) == 0 {
				p.add(step{at: at + p.span(0, time.Second), who: b, verb: doAdd, peer: a})
			}
		}
	}
}

// talk lets users write, some of it quickly, and go away.
func (p *planner) talk() {
	for range 5 * p.nodes {
		at := p.moment(0)
		a, b := p.node(), p.node()
		if a == b {
			p.add(step{at: at, who: a, verb: doAway, span: p.span(time.Second, 40*time.Second)})
			continue
		}
		for range 1 + p.rng.IntN(4) {
			p.add(step{at: at, who: a, verb: doSend, peer: b})
			at += p.span(time.Millisecond, 2*time.Second)
		}
	}
}

// group lets a user make a group, and its members write and change it.
func (p *planner) group(name string) {
	order := p.rng.Perm(p.nodes)
	creator, invited := simNames[order[0]], order[1:2+p.rng.IntN(p.nodes-1)]
	var names []string
	for _, i := range invited {
		names = append(names, simNames[i])
	}
	first := 10*time.Second + p.span(0, 20*time.Second)
	p.add(step{at: first, who: creator, verb: doCreate, group: name, peer: strings.Join(names, " ")})
	if p.rng.IntN(2) == 0 {
		p.split(name, order, first)
	}
	for range 4 * p.nodes {
		s := step{at: p.moment(first), who: p.node(), group: name}
		switch n := p.rng.IntN(20); {
		case n < 10:
			s.verb = doSay
		case n < 11:
			s.verb, s.group, s.span = doAway, "", p.span(time.Second, 40*time.Second)
		case n < 12:
			s.verb = doLeave
		case n < 13:
			s.verb = doUpdate
		case n < 14:
			s.verb, s.text = doRename, fmt.Sprintf("%s-%d", name, s.at.Milliseconds())
		default:
			s.verb = []verb{doInvite, doInvite, doRemove, doPromote, doPromote, doDemote}[n-14]
			if s.peer = p.node(); p.rng.IntN(3) > 0 {
				s.who = creator
			}
		}
		if s.peer != s.who {
			p.add(s)
		}
	}
}

// split parts the members of a group for a while: two admins, the first two of
// order, change it on both sides, and both sides write.
func (p *planner) split(name string, order []int, first time.Duration) {
	creator, other := simNames[order[0]], simNames[order[1]]
	p.add(step{at: first + 6*time.Second, who: creator, verb: doPromote, group: name, peer: other})
	at := first + 12*time.Second + p.span(0, 10*time.Second)
	span := p.span(10*time.Second, 25*time.Second)
	var sides [2][]string
	for i, n := range order {
		sides[i%2] = append(sides[i%2], simNames[n])
	}
	for _, b := range sides[1] {
		for _, a := range sides[0] {
			p.add(step{at: at, who: a, peer: b, verb: doCut, span: span})
		}
		for r := range p.relays {
			p.add(step{at: at, who: b, peer: relayName(r), verb: doCut, span: span})
		}
	}
	for i, admin := range []string{creator, other} {
		s := step{at: at + p.span(time.Millisecond, span/2), who: admin, verb: doUpdate, group: name}
		if p.rng.IntN(2) == 0 {
			s.verb, s.text = doRename, fmt.Sprintf("%s-%s", name, admin)
		}
		p.add(s)
		for range 1 + p.rng.IntN(3) {
			p.add(step{at: at + span/2 + p.span(0, span/2), who: sides[i][p.rng.IntN(len(sides[i]))], verb: doSay, group: name})
		}
	}
}

// leave lets somebody write to another who is away, and leave for good before that
// one is back: what they wrote is at relays alone, some of which crash.
func (p *planner) leave(author int) {
	p.absent = append(p.absent, author)
	other := (author + 1 + p.rng.IntN(p.nodes-1)) % p.nodes
	back := 4 * time.Second
	at := p.calm - 12*time.Second
	p.add(step{at: at - time.Second, who: simNames[other], verb: doAway, span: p.calm - back - at})
	for range 1 + p.rng.IntN(4) {
		at += p.span(time.Millisecond, time.Second)
		p.add(step{at: at, who: simNames[author], verb: doSend, peer: simNames[other]})
	}
	for _, r := range p.homes[other] {
		switch p.rng.IntN(3) {
		case 0:
			p.add(step{at: at + time.Second, who: relayName(r), verb: doKill, span: time.Second})
		case 1:
			p.add(step{at: at - p.span(0, time.Second), who: relayName(r), verb: doCrash, span: time.Second, count: 1 + p.rng.IntN(6)})
		}
	}
	if p.rng.IntN(2) == 0 {
		p.add(step{at: p.calm - back - time.Second, who: simNames[other], verb: doCrash, span: time.Second, count: 1 + p.rng.IntN(30)})
	}
}

// commits is at which step of the next commits something strikes.
func (p *planner) commits() int {
	f := p.rng.Float64()
	return 1 + int(f*f*30)
}

// faults of machines and of the network.
func (p *planner) faults() {
	for range 3 + p.rng.IntN(6) {
		at, span := p.moment(time.Second), p.span(100*time.Millisecond, 40*time.Second)
		switch p.rng.IntN(9) {
		case 0:
			p.add(step{at: at, who: p.machine(), verb: doKill, span: span})
		case 1, 2:
			p.add(step{at: at, who: p.machine(), verb: doCrash, span: span, count: p.commits()})
		case 3, 4:
			p.add(step{at: at, who: p.machine(), verb: doPower, span: span, count: p.commits()})
		case 5:
			p.add(step{at: at, who: p.machine(), verb: doDown, span: span})
		case 6:
			a, b := p.two()
			p.add(step{at: at, who: a, peer: b, verb: doCut, span: span})
		case 7:
			a, b := p.two()
			p.add(step{at: at, who: a, peer: b, verb: doOneWay, span: span})
		case 8:
			a, b := p.two()
			if p.rng.IntN(2) == 0 {
				p.add(step{at: at, who: a, peer: b, verb: doLate, span: span, count: 1 + p.rng.IntN(2000)})
			} else {
				p.add(step{at: at, who: a, peer: b, verb: doWear, span: span, count: 1 + p.rng.IntN(400)})
			}
		}
	}
}

// TestSimPlan makes the plan of each seed twice.
func TestSimPlan(t *testing.T) {
	for seed := range uint64(1000) {
		one, other := newPlan(seed).String(), newPlan(seed).String()
		if one != other {
			t.Fatalf("seed %d has two schedules:\n%s\n%s", seed, one, other)
		}
		if seed > 0 && one[len("seed 0"):] == newPlan(seed - 1).String()[len("seed 0"):] {
			t.Errorf("seeds %d and %d have one schedule", seed-1, seed)
		}
	}
}
