package relay

import (
	"context"
	"fmt"
	"io"

	"quicnprotochat/relay/store"
	"quicnprotochat/relay/store/ledger"
)

// Status is a running relay at one moment.
type Status struct {
	// Bytes is what is stored, MaxBytes its bound, FileBytes the size of the file.
	Bytes     uint64
	MaxBytes  int64
	FileBytes int64
	// Connections, Calls and Waiters are those of this moment. Waiters are calls
	// that wait for mail.
	Connections, Calls, Waiters int
}

// Status returns the state of a relay that runs.
func (r *Relay) Status(ctx context.Context) (Status, error) {
	info, err := r.store.Stat(ctx)
	if err != nil {
		return Status{}, err
	}
	st := Status{Bytes: info.Bytes, MaxBytes: info.MaxBytes, FileBytes: info.FileBytes, Waiters: r.service.waiters.total(), Calls: r.service.traffic.InFlight()}
	r.mu.Lock()
	defer r.mu.Unlock()
	st.Connections = len(r.conns)
	return st, nil
}

// SetLimits lets the limits of calls and payloads of cfg hold from now on: MaxPayload,
// CallRate, AddressRate, and those of calls and waiters. All else of cfg is checked
// and changes nothing. The error is ErrConfig.
func (r *Relay) SetLimits(cfg Config) error {
	cfg.Dir, cfg.Now = r.cfg.Dir, r.cfg.Now
	cfg, err := cfg.withDefaults()
	if err != nil {
		return fmt.Errorf("set limits: %w: %w", ErrConfig, err)
	}
	r.service.live.Store(&cfg)
	r.service.traffic.Set(cfg.traffic())
	return nil
}

// Alive returns nil while the store serves.
func (r *Relay) Alive(ctx context.Context) error { return r.store.Health(ctx) }

// Ready returns nil while the relay takes calls and its store serves.
func (r *Relay) Ready(ctx context.Context) error {
	select {
	case <-r.service.stopped:
		return store.ErrClosed
	default:
		return r.store.Health(ctx)
	}
}

// Verify reads the whole store, see ledger.Ledger.Verify.
func (r *Relay) Verify(ctx context.Context) (ledger.Report, error) { return r.store.Verify(ctx) }

// Compact makes the file of the store small, see ledger.Ledger.Compact. It is not
// called while Verify or Snapshot runs.
func (r *Relay) Compact(ctx context.Context) (before, after int64, err error) {
	return r.store.Compact(ctx)
}

// Snapshot writes the store as it is at one moment, see ledger.Ledger.Snapshot.
func (r *Relay) Snapshot(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	return r.store.Snapshot(ctx, begin)
}
