package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"quicnprotochat/rpc"
)

// restartGoal is what a start with a million queued messages may take.
const restartGoal = 2 * time.Second

// restartFull kills a relay that keeps many messages, and starts it again. What
// the start takes beyond that of an empty relay is compared with the time that it
// takes to read the file once, because machines differ.
func restartFull(t *testing.T) {
	messages := inLong(4_000, 1_000_000)
	relay := relayProcess(t)
	relay.kill()
	empty := startTime(t, relay)
	boxes, err := identities(messages / 200)
	if err != nil {
		t.Fatal(err)
	}
	if err := fillRelay(t.Context(), relay.line().URL, boxes, 200); err != nil {
		t.Fatal(err)
	}
	relay.kill()
	read := readTime(t, filepath.Join(relay.home, "relay.db"))
	full := startTime(t, relay)
	t.Logf("%d messages: starts in %v, empty in %v; its file is read in %v", messages, full, empty, read)
	if full > restartGoal && full > empty+4*read {
		t.Errorf("start with %d messages: got %v, want %v, or %v with %v for each reading of the file",
			messages, full, restartGoal, empty+4*read, read)
	}
}

// startTime is how long a relay takes to its ready line.
func startTime(t *testing.T, relay *process) time.Duration {
	t.Helper()
	began := time.Now()
	if err := relay.start(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// readTime reads a file page by page, as a check of it has to.
func readTime(t *testing.T, path string) time.Duration {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, pageSize)
	began := time.Now()
	for err == nil {
		_, err = f.Read(page)
	}
	return time.Since(began)
}

// fillRelay deposits each times in every inbox, from several depositors.
func fillRelay(ctx context.Context, url string, boxes []rpc.Identity, each int) error {
	group, ctx := errgroup.WithContext(ctx)
	const depositors, inFlight = 8, 32
	for d := range depositors {
		c, err := newClient(ctx, url)
		if err != nil {
			return err
		}
		defer c.close()
		for i := range inFlight {
			group.Go(func() error {
				payload := make([]byte, 1<<10)
				for n := d*inFlight + i; n < len(boxes)*each; n += depositors * inFlight {
					copy(payload, fmt.Sprint(n))
					if _, err := c.Enqueue(ctx, boxes[n%len(boxes)], rpc.Channel{}, payload); err != nil {
						return fmt.Errorf("deposit %d: %w", n, err)
					}
				}
				return nil
			})
		}
	}
	return group.Wait()
}
