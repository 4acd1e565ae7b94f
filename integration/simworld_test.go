package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"quicnprotochat/transport/transporttest"
)

// simulation is a world in which a plan happens.
type simulation struct {
	w        *world
	plan     *plan
	machines map[string]*machine // by name
	nodes    []*machine
	relays   []*machine
	names    map[string]string // of identities
	groups   map[string]*simGroup
	oracle   *oracle
	began    time.Time
	traces   *traces

	// mu guards what was found.
	mu       sync.Mutex
	problems []string
}

// found keeps a problem.
func (s *simulation) found(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, fmt.Sprintf("%.1f s: ", time.Since(s.began).Seconds())+fmt.Sprintf(format, args...))
}

// newSimulation starts the machines of a plan. Nothing has happened yet.
func newSimulation(w *world, p *plan) *simulation {
	s := &simulation{w: w, plan: p, machines: make(map[string]*machine), names: make(map[string]string), groups: make(map[string]*simGroup), began: time.Now()}
	s.traces = newTraces()
	s.oracle = newOracle(s)
	w.logs = s.traces.logger
	for i := range p.relays {
		if p.rogue && i == p.relays-1 {
			ip := w.ip()
			s.relays = append(s.relays, s.join(&machine{name: relayName(i), ip: ip, cut: new(cut), rogue: newRogue(w, ip, p.seed)}))
			continue
		}
		r := &simRelay{w: w, name: relayName(i), ip: w.ip(), dir: filepath.Join(w.t.TempDir(), relayName(i))}
		m := &machine{name: r.name, ip: r.ip, dir: r.dir, cut: &r.cut, relay: r}
		r.now = m.now
		s.relays = append(s.relays, s.join(m))
	}
	for i, homes := range p.homes {
		n := &simNode{w: w, name: simNames[i], ip: w.ip(), dir: filepath.Join(w.t.TempDir(), simNames[i])}
		m := &machine{name: n.name, ip: n.ip, dir: n.dir, cut: &n.cut, node: n}
		n.now = m.now
		for _, r := range homes {
			n.relays = append(n.relays, s.relays[r].url())
		}
		s.nodes = append(s.nodes, s.join(m))
		s.names[n.id] = n.name
	}
	for _, m := range s.nodes {
		m.node.settled()
		link, err := m.node.Invite(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		m.node.link = link.Link
	}
	for _, step := range p.steps {
		if step.verb == doCreate {
			s.groups[step.group] = &simGroup{s: s, name: step.group, creator: s.machines[step.who], first: strings.Fields(step.peer)}
		}
		if m := s.machines[step.who]; m != nil {
			m.steps = append(m.steps, step)
		}
	}
	return s
}

func (m *machine) url() string {
	if m.rogue != nil {
		return m.rogue.url
	}
	return m.relay.url()
}

// left is the time until it is calm.
func (s *simulation) left() time.Duration { return time.Until(s.began.Add(s.plan.calm)) }

// join starts a machine.
func (s *simulation) join(m *machine) *machine {
	m.s, m.trace, m.struck = s, s.traces.of(m.name), make(chan struct{}, 1)
	m.looks = make(chan func(), 256)
	m.cut.struck = m.strike
	s.machines[m.name] = m
	m.begin()
	s.w.stop = append(s.w.stop, func() {
		m.cut.arm(nil)
		m.stop()
	})
	return m
}

func (s *simulation) nameOf(identity string) string { return s.names[identity] }

// run lets the plan happen and waits until it is quiet.
func (s *simulation) run() {
	s.began = time.Now()
	absent := make(map[string]bool)
	for _, i := range s.plan.absent {
		absent[simNames[i]] = true
	}
	var wg sync.WaitGroup
	for _, m := range s.machines {
		wg.Go(func() { m.run(absent[m.name]) })
	}
	wg.Wait()
	s.oracle.whileAbsent()
	for _, m := range s.nodes {
		if absent[m.name] {
			m.begin()
		}
	}
	s.oracle.quiet()
	for _, m := range s.machines {
		m.stop()
	}
	s.oracle.disks()
}

// disturb does something to the network, and undoes it after a while, at the latest
// when it is calm.
func (s *simulation) disturb(m *machine, st step) {
	span := min(st.span, s.left())
	peer := s.machines[st.peer]
	net := s.w.net
	set := func(on bool) {
		switch st.verb {
		case doCut:
			net.Cut(m.ip, peer.ip, on)
		case doOneWay:
			net.CutOneWay(m.ip, peer.ip, on)
		case doDown:
			net.Down(m.ip, on)
		case doLate:
			net.Delay(m.ip, peer.ip, ifOn(on, time.Duration(st.count)*time.Millisecond))
		case doWear:
			net.Wear(m.ip, peer.ip, ifOn(on, transporttest.Wear{
				Loss: st.count, Double: st.count / 4, Jitter: time.Duration(st.count) * time.Millisecond / 4, Seed: s.plan.seed ^ uint64(st.at),
			}))
		}
	}
	set(true)
	time.AfterFunc(span, func() { set(false) })
}

// ifOn is v or nothing.
func ifOn[T any](on bool, v T) (_ T) {
	if on {
		return v
	}
	var none T
	return none
}

// note keeps what came of a step.
func (s *simulation) note(m *machine, st step, err error) {
	what := strings.Join(strings.Fields(fmt.Sprint(st.verb, " ", st.group, " ", st.peer, " ", st.text)), " ")
	if err != nil {
		what += ": " + err.Error()
	}
	m.trace.printf("%s", what)
}
