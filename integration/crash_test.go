package integration

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/socket"
)

// The long form, which takes a few minutes:
//
//	go test ./integration -run 'TestCrash|TestCut' -timeout 1h -crash.rounds 100 -crash.every
//
// A failed world names its seed; with that seed and as many rounds the same
// kills are planned again.
var (
	crashRounds = flag.Int("crash.rounds", 4, "rounds of kills at random moments in TestCrash")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of the first world of TestCrash; 0 takes one by chance")
	crashEvery  = flag.Bool("crash.every", false, "halt at every commit in TestCutEverywhere")
)

// worldRounds is how many rounds of kills one conversation goes through. The
// first one is also that in which it begins.
const worldRounds = 5

// TestCrash kills real processes with SIGKILL. Whatever a command has printed
// about must be in the history of both sides once, in one order, and get its
// receipt.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	t.Run("start", killStart)
	t.Run("sender", killSender)
	t.Run("relay", killRelay)
	t.Run("receiver/direct", killReceiverDirect)
	t.Run("receiver/mailbox", killReceiverMailbox)
	t.Run("random", func(t *testing.T) {
		seed := *crashSeed
		if seed == 0 {
			seed = rand.Uint64N(1 << 32)
		}
		for left := *crashRounds; left > 0; left -= worldRounds {
			rounds := min(left, worldRounds)
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { killAtRandom(t, seed, rounds) })
			seed++
		}
	})
}

// starts is how often the first start of each is cut short, each time a little
// later.
const (
	starts    = 12
	startStep = 25 * time.Millisecond
)

// killStart kills each of the three while it starts on a new home, until it may.
// Who it once said that it is, it stays.
func killStart(t *testing.T) {
	t.Parallel()
	c, link := startCrash(t, func(p *process) {
		identity := ""
		for i := range starts {
			if err := p.spawn(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i) * startStep)
			if !p.isReady() {
				p.kill()
				continue
			}
			if got := p.line().Identity; identity != "" && got != identity {
				t.Errorf("%s: was %s and is %s", p.name, identity, got)
			}
			identity = p.line().Identity
			p.kill()
		}
	})
	c.meet(link)
}

// killSender kills the sender when `send` has printed its line: the receiver is
// there, then only the relay, then nobody.
func killSender(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	for _, away := range [][]*process{nil, {c.bob}, {c.bob, c.relay}} {
		for _, p := range away {
			p.kill()
		}
		for i := range 3 {
			c.send(c.alice, c.bob, fmt.Sprintf("%d away, %d", len(away), i))
			c.alice.kill()
			c.startAll(c.alice)
		}
		c.startAll(away...)
		c.settle()
	}
}

// killRelay kills the relay when the sender has its acknowledgement, and the
// sender as well: the relay alone must have the message. The receiver's
// acknowledgements come back to a relay that is killed in the same way.
func killRelay(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	for i := range 3 {
		c.bob.kill()
		text := fmt.Sprintf("kept %d", i)
		c.send(c.alice, c.bob, text, "--wait", "stored", "--timeout", patience.String())
		c.relay.kill()
		c.alice.kill()
		c.startAll(c.relay, c.bob)
		c.eventually("bob shows "+text, func() (bool, error) {
			shown, err := c.bob.history("alice")
			return slices.ContainsFunc(shown, func(m localapi.Message) bool { return m.Text == text }), err
		})
		c.relay.kill()
		c.startAll(c.alice, c.relay)
		c.settle()
	}
}

// streamed is how many messages the receiver is killed in.
const streamed = 200

// killReceiverDirect kills the receiver of a stream three times, and leaves it
// to start while the stream goes on.
func killReceiverDirect(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.stream()
	}()
	for _, shown := range []int{streamed / 8, streamed / 3, streamed / 2} {
		c.untilBobShows(shown)
		c.bob.kill()
		c.startAll(c.bob)
	}
	<-done
	c.settle()
}

