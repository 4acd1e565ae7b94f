package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// restartGoal is what a start with a million queued messages may take.
const restartGoal = 2 * time.Second

// restartFull starts a relay that keeps many messages. What the start takes beyond that of an empty relay is compared with the time that it
// takes to read the file once, because machines differ.
func restartFull(t *testing.T) {
	messages := inLong(20_000, 1_000_000)
	relay := relayProcess(t)
	relay.kill()
	empty := startTime(t, relay)
	boxes, err := identities(messages / 200)
	if err != nil {
		t.Fatal(err)
	}
	relay.kill()
	path := filepath.Join(relay.home, "relay.db")
	if err := fillStore(t.Context(), path, boxes, 200); err != nil {
		t.Fatal(err)
	}
	read := readTime(t, path)
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

// fillStore puts each times a payload into every inbox of a relay that is stopped,
// with many at once so that they share commits.
func fillStore(ctx context.Context, path string, boxes []rpc.Identity, each int) error {
	s, err := store.Open(store.Config{Path: path})
	if err != nil {
		return err
	}
	writer, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(writer) }()
	const depositors = 1000
	group, ctx := errgroup.WithContext(ctx)
	for d := range depositors {
		group.Go(func() error {
			payload := make([]byte, 1<<10)
			for n := d; n < len(boxes)*each; n += depositors {
				copy(payload, fmt.Sprint(n))
				if _, err := s.Append(ctx, store.Depositor{}, []store.Inbox{{Owner: boxes[n%len(boxes)]}}, payload); err != nil {
					return fmt.Errorf("append %d: %w", n, err)
				}
			}
			return nil
		})
	}
	err = group.Wait()
	stop()
	return errors.Join(err, <-done, s.Close())
}
