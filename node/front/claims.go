package front

import (
	"context"
	"strings"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// claimsFirst is how long after the start relays are asked first whom they name
	// for the user names of contacts, and claimsPause the time from then on.
	claimsFirst = time.Minute
	claimsPause = 24 * time.Hour
	// claimTime bounds one question.
	claimTime = time.Minute
)

// WatchClaims asks the relays now and then whom they name for the user names of our
// contacts, until ctx ends. Another identity than before is shown, and nothing is sent
// to that contact until the user has chosen.
func (f *Front) WatchClaims(ctx context.Context) error {
	timer := time.NewTimer(claimsFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := f.askClaims(ctx); err != nil && ctx.Err() == nil {
			f.cfg.Log.Warn("ask relays for user names", "err", err)
		}
		timer.Reset(claimsPause)
	}
}

// askClaims asks once for all contacts. A relay that is not reached is asked next time.
func (f *Front) askClaims(ctx context.Context) error {
	all, err := f.contacts(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		user, url, _ := strings.Cut(c.Claim, "@")
		u, err := transport.ParseRelayURL(url)
		if c.Claim == "" || err != nil || c.Changed != (rpc.Identity{}) {
			continue
		}
		now, found, err := f.resolveUser(ctx, u, user)
		if err != nil || !found || now == c.Identity {
			continue
		}
		if _, err := f.cfg.Trust.Renamed(ctx, c.Identity, now); err != nil {
			return err
		}
	}
	return nil
}

func (f *Front) resolveUser(ctx context.Context, u transport.RelayURL, user string) (rpc.Identity, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	return f.cfg.Accounts.Resolve(ctx, u, user)
}