// killReceiverMailbox kills the receiver three times while it takes a stream
// from the relay; the sender is away.
func killReceiverMailbox(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	c.bob.kill()
	c.stream()
	c.eventually("all are stored", func() (bool, error) {
		sent, err := c.alice.history("bob")
		return len(sent) > streamed && !slices.ContainsFunc(sent, func(m localapi.Message) bool { return m.State == localapi.Queued }), err
	})
	c.alice.kill()
	for _, shown := range []int{0, streamed / 8, streamed / 2} {
		c.startAll(c.bob)
		c.untilBobShows(shown)
		c.bob.kill()
	}
	c.startAll(c.bob)
	c.untilBobShows(streamed)
	c.startAll(c.alice)
	c.settle()
}

// crash is two nodes with one relay, and what they must show in the end.
type crash struct {
	t                 *testing.T
	relay, alice, bob *process

	// mu guards the fields below.
	mu    sync.Mutex
	wants []want
}

// newCrash starts the three; alice and bob have exchanged a message.
func newCrash(t *testing.T) *crash {
	t.Helper()
	c, link := startCrash(t, nil)
	c.meet(link)
	return c
}

// startCrash starts the three and returns bob's link; nobody has used it yet. If
// first is not nil, it is called with each before it is started.
func startCrash(t *testing.T, first func(*process)) (c *crash, link string) {
	t.Helper()
	c = &crash{t: t}
	start := func(name string, args ...string) *process {
		p := notStarted(t, nil, name, args...)
		if first != nil {
			first(p)
		}
		c.startAll(p)
		return p
	}
	c.relay = start("relay", relayArgs()...)
	c.alice = start("alice", nodeArgs("alice", c.relay)...)
	c.bob = start("bob", nodeArgs("bob", c.relay)...)
	link, err := c.bob.invite()
	if err != nil {
		t.Fatal(err)
	}
	return c, link
}

// meet lets alice use bob's link and send the first message.
func (c *crash) meet(link string) {
	c.t.Helper()
	if err := c.alice.add(link); err != nil {
		c.t.Fatal(err)
	}
	c.send(c.alice, c.bob, "first")
	c.settle()
}

// send sends a text; the test ends if it does not get in.
func (c *crash) send(from, to *process, text string, more ...string) {
	if _, err := from.send(to.name, text, more...); err != nil {
		c.t.Errorf("%s: send %q: %v", from.name, text, err)
	}
	c.want(want{from: from.line().Identity, text: text})
}

func (c *crash) want(w want) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wants = append(c.wants, w)
}

// stream sends texts from alice to bob, as fast as alice takes them.
func (c *crash) stream() {
	api := localapi.NewClient(socket.Path(c.alice.home))
	defer api.Close()
	for i := range streamed {
		text := fmt.Sprintf("stream %d", i)
		if _, err := api.Send(c.t.Context(), "bob", text, "", 0); err != nil {
			c.t.Errorf("send %q: %v", text, err)
			return
		}
		c.want(want{from: c.alice.line().Identity, text: text})
	}
}

func (c *crash) startAll(all ...*process) {
	c.t.Helper()
	for _, p := range all {
		if err := p.spawn(); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, p := range all {
		if err := p.start(); err != nil {
			c.t.Fatal(err)
		}
	}
}

// eventually looks until something holds. An error is looked at again, too: the
// last one is reported when it never does.
func (c *crash) eventually(what string, look func() (bool, error)) {
	c.t.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pollPause) {
		ok, err := look()
		if err == nil && ok {
			return
		}
		last = err
	}
	c.t.Fatalf("not after %v: %s; %v", patience, what, last)
}

func (c *crash) untilBobShows(n int) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("bob shows %d messages", n), func() (bool, error) {
		shown, err := c.bob.history("alice")
		return len(shown) >= n, err
	})
}

