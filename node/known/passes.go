package known

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

// givePasses makes the control that gives a contact our present passes, and notes
// that it is given; nil if we have no relay that would take one.
func (k *People) givePasses(tx *store.Tx, to rpc.Identity, now time.Time) (*message.Control, error) {
	passes, err := k.cfg.Profile.Passes(tx, now)
	if err != nil || len(passes) == 0 {
		return nil, err
	}
	m, err := k.Signed(to, nil, &message.Passes{Passes: passes})
	if err != nil {
		return nil, err
	}
	return m, tx.SetPassesGiven(to, digest(passes))
}

func digest(passes [][]byte) []byte {
	sum := sha256.Sum256(slices.Concat(passes...))
	return sum[:]
}

// RenewPasses gives our passes to all who know us and were not given the present
// ones.
func (k *People) RenewPasses(tx *store.Tx, fx Effects, now time.Time) error {
	passes, err := k.cfg.Profile.Passes(tx, now)
	if err != nil || len(passes) == 0 {
		return err
	}
	want := digest(passes)
	var failure error
	err = k.announce(tx, fx, now, func(c store.Contact) bool {
		given, err := tx.PassesGiven(c.Identity)
		if err != nil {
			failure = err
		}
		return err == nil && c.Introduced && !bytes.Equal(given, want)
	})
	if failure != nil {
		err = failure
	}
	return err
}

// TakesPasses notes whether a relay of ours takes deposits by pass. When it does now,
// our contacts get one.
func (k *People) TakesPasses(ctx context.Context, relay transport.Key, takes bool) error {
	return k.cfg.Update(ctx, func(tx *store.Tx, fx Effects) error {
		changed, err := tx.SetRelaySealed(relay, takes)
		if err != nil || !changed || !takes {
			return err
		}
		return k.RenewPasses(tx, fx, tx.Now())
	})
}

// Cancel cancels all passes and links that we gave out and chooses another key for our
// addresses, for those who are blocked. All others get the new ones.
func (k *People) Cancel(tx *store.Tx, fx Effects) error {
	now := tx.Now()
	if err := k.cfg.Profile.Revoke(tx, now); err != nil {
		return err
	}
	fx.Revoke()
	return k.announce(tx, fx, now, func(store.Contact) bool { return true })
}

// KeepPasses keeps the passes that a contact gave us, or somebody who asks to be one
// and may be answered, unless they were overtaken by newer ones.
func (k *People) KeepPasses(tx *store.Tx, sender rpc.Identity, given *message.Passes) error {
	_, err := tx.Contact(sender)
	if store.IsNotFound(err) {
		_, err = tx.Request(sender)
	}
	if store.IsNotFound(err) {
		return fmt.Errorf("%w: passes of somebody who is not a contact", message.ErrRefused)
	}
	if err != nil {
		return err
	}
	had, err := tx.Passes(sender)
	if err != nil {
		return err
	}
	var kept []store.Pass
	for _, encoded := range given.Passes {
		p, err := pass.Parse(encoded)
		if err != nil {
			return fmt.Errorf("%w: %w", message.ErrRefused, err)
		}
		if p.Recipient != sender || p.Kind != pass.Contact {
			return fmt.Errorf("%w: not a pass for a contact of the sender", message.ErrRefused)
		}
		if slices.ContainsFunc(had, func(old store.Pass) bool { return newerPass(old, p) }) {
			return nil
		}
		kept = append(kept, store.Pass{Relay: p.Relay, Pass: encoded, Expiry: p.Expiry})
	}
	return tx.PutPasses(sender, kept)
}

// newerPass reports whether a pass that we have was made after another one.
func newerPass(had store.Pass, other pass.Pass) bool {
	p, err := pass.Parse(had.Pass)
	return err == nil && (p.Generation > other.Generation || p.Generation == other.Generation && p.Expiry.After(other.Expiry))
}
