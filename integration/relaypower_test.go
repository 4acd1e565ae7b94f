package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

const (
	pageSize   = 4 << 10 // of the file; its first two pages are the meta pages
	sectorSize = 512     // what a disk writes whole or not at all
	metaPages  = 2
)

// losePower takes the file of a relay before and after each commit, and makes of
// the two what a disk may hold when the power fails in between: the data pages in
// part, sector by sector, or all of them and a part of the meta page. Each opens
// at the state before or after, and with all in at the one that was acknowledged.
func losePower(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	p := newPowerLoss(t, rand.New(rand.NewPCG(seed, 0)))
	before := p.read()
	was := p.state(before)
	for commit := range inLong(60, 1000) {
		p.commit()
		after := p.read()
		is := p.state(after)
		if is == was {
			t.Fatalf("commit %d changed nothing", commit)
		}
		p.loss(commit, before, after, was, is)
		if t.Failed() {
			return
		}
		before, was = after, is
	}
	p.serve(before)
}

// powerLoss is a relay that one caller at a time writes to.
type powerLoss struct {
	t       *testing.T
	rng     *rand.Rand
	relay   *process
	scratch string // folder of images
	boxes   []*mailbox
	owners  []*client
	queued  []int // what is in each box
}

func newPowerLoss(t *testing.T, rng *rand.Rand) *powerLoss {
	t.Helper()
	p := &powerLoss{t: t, rng: rng, relay: relayProcess(t), scratch: t.TempDir(), boxes: newMailboxes(t, 8)}
	p.queued = make([]int, len(p.boxes))
	for _, b := range p.boxes {
		c, err := dialAs(t.Context(), b.key, p.relay.line().URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.close)
		p.owners = append(p.owners, c)
	}
	// What the store keeps beside its file, so that it need not be made each time.
	if err := os.WriteFile(p.image()+".reserve", make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *powerLoss) image() string { return filepath.Join(p.scratch, "relay.db") }

// read returns the file as it is between two commits.
func (p *powerLoss) read() []byte {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.relay.home, "relay.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// commit makes one call that changes the store.
func (p *powerLoss) commit() {
	p.t.Helper()
	ctx, i := p.t.Context(), p.rng.IntN(len(p.boxes))
	var err error
	switch what := p.rng.IntN(10); {
	case p.queued[i] > 0 && what < 3:
		err = p.ack(ctx, i)
	case what < 5:
		err = p.batch(ctx)
	default:
		err = p.boxes[i].deposit(ctx, p.owners[0], p.payload())
		p.queued[i]++
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *powerLoss) payload() string {
	return fmt.Sprintf("%x %s", p.rng.Uint64(), strings.Repeat("x", p.rng.IntN(6000)))
}

// ack takes some out of an inbox, or all.
func (p *powerLoss) ack(ctx context.Context, i int) error {
	list, err := peekAll(ctx, p.owners[i])
	if err != nil {
		return err
	}
	if len(list) != p.queued[i] {
		return fmt.Errorf("%d payloads in inbox %d, want %d", len(list), i, p.queued[i])
	}
	n := 1 + p.rng.IntN(len(list))
	p.queued[i] -= n
	return p.boxes[i].ack(ctx, p.owners[i], list[n-1].Seq)
}

// batch deposits for some at once.
func (p *powerLoss) batch(ctx context.Context) error {
	payload := p.payload()
	order := p.rng.Perm(len(p.boxes))[:2+p.rng.IntN(4)]
	var to []rpc.Identity
	for _, i := range order {
		p.boxes[i].asked[payload] = true
		to = append(to, p.boxes[i].id)
	}
	seqs, err := p.owners[0].BatchEnqueue(ctx, to, rpc.Channel{}, []byte(payload))
	if err != nil {
		return err
	}
	for n, i := range order {
		p.queued[i]++
		if err := p.boxes[i].note(seqs[n], payload, p.boxes[i].highest); err != nil {
			return err
		}
	}
	return nil
}

// state opens an image as a relay does and describes all that it holds.
func (p *powerLoss) state(image []byte) string {
	p.t.Helper()
	s, err := p.open(image)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *powerLoss) open(image []byte) (string, error) {
	if err := os.WriteFile(p.image(), image, 0o600); err != nil {
		return "", err
	}
	s, err := store.Open(store.Config{Path: p.image()})
	if err != nil {
		return "", err
	}
	defer s.Close()
	bytes, err := s.Bytes()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, b := range p.boxes {
		list, err := s.Peek(p.t.Context(), store.Inbox{Owner: b.id}, 0, 0, 1<<30)
		if err != nil {
			return "", err
		}
		for _, e := range list {
			fmt.Fprintf(sum, "%x %d %x\n", b.id, e.Seq, e.Data)
		}
	}
	return fmt.Sprintf("%d bytes, %x", bytes, sum.Sum(nil)), nil
}

// loss makes images of one commit and opens them.
func (p *powerLoss) loss(commit int, before, after []byte, was, is string) {
	p.t.Helper()
	pages, meta := changed(before, after)
	if len(meta) != 1 {
		p.t.Fatalf("commit %d wrote the meta pages %v: not one commit", commit, meta)
	}
	try := func(name string, image []byte, want ...string) {
		p.t.Helper()
		got, err := p.open(image)
		if err != nil || !slices.Contains(want, got) {
			p.t.Errorf("commit %d, %s: opens at %s, %v; before it was %s, after it %s", commit, name, got, err, was, is)
		}
	}
	none := func() bool { return false }
	all := func() bool { return true }
	some := func() bool { return p.rng.IntN(2) == 0 }
	few := func() bool { return p.rng.IntN(8) == 0 }
	try("some data", p.mix(before, after, pages, some), was)
	try("little data", p.mix(before, after, pages, few), was)
	try("all data", p.mix(before, after, pages, all), was)
	full := p.mix(before, after, pages, all)
	try("meta page torn", p.mix(full, after, meta, some), was, is)
	try("meta page without its beginning", p.mix(full, after, meta, after1(none, all)), was)
	try("meta page with its beginning alone", p.mix(full, after, meta, after1(all, none)), is)
	try("all", p.mix(full, after, meta, all), is)
}

// after1 chooses by one function once, and then by another.
func after1(first, rest func() bool) func() bool {
	choose := first
	return func() bool {
		defer func() { choose = rest }()
		return choose()
	}
}

// changed returns the pages that differ, data and meta.
func changed(before, after []byte) (data, meta []int) {
	for page := range len(after) / pageSize {
		at := page * pageSize
		switch {
		case at < len(before) && bytes.Equal(before[at:at+pageSize], after[at:at+pageSize]):
		case page < metaPages:
			meta = append(meta, page)
		default:
			data = append(data, page)
		}
	}
	return data, meta
}

// mix puts the sectors of some pages of after, as chosen, into a copy of before.
// A file grows before its new pages are written.
func (p *powerLoss) mix(before, after []byte, pages []int, choose func() bool) []byte {
	image := slices.Clone(before)
	if grown := len(after) - len(before); grown > 0 {
		image = append(image, make([]byte, grown)...)
	}
	for _, page := range pages {
		for at := page * pageSize; at < (page+1)*pageSize; at += sectorSize {
			if choose() {
				copy(image[at:at+sectorSize], after[at:])
			}
		}
	}
	return image
}

// serve puts the last image under a relay, which has all that was acknowledged.
func (p *powerLoss) serve(image []byte) {
	p.t.Helper()
	p.relay.kill()
	if err := os.WriteFile(filepath.Join(p.relay.home, "relay.db"), image, 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := p.relay.start(); err != nil {
		p.t.Fatal(err)
	}
	for i, b := range p.boxes {
		if err := b.visit(p.t.Context(), p.relay.line().URL, true); err != nil {
			p.t.Errorf("inbox %d: %v", i, err)
		}
	}
}
