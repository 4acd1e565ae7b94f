package relay

import (
	"context"
	"math"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// Enqueue implements rpc.Depositor.
func (s *service) Enqueue(ctx context.Context, c rpc.Caller, to rpc.Identity, ch rpc.Channel, payload []byte) (uint64, error) {
	seqs, err := s.BatchEnqueue(ctx, c, []rpc.Identity{to}, ch, payload)
	if err != nil {
		return 0, err
	}
	return seqs[0], nil
}

// BatchEnqueue implements rpc.Depositor. An inbox that is full, or of which the
// caller has its share, stops no other: its number is 0, and so is that of who may
// have none here.
func (s *service) BatchEnqueue(ctx context.Context, c rpc.Caller, to []rpc.Identity, ch rpc.Channel, payload []byte) ([]uint64, error) {
	p, leave, err := s.enterAbout(ctx, c, to...)
	if err != nil {
		return nil, err
	}
	defer leave()
	switch {
	case len(to) == 0 || len(to) > rpc.MaxBatch || len(payload) == 0:
		return nil, rpc.ErrBadRequest
	case len(payload) > s.live.Load().MaxPayload:
		return nil, rpc.ErrTooLarge
	}
	if err := s.checkHello(c, p, payload); err != nil {
		return nil, err
	}
	if err := s.checkChannel(ctx, c, to, ch); err != nil {
		return nil, err
	}
	members, err := s.hasMailbox(ctx, to)
	if err != nil {
		return nil, err
	}
	seqs, err := s.deposit(ctx, c, members, ch, payload)
	if err != nil || len(members) == len(to) {
		return seqs, err
	}
	return spread(to, members, seqs), nil
}

// recordCost is about what a record takes of the disk beside its bytes.
const recordCost = 256

// deposit leaves a payload for members, as far as its caller may leave so much.
func (s *service) deposit(ctx context.Context, c rpc.Caller, members []rpc.Identity, ch rpc.Channel, payload []byte) ([]uint64, error) {
	unspend, err := s.traffic.Spend(c.Remote, len(payload)+len(members)*recordCost)
	if err != nil {
		return nil, err
	}
	inboxes := make([]store.Inbox, len(members))
	for i, id := range members {
		inboxes[i] = store.Inbox{Owner: id, Channel: ch}
	}
	seqs, err := s.store.Append(ctx, depositorOf(c), inboxes, payload)
	if err != nil {
		unspend()
	}
	return seqs, wireError(err)
}

// spread puts the numbers of members in the places that they have in to, and 0 in
// those of others. members are those of to, in their order.
func spread(to, members []rpc.Identity, seqs []uint64) []uint64 {
	out := make([]uint64, len(to))
	n := 0
	for i, id := range to {
		if n < len(members) && id == members[n] {
			out[i] = seqs[n]
			n++
		}
	}
	return out
}

// Fetch implements rpc.Inbox.
func (s *service) Fetch(ctx context.Context, c rpc.Caller, owner rpc.Identity, ch rpc.Channel, limit uint32, wait time.Duration) ([]rpc.Envelope, error) {
	inbox := store.Inbox{Owner: owner, Channel: ch}
	return s.read(ctx, c, inbox, wait, func() ([]rpc.Envelope, error) {
		return s.load(ctx, inbox, 0, clampLimit(limit), func(room int) ([]rpc.Envelope, error) {
			return s.store.Drain(ctx, inbox, clampLimit(limit), room)
		})
	})
}

// Peek implements rpc.Inbox.
func (s *service) Peek(ctx context.Context, c rpc.Caller, owner rpc.Identity, ch rpc.Channel, after uint64, limit uint32, wait time.Duration) ([]rpc.Envelope, error) {
	inbox := store.Inbox{Owner: owner, Channel: ch}
	return s.read(ctx, c, inbox, wait, func() ([]rpc.Envelope, error) {
		return s.load(ctx, inbox, after, clampLimit(limit), func(room int) ([]rpc.Envelope, error) {
			return s.store.Peek(ctx, inbox, after, clampLimit(limit), room)
		})
	})
}

// load gets payloads when there are some and memory for them.
func (s *service) load(ctx context.Context, inbox store.Inbox, after uint64, limit int, get func(room int) ([]rpc.Envelope, error)) ([]rpc.Envelope, error) {
	size, err := s.store.Measure(ctx, inbox, after, limit, rpc.MaxAnswer)
	if err != nil || size == 0 {
		return nil, err
	}
	if err := rpc.Room(ctx, size); err != nil {
		return nil, err
	}
	return get(size)
}

// clampLimit makes an int of a limit on any machine.
func clampLimit(limit uint32) int { return int(min(limit, math.MaxInt32)) }

// Ack implements rpc.Inbox.
func (s *service) Ack(ctx context.Context, c rpc.Caller, owner rpc.Identity, ch rpc.Channel, upTo uint64) error {
	leave, err := s.enterOwner(c, owner)
	if err != nil {
		return err
	}
	defer leave()
	return wireError(s.store.Ack(ctx, store.Inbox{Owner: owner, Channel: ch}, upTo))
}

// read looks into an inbox, again whenever something comes, until there is
// something or the wait is over. It is told of what comes before it first looks:
// nothing can come in between.
func (s *service) read(ctx context.Context, c rpc.Caller, inbox store.Inbox, wait time.Duration, look func() ([]rpc.Envelope, error)) ([]rpc.Envelope, error) {
	call, leave, err := s.enterOwnerCall(c, inbox.Owner)
	if err != nil {
		return nil, err
	}
	defer leave()
	if wait <= 0 {
		list, err := look()
		return list, wireError(err)
	}
	if err := call.Wait(); err != nil {
		return nil, err
	}
	came, done, ok := s.waiters.add(inbox, s.live.Load().MaxWaiters)
	if !ok {
		return nil, rpc.ErrBusy
	}
	defer done()
	over := time.NewTimer(min(wait, rpc.MaxWait))
	defer over.Stop()
	for {
		list, err := look()
		if err != nil || len(list) > 0 {
			return list, wireError(err)
		}
		select {
		case <-came:
			if c.Proven && s.store.Banned(c.Identity) {
				return nil, rpc.ErrBanned
			}
		case <-over.C:
			return nil, nil
		case <-s.stopped:
			return nil, rpc.ErrShutdown
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
