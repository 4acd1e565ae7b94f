package integration

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// The long form, which takes a few minutes:
//
//	go test ./integration -run TestRelayFaults -timeout 1h -relay.long
var relayLong = flag.Bool("relay.long", false, "TestRelayFaults in full: 200 kills, 1,000 commits, a million messages")

// TestRelayFaults does to a real relay what happens to machines. What it
// acknowledged must be there afterwards, and the numbers of an inbox never go
// back.
func TestRelayFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	t.Run("kill", killUnderLoad)
	t.Run("power", losePower)
	t.Run("sync", syncBeforeAnswer)
	t.Run("disk", fillDisk)
	t.Run("damage", damageFile)
	t.Run("restart", restartFull)
}

// inLong is the first number in the short form, and the second in the long one.
func inLong(short, long int) int {
	if *relayLong {
		return long
	}
	return short
}

// needs skips a test for want of something, unless that is what CI must have.
func needs(t *testing.T, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s: %v", what, err)
	default:
		t.Skipf("%s: %v", what, err)
	}
}

// mailbox is one inbox of the relay and what is known of it.
type mailbox struct {
	id  rpc.Identity
	key ed25519.PrivateKey

	mu      sync.Mutex
	asked   map[string]bool   // payloads that somebody tried to deposit
	stored  map[uint64]string // that were acknowledged
	highest uint64            // number that was seen
	asking  uint64            // up to which an ack was sent
	acked   uint64            // up to which one was acknowledged
}

func newMailboxes(t *testing.T, n int) []*mailbox {
	t.Helper()
	boxes := make([]*mailbox, n)
	for i := range boxes {
		id, key, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		boxes[i] = &mailbox{id: id, key: key, asked: make(map[string]bool), stored: make(map[uint64]string)}
	}
	return boxes
}

// deposit makes one call; an error of it is returned when the relay has refused.
func (b *mailbox) deposit(ctx context.Context, c *client, payload string) error {
	b.mu.Lock()
	b.asked[payload] = true
	before := b.highest
	b.mu.Unlock()
	seq, err := c.Enqueue(ctx, b.id, rpc.Channel{}, []byte(payload))
	if err != nil {
		return err
	}
	return b.note(seq, payload, before)
}

// note keeps what was acknowledged. before is the highest number that was known
// when the deposit began.
func (b *mailbox) note(seq uint64, payload string, before uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if seq <= before || b.stored[seq] != "" {
		return fmt.Errorf("number %d for a deposit that began after number %d", seq, before)
	}
	b.stored[seq] = payload
	b.highest = max(b.highest, seq)
	return nil
}

// ack acknowledges all up to a number.
func (b *mailbox) ack(ctx context.Context, owner *client, upTo uint64) error {
	b.mu.Lock()
	b.asking = max(b.asking, upTo)
	b.mu.Unlock()
	err := owner.Ack(ctx, b.id, rpc.Channel{}, upTo)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.acked = max(b.acked, upTo)
	}
	return err
}

// peekAll reads a whole inbox.
func peekAll(ctx context.Context, owner *client) (all []rpc.Envelope, err error) {
	after := uint64(0)
	for {
		list, err := owner.Peek(ctx, owner.id, rpc.Channel{}, after, 0, 0)
		if err != nil || len(list) == 0 {
			return all, err
		}
		all = append(all, list...)
		after = list[len(list)-1].Seq
	}
}

// check compares what the relay has with what it acknowledged.
func (b *mailbox) check(got []rpc.Envelope) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	there := make(map[uint64]bool)
	last := b.acked
	for _, e := range got {
		there[e.Seq] = true
		want, stored := b.stored[e.Seq]
		switch {
		case e.Seq <= last:
			return fmt.Errorf("number %d after %d, which was served or acknowledged", e.Seq, last)
		case !b.asked[string(e.Data)]:
			return fmt.Errorf("number %d is nothing that was deposited: %.40q", e.Seq, e.Data)
		case stored && want != string(e.Data):
			return fmt.Errorf("number %d is %.40q, and was %.40q", e.Seq, e.Data, want)
		}
		last = e.Seq
		b.highest = max(b.highest, e.Seq)
	}
	for seq := range b.stored {
		if seq > b.asking && !there[seq] {
			return fmt.Errorf("number %d was acknowledged and is lost; %d are there", seq, len(got))
		}
	}
	return nil
}

