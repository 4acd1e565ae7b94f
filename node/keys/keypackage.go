package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
)

const (
	// ConversationExtension is the type of the GroupContext extension that says
	// what conversation a group is of. It stands also, as a required capability,
	// for the rules of package convo, its authenticated data and its frames: a
	// program that does not know them must not join.
	ConversationExtension = 0xf0c1

	// PackageLifetime is how long a key package is good.
	PackageLifetime = 30 * 24 * time.Hour
	// packageRenewal is the age at which a key package is replaced.
	packageRenewal = 7 * 24 * time.Hour
)

// Capabilities are what this program's leaves say that they can do, beside what
// package mls says of itself.
func Capabilities() mls.Capabilities {
	return mls.Capabilities{Extensions: []uint16{ConversationExtension}}
}

// Stock makes key packages for a place until want good ones are there, one of
// last resort (RFC 9420, section 16.8) beside them, and returns those that the
// place does not have yet. Each is in the store before it is returned; call
// Placed for each that the place has taken.
func (k *Keys) Stock(ctx context.Context, place transport.Key, want int, now time.Time) (pending []store.KeyPackage, err error) {
	missing, last, err := k.missing(ctx, place, want, now)
	if err != nil {
		return nil, err
	}
	var rows []store.KeyPackage
	for i := range missing + last {
		row, err := k.make(place, now, i >= missing)
		if err != nil {
			return nil, fmt.Errorf("key package: %w", err)
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		if err := k.put(ctx, rows, now); err != nil {
			return nil, fmt.Errorf("store key packages: %w", err)
		}
	}
	err = k.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.KeyPackages(place)
		for _, row := range all {
			if !row.HandedOut {
				pending = append(pending, row)
			}
		}
		return err
	})
	return pending, err
}

// missing counts the packages that a place lacks: those to be used once, and
// those of last resort.
func (k *Keys) missing(ctx context.Context, place transport.Key, want int, now time.Time) (once, last int, err error) {
	once, last = want, 1
	err = k.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.KeyPackages(place)
		for _, row := range all {
			switch {
			case now.Sub(row.Created) >= packageRenewal:
			case row.LastResort:
				last = 0
			case place == transport.Key(k.id.ID()) && row.HandedOut:
				// a relay's copy is in its stock until somebody's Welcome uses it;
				// one that we hand out ourselves is gone
			default:
				once--
			}
		}
		return err
	})
	return max(once, 0), last, err
}

func (k *Keys) put(ctx context.Context, rows []store.KeyPackage, now time.Time) error {
	return k.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteExpiredKeyPackages(now); err != nil {
			return err
		}
		for _, row := range rows {
			if err := tx.PutKeyPackage(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// Placed notes that a place has taken packages.
func (k *Keys) Placed(ctx context.Context, rows []store.KeyPackage) error {
	return k.store.Update(ctx, func(tx *store.Tx) error {
		for _, row := range rows {
			if _, err := tx.KeyPackage(row.Ref); errors.Is(err, store.ErrNotFound) {
				continue // used already
			} else if err != nil {
				return err
			}
			row.HandedOut = true
			if err := tx.PutKeyPackage(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// Take hands out one of the packages that this node hands out itself: each
// once, then the one of last resort; nil when none is left.
func (k *Keys) Take(ctx context.Context) (pkg []byte, err error) {
	err = k.store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.TakeKeyPackage(transport.Key(k.id.ID()))
		pkg = row.Package
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return pkg, err
}

// LastResort returns the last-resort package that this node hands out itself;
// nil if there is none.
func (k *Keys) LastResort(ctx context.Context) (pkg []byte, err error) {
	err = k.store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.KeyPackages(transport.Key(k.id.ID()))
		for _, row := range rows {
			if row.LastResort {
				pkg = row.Package // the newest comes last
			}
		}
		return err
	})
	return pkg, err
}

func (k *Keys) make(place transport.Key, now time.Time, lastResort bool) (store.KeyPackage, error) {
	id := k.id.ID()
	pkg, secrets, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite:        mls.X25519_AES128GCM_SHA256_Ed25519,
		Signer:       k.id.MLS(),
		Identity:     id[:],
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(PackageLifetime),
		Capabilities: Capabilities(),
		LastResort:   lastResort,
	})
	if err != nil {
		return store.KeyPackage{}, err
	}
	return store.KeyPackage{
		Ref: pkg.Ref(), Package: pkg.Bytes(), Secrets: secrets.Bytes(),
		Place: place, Created: now, Expires: now.Add(PackageLifetime), LastResort: lastResort,
	}, nil
}
