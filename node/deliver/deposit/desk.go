package deposit

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Gather is how long the first deposit of a payload at a relay waits for others.
const Gather = 30 * time.Millisecond

// ErrFull means that the relay keeps nothing more for a person.
var ErrFull = errors.New("the mailbox there is full, or holds all that you may leave in it, until they fetch their mail")

// Relay is what is called: *rpc.Client.
type Relay interface {
	Enqueue(ctx context.Context, to rpc.Identity, ch rpc.Channel, payload []byte) (seq uint64, err error)
	BatchEnqueue(ctx context.Context, to []rpc.Identity, ch rpc.Channel, payload []byte) (seqs []uint64, err error)
}

// Desk gathers deposits. The zero value is ready.
type Desk struct {
	mu   sync.Mutex
	open map[key]*batch
}

type key struct {
	relay   transport.Key
	payload [sha256.Size]byte
}

// batch is one call to come. Its fields but done are guarded by Desk.mu until it is
// closed; then they do not change.
type batch struct {
	to     []rpc.Identity
	done   chan struct{} // closed when the call has ended
	failed map[rpc.Identity]error
	err    error
	over   bool // err is that of its first depositor's context
}

// Leave deposits a payload for one person at a relay, with those for others that
// come within Gather. It returns when the relay has it.
func (d *Desk) Leave(ctx context.Context, relay transport.Key, r Relay, to rpc.Identity, payload []byte) error {
	k := key{relay, sha256.Sum256(payload)}
	for {
		b, first := d.join(k, to)
		if first {
			d.lead(ctx, k, b, r, payload)
		}
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if b.over && !first && ctx.Err() == nil {
			continue // who was first gave up: that is not our matter
		}
		if b.err != nil {
			return b.err
		}
		return b.failed[to]
	}
}

// join adds somebody to the batch that is open, or opens one.
func (d *Desk) join(k key, to rpc.Identity) (b *batch, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b = d.open[k]; b != nil && len(b.to) < rpc.MaxBatch {
		if !slices.Contains(b.to, to) {
			b.to = append(b.to, to)
		}
		return b, false
	}
	if d.open == nil {
		d.open = make(map[key]*batch)
	}
	b = &batch{to: []rpc.Identity{to}, done: make(chan struct{})}
	d.open[k] = b
	return b, true
}

// lead waits for others, and makes the call.
func (d *Desk) lead(ctx context.Context, k key, b *batch, r Relay, payload []byte) {
	defer close(b.done)
	timer := time.NewTimer(Gather)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	d.mu.Lock()
	if d.open[k] == b {
		delete(d.open, k)
	}
	d.mu.Unlock()
	if b.err = ctx.Err(); b.err == nil {
		b.err = b.call(ctx, r, payload)
	}
	b.over = b.err != nil && ctx.Err() != nil
}

func (b *batch) call(ctx context.Context, r Relay, payload []byte) error {
	if len(b.to) == 1 {
		_, err := r.Enqueue(ctx, b.to[0], rpc.Channel{}, payload)
		return err
	}
	seqs, err := r.BatchEnqueue(ctx, b.to, rpc.Channel{}, payload)
	if err != nil {
		return err
	}
	b.failed = make(map[rpc.Identity]error)
	for i, seq := range seqs {
		if seq == 0 {
			b.failed[b.to[i]] = ErrFull
		}
	}
	return nil
}
