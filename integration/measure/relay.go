package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const enqueueTime = 3 * time.Second

// relay times durable deposits of 1 KiB from many clients at once.
func (m *measurement) relay(ctx context.Context) error {
	r, err := m.begin(ctx, "mailbox", "relay", "run", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1")
	if err != nil {
		return err
	}
	defer r.end()
	url, err := transport.ParseRelayURL(r.ready.URL)
	if err != nil {
		return err
	}
	sync, err := syncTime(filepath.Dir(r.home), 500)
	if err != nil {
		return err
	}
	perSecond := float64(time.Second) / float64(sync)
	for _, clients := range []int{1, 16, 256} {
		rate, err := enqueueRate(ctx, url, clients)
		if err != nil {
			return fmt.Errorf("%d clients: %w", clients, err)
		}
		m.row(fmt.Sprintf("durable deposits of 1 KiB a second, %d clients", clients), fmt.Sprintf("%.0f/s", rate),
			fmt.Sprintf("syncs = %.0f/s", perSecond), fmt.Sprintf("%.1f", rate/perSecond))
	}
	return nil
}

// enqueueRate is how many deposits a second that many clients, each with a
// connection of its own and one call in flight, get acknowledged together.
func enqueueRate(ctx context.Context, url transport.RelayURL, clients int) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	callers := make([]*rpc.Client, clients)
	for i := range callers {
		c, end, err := dial(ctx, url)
		if err != nil {
			return 0, err
		}
		defer end()
		callers[i] = c
	}
	inboxes, err := someIdentities(1000)
	if err != nil {
		return 0, err
	}
	var (
		done   atomic.Int64
		failed atomic.Pointer[error]
		wg     sync.WaitGroup
	)
	payload := make([]byte, 1<<10)
	payload[0] = 0x03
	began := time.Now()
	for i, c := range callers {
		wg.Go(func() {
			for n := i; time.Since(began) < enqueueTime; n += clients {
				if _, err := c.Enqueue(ctx, inboxes[n%len(inboxes)], rpc.Channel{}, payload); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}

// dial connects a host of its own to the relay.
func dial(ctx context.Context, url transport.RelayURL) (c *rpc.Client, end func(), err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	h, err := transport.New(transport.Config{PrivateKey: key, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	if err != nil {
		return nil, nil, err
	}
	h.Learn(url.Key, transport.SourceUser, url.Addrs())
	s, err := h.Open(ctx, url.Key)
	if err != nil {
		return nil, nil, fmt.Errorf("reach relay: %w", err)
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{})
	return conn.Client(), func() { conn.Close(); h.Close() }, nil
}

func someIdentities(n int) ([]rpc.Identity, error) {
	ids := make([]rpc.Identity, n)
	for i := range ids {
		pub, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		ids[i] = rpc.Identity(pub)
	}
	return ids, nil
}
