package integration

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"sync"
	"testing"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// The long form takes ten minutes and much memory for the clients themselves:
//
//	go test ./integration -run TestRelayCrowd -timeout 1h -relay.idle 10000
var relayIdle = flag.Int("relay.idle", 50, "TestRelayCrowd: clients that wait for mail")

// TestRelayCrowd lets many wait for mail while some flood a relay, send garbage, or
// ask for much and read nothing. Two who chat do not notice, and each who waits
// gets what comes.
func TestRelayCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real process")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience+time.Duration(*relayIdle)*time.Second/10)
	defer cancel()
	url := relayProcess(t).line().URL
	bad, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	waiting := make([]*client, *relayIdle)
	came := make(chan error, len(waiting))
	for i := range waiting {
		c, err := newClient(ctx, url)
		for range 5 { // among thousands a dial may find no answer in time
			if err == nil {
				break
			}
			c, err = newClient(ctx, url)
		}
		if err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		defer c.close()
		waiting[i] = c
		wg.Go(func() { came <- waitForOne(ctx, c) })
	}
	for _, abuse := range []func(context.Context, *testing.T, string){crowdFlood, crowdNoise, crowdDeaf} {
		for range 2 {
			wg.Go(func() { abuse(bad, t, url) })
		}
	}
	chatBeside(ctx, t, url)
	writer, err := newClient(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.close()
	for _, c := range waiting {
		if _, err := writer.Enqueue(ctx, c.id, rpc.Channel{}, []byte("at last")); err != nil {
			t.Fatal(err)
		}
	}
	for range waiting {
		if err := <-came; err != nil {
			t.Error(err)
		}
	}
}

// waitForOne waits for one payload.
func waitForOne(ctx context.Context, c *client) error {
	for {
		got, err := c.Peek(ctx, c.id, rpc.Channel{}, 0, 0, 20*time.Second)
		if err != nil || len(got) == 1 && string(got[0].Data) == "at last" {
			return err
		}
		if len(got) > 0 {
			return errors.New("another's mail")
		}
	}
}

// chatBeside lets one write and another read and acknowledge.
func chatBeside(ctx context.Context, t *testing.T, url string) {
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
	for i := range 30 {
		seq, err := a.Enqueue(ctx, b.id, rpc.Channel{}, []byte("hello"))
		if err != nil {
			t.Fatalf("deposit %d: %v", i, err)
		}
		got, err := b.Peek(ctx, b.id, rpc.Channel{}, 0, 0, time.Minute)
		if err != nil || len(got) != 1 || got[0].Seq != seq {
			t.Fatalf("payload %d: got %v, %v", i, got, err)
		}
		if err := b.Ack(ctx, b.id, rpc.Channel{}, seq); err != nil {
			t.Fatal(err)
		}
	}
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
