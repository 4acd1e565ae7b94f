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

// checkLifetime is the part of Check that needs a clock.
func (k *KeyPackage) checkLifetime(now time.Time) error {
	if err := k.checkSpan(); err != nil {
		return fmt.Errorf("key package: %w", err)
	}
	slack := uint64(LifetimeSlack / time.Second)
	at := uint64(max(now.Unix(), 0))
	if at+slack < k.leaf.lifetime.NotBefore || at > k.leaf.lifetime.NotAfter+slack {
		return fmt.Errorf("key package: %w", ErrLifetime)
	}
	return nil
}

// checkSpan refuses a lifetime that is empty or too long.
func (k *KeyPackage) checkSpan() error {
	l := k.leaf.lifetime
	if l.NotAfter < l.NotBefore || l.NotAfter-l.NotBefore > uint64(MaxLifetime/time.Second) || l.NotAfter > 1<<62 {
		return ErrLifetime
	}
	return nil
}
