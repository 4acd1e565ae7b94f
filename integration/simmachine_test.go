package integration

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// machine is one node or relay of a simulation, and who sits at it. A rogue relay
// never crashes. One goroutine
// does its steps in order.
type machine struct {
	s     *simulation
	name  string
	ip    string
	dir   string
	cut   *cut
	node  *simNode // nil for a relay
	relay *simRelay
	rogue *rogue
	steps []step
	trace *trace
	clock atomic.Int64 // how far it is ahead, in ns

	struck chan struct{} // capacity 1: crashed at a commit
	looks  chan func()   // what the oracle wants to see here
	up     bool
	since  time.Time     // it is up
	point  *crashPoint   // where it is to crash
	away   time.Duration // and for how long then
	// unwatch ends the look at the events of a node.
	unwatch context.CancelFunc
	watched sync.WaitGroup
	lastID  uint64
	// left is what a node that is absent said last of what it has sent, by text.
	left map[string]localapi.Message
}

// now is the time by the clock of the machine. Like that of a real one after somebody
// has set it, it is no measure of what has gone by.
func (m *machine) now() time.Time { return time.Now().Add(time.Duration(m.clock.Load())).Round(0) }

// errAway is why a step is not done.
var errAway = errors.New("not there")

// run does the steps until it is calm, and leaves the machine up unless it is to be
// absent.
func (m *machine) run(absent bool) {
	for _, s := range m.steps {
		m.wait(m.s.began.Add(s.at))
		m.s.note(m, s, m.do(s))
	}
	m.wait(m.s.began.Add(m.s.plan.calm))
	m.cut.arm(nil)
	m.wait(time.Now().Add(time.Second)) // a commit may have been at its crash
	m.cut.arm(nil)
	if absent {
		m.left = m.s.oracle.own(m)
		m.stop()
	}
}

// wait waits until a time, and recovers from crashes meanwhile.
func (m *machine) wait(until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		select {
		case <-m.struck:
			m.trace.printf("crashed at a commit")
			m.vanish(m.away)
		case look := <-m.looks:
			look()
		case <-timer.C:
			return
		}
	}
}

// do does one step. Errors are what a user would see.
func (m *machine) do(s step) error {
	switch s.verb {
	case doLie:
		m.rogue.tell(lie(s.text))
		return nil
	case doClock:
		m.clock.Store(int64(s.count) * int64(time.Minute))
		time.AfterFunc(min(s.span, m.s.left()), func() { m.clock.Store(0) })
		return nil
	case doKill, doCrash, doPower, doFull:
		if m.rogue != nil {
			return nil
		}
	}
	switch s.verb {
	case doAway:
		m.stop()
		time.Sleep(s.span)
		m.begin()
		return nil
	case doKill:
		m.s.w.net.Down(m.ip, true)
		m.cut.halt()
		m.vanish(s.span)
		return nil
	case doCrash, doPower:
		m.arm(s)
		return nil
	case doFull:
		m.cut.fill(diskFull(m.node != nil))
		time.AfterFunc(min(s.span, m.s.left()), func() { m.cut.fill(nil) })
		return nil
	case doCut, doOneWay, doLate, doWear, doDown:
		m.s.disturb(m, s)
		return nil
	}
	if !m.up || time.Since(m.s.began.Add(s.at)) > time.Second {
		return errAway
	}
	return m.act(s)
}

// diskFull is what the store of a node, or that of a relay, meets on a full disk.
func diskFull(node bool) error {
	if node {
		return store.ErrDiskFull
	}
	return &fs.PathError{Op: "write", Path: "relay.db", Err: syscall.ENOSPC}
}

// arm lets the machine crash at one of its next commits.
func (m *machine) arm(s step) {
	m.point = &crashPoint{
		dir: m.dir, count: s.count, power: s.verb == doPower && m.node != nil,
		rng: rand.New(rand.NewPCG(m.s.plan.seed, uint64(s.at))),
	}
	m.away = s.span
	m.cut.arm(m.point.at)
}

