package mls

import (
	"fmt"
	"time"
)

// MaxLifetime is the longest lifetime that a key package may have, and
// LifetimeSlack how far the clock of whoever adds may be off at both ends.
const (
	MaxLifetime   = 93 * 24 * time.Hour
	LifetimeSlack = 24 * time.Hour
)

// A Lifetime is the span, in seconds since 1970, in which a key package may be
// used to add its owner.
type Lifetime struct {
	NotBefore uint64
	NotAfter  uint64
}

// checkSpan refuses a lifetime that is empty or longer than MaxLifetime. Every member
// does so, for it takes no clock: all come to the same end (RFC 9420, §7.2).
func (l Lifetime) checkSpan() error {
	if l.NotAfter < l.NotBefore || l.NotAfter-l.NotBefore > uint64(MaxLifetime/time.Second) || l.NotAfter > 1<<62 {
		return ErrLifetime
	}
	return nil
}

// checkSpans refuses a tree in which a leaf of a key package has such a lifetime.
func (t *tree) checkSpans() error {
	for i, l := range t.members() {
		if l.source != sourceKeyPackage {
			continue
		}
		if err := l.lifetime.checkSpan(); err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
	}
	return nil
}

// checkSpans refuses a commit that adds such a leaf.
func checkSpans(list []listed) error {
	for _, p := range list {
		if p.typ != ProposalAdd {
			continue
		}
		if err := p.add.leaf.lifetime.checkSpan(); err != nil {
			return fmt.Errorf("add: %w", err)
		}
	}
	return nil
}

// checkLifetime is the part of Check that needs a clock.
func (k *KeyPackage) checkLifetime(now time.Time) error {
	if err := k.leaf.lifetime.checkSpan(); err != nil {
		return fmt.Errorf("key package: %w", err)
	}
	slack := uint64(LifetimeSlack / time.Second)
	at := uint64(max(now.Unix(), 0))
	if at+slack < k.leaf.lifetime.NotBefore || at > k.leaf.lifetime.NotAfter+slack {
		return fmt.Errorf("key package: %w", ErrLifetime)
	}
	return nil
}