// settle waits until everything is delivered and checks what both sides show.
func (c *crash) settle() {
	c.t.Helper()
	var a, b []localapi.Message
	why := ""
	defer func() {
		if c.t.Failed() {
			c.t.Logf("when it ended: %s", why)
		}
	}()
	c.eventually("everything is delivered and both show the same", func() (bool, error) {
		var err error
		if a, err = c.alice.history("bob"); err != nil {
			return false, err
		}
		if b, err = c.bob.history("alice"); err != nil {
			return false, err
		}
		why = notSettled(a, b)
		return why == "", nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, problem := range compare(a, c.wants) {
		c.t.Error(problem)
	}
}

// killAtRandom lets both write while any of the three are killed, one or several
// at once, also while they start again.
func killAtRandom(t *testing.T, seed uint64, rounds int) {
	t.Parallel()
	c, link := startCrash(t, nil)
	alice := &writer{c, c.alice, c.bob, c.alice.line().Identity}
	bob := &writer{c, c.bob, c.alice, c.bob.line().Identity}
	for round := range rounds {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		began := time.Now()
		pauses := [2]*rand.Rand{rand.New(rand.NewPCG(rng.Uint64(), 0)), rand.New(rand.NewPCG(rng.Uint64(), 0))}
		var wg sync.WaitGroup
		over := make(chan struct{})
		wg.Go(func() {
			if round == 0 {
				alice.add(link)
			}
			alice.write(pauses[0], round, over)
		})
		wg.Go(func() { bob.write(pauses[1], round, over) })
		kills, err := c.killSome(rng)
		close(over)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		c.settle()
		if t.Failed() {
			t.Fatalf("round %d failed; kills: %s", round, kills)
		}
		t.Logf("round %d: %.1f s, %d texts so far; kills: %s", round, time.Since(began).Seconds(), len(c.wants), kills)
	}
}

// writer is somebody who writes while processes are killed.
type writer struct {
	c        *crash
	from, to *process
	identity string
}

// add uses a link until the command says that it was kept.
func (w *writer) add(link string) {
	for end := time.Now().Add(patience); ; time.Sleep(pollPause) {
		err := w.from.add(link)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.c.t.Errorf("add: %v", err)
			return
		}
	}
}

// write sends texts one after the other until the round is over, at least one.
// What is refused before it got in is sent again; what was cut off may have got
// in or not.
func (w *writer) write(pauses *rand.Rand, round int, over chan struct{}) {
	end := time.Now().Add(patience)
	for i := 0; ; {
		select {
		case <-over:
			if i > 0 {
				return
			}
			time.Sleep(pollPause)
		case <-time.After(time.Duration(pauses.IntN(300)) * time.Millisecond):
		}
		text := fmt.Sprintf("%s %d.%d", w.from.name, round, i)
		_, err := w.from.send(w.to.name, text)
		if code := exitCode(err); code != localapi.ExitNoDaemon && code != localapi.ExitContact {
			w.c.want(want{from: w.identity, text: text, maybe: err != nil})
			i++
		} else if time.Now().After(end) {
			w.c.t.Errorf("%s: send: %v", w.from.name, err)
			return
		}
	}
}

// killSome kills and starts again, and returns when all are ready. The moments
// are those of the seed as long as the machine keeps pace.
func (c *crash) killSome(rng *rand.Rand) (kills string, err error) {
	all := []*process{c.relay, c.alice, c.bob}
	for range 1 + rng.IntN(4) {
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		victims := all[:1+rng.IntN(len(all))]
		names := make([]string, 0, len(victims))
		var wg sync.WaitGroup
		for _, p := range victims {
			names = append(names, p.name)
			wg.Go(p.kill)
		}
		wg.Wait()
		away := time.Duration(rng.IntN(1000)) * time.Millisecond
		time.Sleep(away)
		for _, p := range victims {
			if err := p.spawn(); err != nil {
				return kills, err
			}
		}
		kills = strings.TrimPrefix(kills+"; ", "; ") + fmt.Sprintf("%s for %v", strings.Join(names, "+"), away)
	}
	for _, p := range all {
		err = cmp.Or(err, p.start())
	}
	return kills, err
}
