package homes

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/transport"
)

// crowded is a relay as those who visit it see it. It answers who calls it after a round
// trip, and nobody while it is away, of which a dial learns after a while.
type crowded struct {
	// mu guards the fields below.
	mu    sync.Mutex
	gone  chan struct{} // closed when all connections break
	away  bool
	here  int           // who is connected
	calls map[int]int   // dials in each second since began
	came  map[int]int   // connections made
	began time.Time     // of the count
	last  time.Duration // when somebody came last
}

const (
	roundTrip = 40 * time.Millisecond
	dialTime  = 5 * time.Second
)

var errAway = errors.New("no answer")

// visit is Config.Visit.
func (c *crowded) visit(ctx context.Context, v *Visit) error {
	c.mu.Lock()
	c.calls[int(time.Since(c.began)/time.Second)]++
	away, gone := c.away, c.gone
	c.mu.Unlock()
	if away {
		time.Sleep(dialTime)
		return errAway
	}
	time.Sleep(roundTrip)
	v.Reached()
	c.mu.Lock()
	c.here++
	c.last = time.Since(c.began)
	c.came[int(c.last/time.Second)]++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.here--
		c.mu.Unlock()
	}()
	for {
		select {
		case <-gone:
			return errors.New("connection lost")
		case <-ctx.Done():
			return ctx.Err()
		case <-v.Refresh:
		}
	}
}

// lose breaks all connections and begins to count.
func (c *crowded) lose(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.gone)
	c.gone, c.away = make(chan struct{}), away
	c.count()
}

// count begins to count; c.mu is held.
func (c *crowded) count() {
	c.calls, c.came, c.began = make(map[int]int), make(map[int]int), time.Now()
}

// TestThousand lets 1,000 nodes lose their relay at once, which is back at once, and
// again when it is away for a minute: they do not all come back in one second, and
// are all there soon. It is the code of the nodes that draws when to come back and
// that dials; the relay and the network are simulated.
func TestThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes = 1000
		relay := &crowded{gone: make(chan struct{})}
		relay.count()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		for range nodes {
			h := New(Config{
				Visit: relay.visit, Changed: func() {}, Log: slog.New(slog.DiscardHandler),
				Patience: func(error) time.Duration { return 0 },
			})
			h.Add(transport.RelayURL{Key: transport.Key{1}})
			h.Start(func(fn func(context.Context)) bool { wg.Go(func() { fn(ctx) }); return true })
			if time.Sleep(7 * time.Millisecond); h.Keys()[0] != (transport.Key{1}) { // they did not all start at once
				t.Fatal("the relay is not among those that are visited")
			}
		}
		time.Sleep(time.Hour)
		for _, away := range []time.Duration{0, time.Minute} {
			relay.lose(away > 0)
			time.Sleep(away)
			relay.mu.Lock()
			if away > 0 && relay.here > 0 {
				t.Errorf("%d are connected to a relay that is away", relay.here)
			}
			relay.away = false
			if away > 0 {
				check(t, "dials while it is away", relay.calls, nodes)
			}
			relay.count()
			relay.mu.Unlock()
			time.Sleep(2 * mostPause)
			relay.mu.Lock()
			if relay.here != nodes {
				t.Errorf("away for %v: %d of %d are back", away, relay.here, nodes)
			}
			t.Logf("away for %v: the last of %d was back after %v", away, nodes, relay.last)
			check(t, "connections", relay.came, nodes)
			check(t, "dials", relay.calls, nodes)
			relay.mu.Unlock()
			time.Sleep(time.Hour)
		}
	})
}

// TestRestart lets a relay be away for as long as a restart may take: who lost it is back
// within the time of a dial that has begun and of the pause behind that. One that answers
// with an error at once is visited less and less often.
func TestRestart(t *testing.T) {
	for _, away := range []time.Duration{0, 2 * time.Second, 10 * time.Second, time.Minute, soon - dialTime} {
		synctest.Test(t, func(t *testing.T) {
			relay := &crowded{gone: make(chan struct{})}
			relay.count()
			defer visit(t, relay.visit)()
			time.Sleep(time.Hour)
			relay.lose(away > 0)
			time.Sleep(away)
			relay.mu.Lock()
			relay.away = false
			relay.mu.Unlock()
			time.Sleep(2 * mostPause)
			relay.mu.Lock()
			defer relay.mu.Unlock()
			took := relay.last - away
			if t.Logf("away for %v: back after %v", away, took); relay.here != 1 || took > dialTime+leastPause+roundTrip {
				t.Errorf("away for %v: back after %v", away, took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		visits := 0
		end := visit(t, func(context.Context, *Visit) error {
			visits++
			return errors.New("too busy")
		})
		time.Sleep(time.Hour)
		end()
		if visits > 200 {
			t.Errorf("a busy relay was visited %d times in an hour", visits)
		}
	})
}

// visit keeps in touch with one relay until the returned function is called.
func visit(t *testing.T, at func(context.Context, *Visit) error) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	h := New(Config{Visit: at, Changed: func() {}, Log: slog.New(slog.DiscardHandler), Patience: func(error) time.Duration { return 0 }})
	h.Add(transport.RelayURL{Key: transport.Key{1}})
	h.Start(func(fn func(context.Context)) bool { wg.Go(func() { fn(ctx) }); return true })
	return func() {
		cancel()
		wg.Wait()
	}
}

// check complains of a second in which more than a third of the nodes did something.
func check(t *testing.T, what string, second map[int]int, nodes int) {
	t.Helper()
	most := 0
	for s, n := range second {
		if most = max(most, n); n > nodes/3 {
			t.Errorf("%s: %d of %d nodes in second %d", what, n, nodes, s)
		}
	}
	t.Logf("%s: at most %d in one second", what, most)
}
