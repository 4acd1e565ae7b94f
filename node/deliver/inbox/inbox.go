package inbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/order"
	"quicnprotochat/transport"
)

// Bounds of the inbox table.
const (
	maxIncoming      = 10_000
	maxIncomingBytes = 256 << 20
	// Payloads that no key opens: all, and of one depositor who brought them
	// itself. The oldest make room.
	maxWaiting      = 1000
	maxWaitingBytes = 64 << 20
	maxWaitingFrom  = 64
	// gatherMost is how many payloads one commit takes in.
	gatherMost = 64
)

// arrival is a payload that waits for its commit.
type arrival struct {
	row  store.Incoming
	done chan error
	seq  uint64
}

// Config says whose inbox it is. All fields are required.
type Config struct {
	Store  *store.Store
	Engine *convo.Engine
	Log    *slog.Logger
}

// Inbox commits what arrives and opens what is committed.
type Inbox struct {
	cfg      Config
	arrivals chan *arrival
	work     chan struct{} // capacity 1: something is committed
	again    chan struct{} // capacity 1: what waited may open
}

// New returns an inbox that does nothing until Write and Process run.
func New(cfg Config) *Inbox {
	return &Inbox{cfg: cfg, arrivals: make(chan *arrival, gatherMost), work: make(chan struct{}, 1), again: make(chan struct{}, 1)}
}

// Take commits a payload that another machine brings. When it returns nil, the payload
// is durable here, and seq its number. via is the path.
func (b *Inbox) Take(ctx context.Context, depositor rpc.Identity, via string, payload []byte) (seq uint64, err error) {
	a := b.arrive(depositor, via, payload)
	if err := b.submit(ctx, a); err != nil {
		return 0, err
	}
	order.Placed(ctx) // its place in line is sure: the next call may begin
	select {
	case err := <-a.done:
		return a.seq, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (b *Inbox) arrive(depositor rpc.Identity, via string, payload []byte) *arrival {
	return &arrival{
		row: store.Incoming{
			Hash: sha256.Sum256(payload), Payload: payload, Depositor: depositor, Via: via, Received: b.cfg.Store.Now(),
		},
		done: make(chan error, 1),
	}
}

func (b *Inbox) submit(ctx context.Context, a *arrival) error {
	select {
	case b.arrivals <- a:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Write commits what has gathered, again and again, until ctx ends.
func (b *Inbox) Write(ctx context.Context) {
	for {
		var batch []*arrival
		select {
		case <-ctx.Done():
			return
		case a := <-b.arrivals:
			batch = append(batch, a)
		}
	gather:
		for len(batch) < gatherMost {
			select {
			case a := <-b.arrivals:
				batch = append(batch, a)
			default:
				break gather
			}
		}
		b.commit(ctx, batch)
	}
}

// commit stores a batch in one transaction and answers each arrival.
func (b *Inbox) commit(ctx context.Context, batch []*arrival) {
	results := make([]error, len(batch))
	err := b.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		for i, a := range batch {
			refused, err := refused(tx, a.row)
			if err != nil {
				return err
			}
			if refused != nil {
				results[i] = refused
				continue
			}
			id, _, err := tx.AddIncoming(a.row)
			if err != nil {
				return err
			}
			a.seq = uint64(id)
		}
		return nil
	})
	for i, a := range batch {
		if err != nil {
			results[i] = rpc.ErrInternal
		}
		a.done <- results[i]
	}
	if err != nil {
		b.cfg.Log.Error("commit to inbox", "err", err)
		return
	}
	signal(b.work)
}

// refused returns why a payload is not taken, nil if it is.
func refused(tx *store.Tx, row store.Incoming) (refused, err error) {
	if row.Depositor != (rpc.Identity{}) {
		if blocked, err := tx.IsBlocked(row.Depositor); err != nil || blocked {
			return rpc.ErrBusy, err // as for strangers: who is blocked is not told so
		}
	}
	fresh, waiting, bytes, err := tx.CountIncoming()
	if err == nil && (fresh+waiting >= maxIncoming || bytes+int64(len(row.Payload)) > maxIncomingBytes) {
		return rpc.ErrQueueFull, nil
	}
	return nil, err
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Retry lets what waits be tried again.
func (b *Inbox) Retry() { signal(b.again) }

// Process opens what is committed, in order, and what waited when told so, until ctx
// ends.
func (b *Inbox) Process(ctx context.Context) {
	// What a run before this one has left: it may have ended between getting a
	// key and trying what waits for it.
	signal(b.work)
	signal(b.again)
	for {
		waiting := false
		select {
		case <-ctx.Done():
			return
		case <-b.work:
		case <-b.again:
			waiting = true
		}
		if err := b.drain(ctx, waiting); err != nil && ctx.Err() == nil {
			b.cfg.Log.Error("read inbox", "err", err)
		}
	}
}

// drain opens rows until none is new, or each waiting one once.
func (b *Inbox) drain(ctx context.Context, waiting bool) error {
	for after := int64(0); ctx.Err() == nil; {
		var rows []store.Incoming
		err := b.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.Incoming(after, gatherMost, waiting)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			after = row.ID
			b.receive(ctx, row)
		}
	}
	return nil
}

func (b *Inbox) receive(ctx context.Context, row store.Incoming) {
	err := b.cfg.Engine.Receive(ctx, row)
	log := b.cfg.Log.With("peer", transport.Key(row.Depositor), "path", row.Via)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, convo.ErrWaiting) && row.Waiting: // and waits on
	case errors.Is(err, convo.ErrWaiting):
		log.Debug("payload waits for its key")
		if err := b.bound(ctx, row); err != nil {
			log.Error("bound inbox", "err", err)
		}
	case errors.Is(err, convo.ErrRefused):
		log.Warn("payload refused", "err", err)
	default:
		log.Error("apply payload, it stays in the inbox", "err", err)
	}
}

// bound drops the oldest payloads that no key opens when they are too many, now
// that row is one of them. Whoever sent them has no receipt, and sends them again.
func (b *Inbox) bound(ctx context.Context, row store.Incoming) error {
	return b.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if row.Via != convo.PathMailbox { // a relay does not tell who deposited
			if err := tx.KeepNewestWaiting(row.Depositor, maxWaitingFrom); err != nil {
				return err
			}
		}
		_, waiting, bytes, err := tx.CountIncoming()
		if err != nil || waiting <= maxWaiting && bytes <= maxWaitingBytes {
			return err
		}
		return tx.DropOldestWaiting(max(waiting/16, 1))
	})
}

// TakeMail commits payloads that a relay keeps for us, in order. It returns
// when all are durable here.
func (b *Inbox) TakeMail(ctx context.Context, mail []rpc.Envelope) error {
	arrivals := make([]*arrival, 0, len(mail))
	for _, m := range mail {
		if len(m.Data) == 0 || len(m.Data) > seal.MaxPayload {
			b.cfg.Log.Warn("relay served a payload of a wrong size", "bytes", len(m.Data))
			continue
		}
		a := b.arrive(rpc.Identity{}, convo.PathMailbox, m.Data)
		if err := b.submit(ctx, a); err != nil {
			return err
		}
		arrivals = append(arrivals, a)
	}
	for _, a := range arrivals {
		select {
		case err := <-a.done:
			if err != nil {
				return fmt.Errorf("commit mail: %w", err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
