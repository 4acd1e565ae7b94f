package inbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
	// From relays no more is taken while so much of their mail is not opened yet: they
	// keep it, and one that pours out rubbish must leave room for others.
	maxMail      = 500
	maxMailBytes = 64 << 20
	// gatherMost is how many payloads one commit takes in.
	gatherMost = 64
	// turnMost is how many payloads of mail, or of what came directly, are opened before
	// it is the turn of the others.
	turnMost = 8
	// tryAgain is when what could not be applied, for want of disk maybe, is tried again
	// if there is no room for mail because of it.
	tryAgain = 10 * time.Second
)

// Opener opens a committed payload, and marks it as done or waiting: *convo.Engine.
type Opener interface {
	Receive(ctx context.Context, in store.Incoming) error
}

// arrival is a payload that waits for its commit.
type arrival struct {
	row  store.Incoming
	done chan error
	seq  uint64
}

// Config says whose inbox it is. All fields are required.
type Config struct {
	Store  *store.Store
	Engine Opener
	Log    *slog.Logger
}

// Inbox commits what arrives and opens what is committed.
type Inbox struct {
	cfg      Config
	arrivals chan *arrival
	work     chan struct{} // capacity 1: something is committed
	again    chan struct{} // capacity 1: what waited may open
	caughtUp chan struct{} // closed when Process has tried all that it found

	mu   sync.Mutex
	room chan struct{} // closed when mail was opened; guarded by mu
}

// New returns an inbox that does nothing until Write and Process run.
func New(cfg Config) *Inbox {
	return &Inbox{
		cfg: cfg, arrivals: make(chan *arrival, gatherMost),
		work: make(chan struct{}, 1), again: make(chan struct{}, 1), caughtUp: make(chan struct{}),
		room: make(chan struct{}),
	}
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
	if err == nil {
		// First this: of two goroutines the one that is woken last runs first, and a
		// sender who waits comes before the opening.
		signal(b.work)
	} else {
		b.cfg.Log.Error("commit to inbox", "err", err)
	}
	for i, a := range batch {
		if err != nil {
			results[i] = rpc.ErrInternal
		}
		a.done <- results[i]
	}
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

// CaughtUp waits until Process has tried all that it found, or ctx ends. Whoever erases
// keys calls it first: a power cut may have taken back the opening of what is receipted.
func (b *Inbox) CaughtUp(ctx context.Context) error {
	select {
	case <-b.caughtUp:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Process opens what is committed, in order, and what waited when told so, until ctx
// ends.
func (b *Inbox) Process(ctx context.Context) {
	// What a run before this one has left: it may have ended between getting a
	// key and trying what waits for it.
	for _, drain := range []func(context.Context) error{b.drain, b.drainWaiting} {
		if err := drain(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.Error("read inbox", "err", err)
		}
	}
	close(b.caughtUp)
	for {
		drain := b.drain
		select {
		case <-ctx.Done():
			return
		case <-b.work:
		case <-b.again:
			drain = b.drainWaiting
		}
		if err := drain(ctx); err != nil && ctx.Err() == nil {
			b.cfg.Log.Error("read inbox", "err", err)
		}
	}
}

// drain opens rows until none is new: some of mail and some of what came directly by
// turns, each in order.
func (b *Inbox) drain(ctx context.Context) error {
	var direct, mail int64 // up to which row it is done
	for ctx.Err() == nil {
		n, err := b.open(ctx, &direct, func(tx *store.Tx) ([]store.Incoming, error) {
			return tx.IncomingNew(direct, turnMost, false)
		})
		if err != nil {
			return err
		}
		kept, err := b.open(ctx, &mail, func(tx *store.Tx) ([]store.Incoming, error) {
			return tx.IncomingNew(mail, turnMost, true)
		})
		if err != nil || n+kept == 0 {
			return err
		}
		if kept > 0 {
			b.freed()
		}
	}
	return nil
}

// drainWaiting tries each row that waits for a key once.
func (b *Inbox) drainWaiting(ctx context.Context) error {
	after := int64(0)
	for ctx.Err() == nil {
		n, err := b.open(ctx, &after, func(tx *store.Tx) ([]store.Incoming, error) {
			return tx.Incoming(after, gatherMost, true)
		})
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// open opens the rows that read returns, and moves after behind them.
func (b *Inbox) open(ctx context.Context, after *int64, read func(tx *store.Tx) ([]store.Incoming, error)) (n int, err error) {
	var rows []store.Incoming
	err = b.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		rows, err = read(tx)
		return err
	})
	for _, row := range rows {
		*after = row.ID
		b.receive(ctx, row)
	}
	return len(rows), err
}

// freed says that mail was opened.
func (b *Inbox) freed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.room)
	b.room = make(chan struct{})
}

// awaitRoom waits until there is room for more mail.
func (b *Inbox) awaitRoom(ctx context.Context) error {
	for {
		b.mu.Lock()
		room := b.room
		b.mu.Unlock()
		var rows int
		var bytes int64
		err := b.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
			rows, bytes, err = tx.CountMail()
			return err
		})
		if err != nil || rows < maxMail && bytes < maxMailBytes {
			return err
		}
		again := time.NewTimer(tryAgain)
		select {
		case <-room:
		case <-again.C:
			signal(b.work)
		case <-ctx.Done():
		}
		again.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
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
// when all are durable here; before that it waits while much mail is not opened yet.
func (b *Inbox) TakeMail(ctx context.Context, mail []rpc.Envelope) error {
	if err := b.awaitRoom(ctx); err != nil {
		return fmt.Errorf("commit mail: %w", err)
	}
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