// strike is called at the commit at which the machine crashes.
func (m *machine) strike() {
	m.s.w.net.Down(m.ip, true)
	select {
	case m.struck <- struct{}{}:
	default:
	}
}

// vanish ends a machine that commits nothing any more, and starts it again.
func (m *machine) vanish(span time.Duration) {
	m.s.w.net.Down(m.ip, true)
	m.stop()
	m.crashed()
	time.Sleep(span)
	m.s.w.net.Down(m.ip, false)
	m.begin()
}

// crashed leaves on the disk what the crash does, after which there is none planned.
func (m *machine) crashed() {
	select {
	case <-m.struck:
	default:
	}
	if m.point != nil {
		if err := m.point.restore(); err != nil {
			m.s.found("%s: restore the disk: %v", m.name, err)
		}
		if m.point.power {
			m.trace.printf("lost what was not synced")
			m.s.oracle.lostPower(m)
		}
	}
	m.point = nil
	m.cut.arm(nil)
}

// stop ends the program.
func (m *machine) stop() {
	m.up = false
	if m.unwatch != nil {
		m.unwatch()
		m.watched.Wait()
		m.unwatch = nil
	}
	switch {
	case m.node != nil:
		m.node.halt()
	case m.relay != nil:
		m.relay.halt()
	}
	m.trace.printf("stopped")
}

// begin starts the program. It may crash on the way, once.
func (m *machine) begin() {
	for try := 0; ; try++ {
		err := m.open()
		if err == nil {
			break
		}
		if errors.Is(err, store.ErrDiskFull) || errors.Is(err, syscall.ENOSPC) {
			m.trace.printf("not started: %v", err)
			time.Sleep(time.Second)
			try--
			continue
		}
		if !errors.Is(err, errCut) || try > 0 {
			m.s.found("%s does not start: %v", m.name, err)
			return
		}
		m.trace.printf("crashed while it started")
		m.crashed()
		m.s.w.net.Down(m.ip, false)
	}
	m.up, m.since = true, time.Now()
	m.trace.printf("started")
	if m.node != nil {
		var ctx context.Context
		ctx, m.unwatch = context.WithCancel(context.Background())
		m.watched.Go(func() { m.watch(ctx) })
	}
}

func (m *machine) open() error {
	switch {
	case m.node != nil:
		return m.node.open()
	case m.relay != nil:
		return m.relay.open()
	}
	return nil
}

// watch tells the oracle what is shown to the user.
func (m *machine) watch(ctx context.Context) {
	for ctx.Err() == nil {
		events, from, err := m.node.Events().Subscribe(ctx, m.lastID)
		if err != nil {
			return
		}
		m.lastID = from
		for e := range events {
			if e.ID > 0 {
				m.lastID = e.ID
			}
			switch {
			case e.Event == localapi.EventMessage && e.Message != nil:
				m.trace.printf("shows %s of %s", e.Message.Text, m.s.nameOf(e.Message.From))
				m.s.oracle.shown(m, e)
			case e.Event == localapi.EventState && e.Delivery != nil:
				m.s.oracle.progress(m, *e.Delivery)
			}
		}
	}
}

// patienceOfUser is how long a user waits for a command.
const patienceOfUser = 20 * time.Second

// errAsks is why a user writes nothing to whom it knows from a group alone: that would be
// asking to be a contact, and nobody answers here.
var errAsks = errors.New("not a contact")

// act does what a user does.
func (m *machine) act(s step) error {
	ctx, cancel := context.WithTimeout(context.Background(), patienceOfUser)
	defer cancel()
	peer := m.s.machines[s.peer]
	switch s.verb {
	case doAdd:
		_, err := m.node.AddContact(ctx, peer.node.link, "")
		if err == nil {
			m.s.oracle.met(m, peer)
		}
		return err
	case doSend:
		if !m.s.oracle.know(m, peer) {
			return errAsks
		}
		said := m.s.oracle.says(m, peer, s.text)
		d, err := m.node.Send(ctx, peer.node.id, s.text)
		m.s.oracle.saidSo(said, d, err)
		return err
	}
	return m.s.groups[s.group].act(ctx, m, s)
}