// visit lets the owner of an inbox look, after every fault, and take all out of
// some.
func (b *mailbox) visit(ctx context.Context, url string, empty bool) error {
	owner, err := dialAs(ctx, b.key, url)
	if err != nil {
		return err
	}
	defer owner.close()
	got, err := peekAll(ctx, owner)
	if err != nil {
		return err
	}
	if err := b.check(got); err != nil || !empty || len(got) == 0 {
		return err
	}
	if err := b.ack(ctx, owner, got[len(got)-1].Seq); err != nil {
		return err
	}
	rest, err := peekAll(ctx, owner)
	if err == nil && len(rest) != 0 {
		err = fmt.Errorf("%d payloads in an inbox that was emptied", len(rest))
	}
	return err
}

// killUnderLoad kills the relay while many deposit, some take out, and now and then
// its file is made small.
func killUnderLoad(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(inLong(1, 4))*patience)
	defer cancel()
	relay := relayProcess(t)
	boxes := newMailboxes(t, 10)
	total := 0
	for round := range inLong(10, 200) {
		if err := relay.start(); err != nil {
			t.Fatal(err)
		}
		url := relay.line().URL
		for i, b := range boxes {
			if err := b.visit(ctx, url, (i+round)%4 == 0); err != nil {
				t.Fatalf("round %d, inbox %d: %v", round, i, err)
			}
		}
		total += loadAndKill(ctx, t, relay, boxes, round)
	}
	if err := relay.start(); err != nil {
		t.Fatal(err)
	}
	for i, b := range boxes {
		if err := b.visit(ctx, relay.line().URL, false); err != nil {
			t.Fatalf("at the end, inbox %d: %v", i, err)
		}
	}
	t.Logf("%d deposits were acknowledged", total)
}

// loadAndKill returns how many deposits were acknowledged before the end.
func loadAndKill(ctx context.Context, t *testing.T, relay *process, boxes []*mailbox, round int) int {
	t.Helper()
	var clients []*client
	for range 4 {
		c, err := newClient(ctx, relay.line().URL)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	owner, err := dialAs(ctx, boxes[0].key, relay.line().URL)
	if err != nil {
		t.Fatal(err)
	}
	acked := make(chan struct{}, 1<<20)
	over := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			depositMany(ctx, t, clients[i%len(clients)], boxes, fmt.Sprintf("%d.%d", round, i), acked, over)
		})
	}
	wg.Go(func() { takeMany(ctx, t, owner, boxes[0], over) })
	if round%3 == 0 { // most often it is killed on the way
		wg.Go(func() { _ = relay.call(func([]byte) error { return nil }, "relay", "compact") })
	}
	enough := 1 + rand.IntN(200)
	for range enough {
		select {
		case <-acked:
		case <-ctx.Done():
			t.Fatal("deposits are not acknowledged")
		}
	}
	relay.kill()
	close(over)
	for _, c := range append(clients, owner) {
		c.close()
	}
	wg.Wait()
	return enough + len(acked)
}

// depositMany deposits until the relay is gone.
func depositMany(ctx context.Context, t *testing.T, c *client, boxes []*mailbox, name string, acked chan<- struct{}, over <-chan struct{}) {
	for i := 0; ; i++ {
		payload := fmt.Sprintf("%s.%d %s", name, i, strings.Repeat("x", rand.IntN(3000)))
		err := boxes[rand.IntN(len(boxes))].deposit(ctx, c, payload)
		switch {
		case err == nil:
			acked <- struct{}{}
			continue
		case errors.Is(err, rpc.ErrQueueFull):
			continue
		case !errors.Is(err, rpc.ErrDisconnected):
			t.Errorf("deposit: %v", err)
		}
		// Whether the relay was killed already is known in a moment.
		select {
		case <-over:
		case <-time.After(patience):
			t.Errorf("deposit, before the kill: %v", err)
		}
		return
	}
}

// takeMany takes mail out until the relay is gone.
func takeMany(ctx context.Context, t *testing.T, owner *client, b *mailbox, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		default:
		}
		list, err := owner.Peek(ctx, b.id, rpc.Channel{}, 0, 10, time.Second)
		if err == nil && len(list) > 0 {
			err = b.ack(ctx, owner, list[len(list)-1].Seq)
		}
		if err != nil && !errors.Is(err, rpc.ErrDisconnected) {
			t.Errorf("take mail: %v", err)
			return
		}
	}
}
