package integration

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// The long form takes some minutes, 6 GiB for the clients, and a file descriptor for
// each (ulimit -n):
//
//	go test ./integration -run TestRelayCrowd -timeout 1h -v -relay.idle 10000
var relayIdle = flag.Int("relay.idle", 50, "TestRelayCrowd: clients that wait for mail")

// crowdDials is how many connect at a time.
const crowdDials = 16

// TestRelayCrowd lets many wait for mail while some flood a relay, send garbage, or
// ask for much and read nothing. Two who chat do not notice, and each who waits
// gets what comes. The relay has its defaults, but for how many may wait at one
// address, which here all have.
func TestRelayCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real process")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(*relayIdle)*time.Second/5)
	defer cancel()
	relay := newProcess(t, "relay", append(relayArgs(), "--max-address-waiters", strconv.Itoa(8192+*relayIdle))...)
	url := relay.line().URL
	bad, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	chatBeside(ctx, t, url, "alone")
	before := memoryOf(t, relay)
	began := time.Now()
	crowd := gather(ctx, t, url, *relayIdle)
	t.Logf("%d came in %v", len(crowd), time.Since(began))
	chatBeside(ctx, t, url, "beside those who wait")
	t.Logf("the relay takes %d KiB for each", (memoryOf(t, relay)-before)/1024/int64(*relayIdle))
	for _, abuse := range []func(context.Context, *testing.T, string){crowdFlood, crowdNoise, crowdDeaf} {
		for range 2 {
			wg.Go(func() { abuse(bad, t, url) })
		}
	}
	chatBeside(ctx, t, url, "beside a flood too")
	writer, err := newClient(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.close()
	for part := range slices.Chunk(crowd, rpc.MaxBatch) {
		var to []rpc.Identity
		for _, w := range part {
			to = append(to, w.id())
		}
		if _, err := writer.BatchEnqueue(ctx, to, rpc.Channel{}, []byte("at last")); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range crowd {
		if err := <-w.came; err != nil {
			t.Error(err)
		}
	}
}

// memoryOf is the resident memory of a process that runs, in bytes.
func memoryOf(t *testing.T, p *process) int64 {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := resident(p.run.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waiter is one of a crowd, who waits for one payload.
type waiter struct {
	key  ed25519.PrivateKey
	url  string
	came chan error // gets how it ended
}

func (w *waiter) id() rpc.Identity { return rpc.Identity(w.key.Public().(ed25519.PublicKey)) }

// gather connects many who wait until they have one payload.
func gather(ctx context.Context, t *testing.T, url string, n int) []*waiter {
	t.Helper()
	crowd := make([]*waiter, n)
	var group errgroup.Group
	group.SetLimit(crowdDials)
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	for i := range crowd {
		_, key, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		w := &waiter{key, url, make(chan error, 1)}
		crowd[i] = w
		group.Go(func() error {
			c, err := w.connect(ctx)
			if err != nil {
				return fmt.Errorf("client %d: %w", i, err)
			}
			wg.Go(func() { w.came <- w.wait(ctx, c) })
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return crowd
}

// connect connects, again and again as a node does: among thousands a dial may find
// no answer in time.
func (w *waiter) connect(ctx context.Context) (*client, error) {
	for {
		c, err := dialAs(ctx, w.key, w.url)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
	}
}

// wait waits for the payload, and connects again when the connection is gone.
func (w *waiter) wait(ctx context.Context, c *client) error {
	for {
		got, err := c.Peek(ctx, c.id, rpc.Channel{}, 0, 0, rpc.MaxWait)
		switch {
		case errors.Is(err, rpc.ErrDisconnected):
			c.close()
			if c, err = w.connect(ctx); err != nil {
				return err
			}
			continue
		case err == nil && len(got) == 0:
			continue
		case err == nil && (len(got) > 1 || string(got[0].Data) != "at last"):
			err = errors.New("another's mail")
		}
		c.close()
		return err
	}
}

// chatBeside lets one write and another read and acknowledge, and logs the time from
// the one to the other.
func chatBeside(ctx context.Context, t *testing.T, url, where string) {
	t.Helper()
	a, err := newClient(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	b, err := newClient(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	times := make([]time.Duration, 30)
	for i := range times {
		began := time.Now()
		seq, err := a.Enqueue(ctx, b.id, rpc.Channel{}, []byte("hello"))
		if err != nil {
			t.Fatalf("deposit %d: %v", i, err)
		}
		got, err := b.Peek(ctx, b.id, rpc.Channel{}, 0, 0, time.Minute)
		if err != nil || len(got) != 1 || got[0].Seq != seq {
			t.Fatalf("payload %d: got %v, %v", i, got, err)
		}
		times[i] = time.Since(began)
		if err := b.Ack(ctx, b.id, rpc.Channel{}, seq); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("two chat %s: p50 %v, slowest %v", where, median(times), slices.Max(times))
}

// crowdFlood deposits as much as it can in one inbox, by one identity.
func crowdFlood(ctx context.Context, t *testing.T, url string) {
	c, err := newClient(ctx, url)
	if err != nil {
		return
	}
	defer c.close()
	victim, _, err := newKey()
	if err != nil {
		t.Error(err)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := c.Enqueue(ctx, victim, rpc.Channel{}, make([]byte, 4096))
				if errors.Is(err, rpc.ErrInternal) {
					t.Error(err)
				}
				if err != nil {
					time.Sleep(time.Millisecond) // refused: this machine has other tests too
				}
			}
		})
	}
	wg.Wait()
}

// crowdNoise opens streams and writes noise.
func crowdNoise(ctx context.Context, t *testing.T, url string) {
	noise := make([]byte, 64<<10)
	for ctx.Err() == nil {
		_, key, err := newKey()
		if err != nil {
			t.Error(err)
			return
		}
		s, h, err := openAs(ctx, key, url)
		if err != nil {
			continue
		}
		_, _ = rand.Read(noise)
		_, _ = s.Write(noise)
		_ = h.Close()
	}
}

// crowdDeaf asks for large answers again and again, and reads none.
func crowdDeaf(ctx context.Context, t *testing.T, url string) {
	_, key, err := newKey()
	if err != nil {
		t.Error(err)
		return
	}
	c, err := dialAs(ctx, key, url)
	if err != nil {
		return
	}
	_, err = c.Enqueue(ctx, c.id, rpc.Channel{}, make([]byte, rpc.MaxPayload))
	c.close()
	if err != nil {
		return
	}
	s, h, err := openAs(ctx, key, url)
	if err != nil {
		return
	}
	conn := rpc.NewConn(unread{s, ctx.Done()}, rpc.ConnConfig{})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() { _, _ = conn.Client().Peek(ctx, rpc.Identity(h.Key()), rpc.Channel{}, 0, 0, 0) })
	}
	<-ctx.Done()
	_ = h.Close()
	_ = conn.Close()
	wg.Wait()
}

// unread is a stream that nobody reads.
type unread struct {
	*transport.Stream
	over <-chan struct{}
}

func (u unread) Read([]byte) (int, error) {
	<-u.over
	return 0, errors.New("over")
}
