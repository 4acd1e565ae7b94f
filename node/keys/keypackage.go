package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// packageSkew is how long before its making a key package is good from: so far may the
	// clock of who uses it be late.
	packageSkew = time.Hour
)

// isAhead reports whether a key package is not good yet: it was made by a clock that was
// ahead, or that is late now.
func isAhead(row store.KeyPackage, now time.Time) bool {
	return row.Created.After(now.Add(packageSkew))
}

// The cipher suites of groups.
const (
	// Suite is that of a group whose members all have it: it is post-quantum.
	Suite = mls.MLKEM768X25519_AES128GCM_SHA256_Ed25519
	// ClassicalSuite is that of all other groups.
	ClassicalSuite = mls.X25519_AES128GCM_SHA256_Ed25519
)

// classicalShare says which part of the packages is of the classical suite, for
// peers that have no other: every third. Who asks knows not what it gets, and is
// given three (package serve, and relays alike).
const classicalShare = 3

// SuiteFor returns the suite of a group with members of these capabilities.
func SuiteFor(members ...mls.Capabilities) mls.Suite {
	for _, c := range members {
		if !slices.Contains(c.Suites, uint16(Suite)) {
			return ClassicalSuite
		}
	}
	return Suite
}

// Capabilities are what this program's leaves say that they can do, beside what
// package mls says of itself.
func Capabilities() mls.Capabilities {
	return mls.Capabilities{Extensions: []uint16{ConversationExtension}}
}

// MetaRestored is the row of meta that a restored store has. At a place that has
// packages from before, whose private keys are gone, the new ones must push them out.
const MetaRestored = "restored"

// pushOut is how many packages a relay keeps of one node.
const pushOut = 50

// Stock makes key packages for a place until want good ones are there, one of
// last resort (RFC 9420, section 16.8) beside them, and returns those that the
// place does not have yet. Each is in the store before it is returned; call
// Placed for each that the place has taken.
func (k *Keys) Stock(ctx context.Context, place transport.Key, want int, now time.Time) (pending []store.KeyPackage, err error) {
	kinds, err := k.missing(ctx, place, want, now)
	if err != nil {
		return nil, err
	}
	var rows []store.KeyPackage
	for i, kind := range kinds {
		// A millisecond apart: the store keeps the order.
		row, err := k.make(place, now.Add(time.Duration(i)*time.Millisecond), kind)
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

// kind is what kind of key package one is.
type kind struct {
	suite      mls.Suite
	lastResort bool
}

// missing lists the packages that a place lacks: those to be used once, of both
// suites by turns, and the one of last resort, which is post-quantum: using up the
// others must not bring anybody into a classical group.
func (k *Keys) missing(ctx context.Context, place transport.Key, want int, now time.Time) (missing []kind, err error) {
	have := make(map[kind]int)
	err = k.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.KeyPackages(place)
		if restored, e := tx.Meta(MetaRestored); len(all) == 0 && restored != nil {
			want = max(want, pushOut)
			err = errors.Join(err, e)
		}
		for _, row := range all {
			if now.Sub(row.Created) >= packageRenewal || isAhead(row, now) {
				continue
			}
			if row.HandedOut && !row.LastResort && place == transport.Key(k.id.ID()) {
				// a relay's copy is in its stock until somebody's Welcome uses it;
				// one that we hand out ourselves is gone
				continue
			}
			kp, err := mls.ParseKeyPackage(row.Package)
			if err != nil {
				return fmt.Errorf("key package: %w", store.ErrDamaged)
			}
			have[kind{kp.Suite(), row.LastResort}]++
		}
		return err
	})
	for i := range want {
		next := kind{suite: Suite}
		if i%classicalShare == classicalShare-1 {
			next.suite = ClassicalSuite
		}
		if have[next]--; have[next] < 0 {
			missing = append(missing, next)
		}
	}
	if last := (kind{Suite, true}); have[last] == 0 {
		missing = append(missing, last)
	}
	return missing, err
}

func (k *Keys) put(ctx context.Context, rows []store.KeyPackage, now time.Time) error {
	return k.store.Update(ctx, func(tx *store.Tx) error {
		if err := errors.Join(tx.DeleteExpiredKeyPackages(now), withdrawAhead(tx, rows[0].Place, now)); err != nil {
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

// withdrawAhead erases the packages of a place that nobody has and nobody would take yet.
// One of last resort that somebody has stays for the Welcome to it.
func withdrawAhead(tx *store.Tx, place transport.Key, now time.Time) error {
	all, err := tx.KeyPackages(place)
	for _, row := range all {
		switch {
		case err != nil || !isAhead(row, now):
		case !row.HandedOut:
			err = tx.DeleteKeyPackage(row.Ref)
		case row.LastResort:
			row.LastResort = false
			err = tx.PutKeyPackage(row)
		}
	}
	return err
}

// Placed notes that a place has taken packages.
func (k *Keys) Placed(ctx context.Context, rows []store.KeyPackage) error {
	return k.store.Update(ctx, func(tx *store.Tx) error {
		for _, row := range rows {
			if _, err := tx.KeyPackage(row.Ref); store.IsNotFound(err) {
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
	if store.IsNotFound(err) {
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

func (k *Keys) make(place transport.Key, now time.Time, of kind) (store.KeyPackage, error) {
	id := k.id.ID()
	pkg, secrets, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite:        of.suite,
		Signer:       k.id.MLS(),
		Identity:     id[:],
		NotBefore:    now.Add(-packageSkew),
		NotAfter:     now.Add(PackageLifetime),
		Capabilities: Capabilities(),
		LastResort:   of.lastResort,
	})
	if err != nil {
		return store.KeyPackage{}, err
	}
	return store.KeyPackage{
		Ref: pkg.Ref(), Package: pkg.Bytes(), Secrets: secrets.Bytes(),
		Place: place, Created: now, Expires: now.Add(PackageLifetime), LastResort: of.lastResort,
	}, nil
}
