package homes

import (
	"context"
	"fmt"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// maxRelays is how many home relays a node keeps: as many as an endpoint names.
const maxRelays = endpoint.MaxRelays

// ParseRelay parses the URL of a relay that a user gave.
func ParseRelay(text string) (transport.RelayURL, error) {
	u, err := transport.ParseRelayURL(text)
	if err != nil {
		return u, &localapi.Error{
			Message: fmt.Sprintf("not a relay address: %v", err),
			Hint:    "a relay prints its address when it starts: qpc-relay://12D3Koo…@host:port",
			Exit:    localapi.ExitUsage,
		}
	}
	return u, nil
}

// PutRelay adds a home relay, and reports whether it was not there; another
// address of the same relay replaces it.
func PutRelay(tx *store.Tx, u transport.RelayURL) (isNew bool, err error) {
	rows, err := tx.Relays()
	if err != nil {
		return false, err
	}
	n := 0
	for _, row := range rows {
		if row.Key != u.Key {
			n++
			continue
		}
		if row.URL == u.String() {
			return false, nil
		}
		if err := tx.DeleteRelay(row.URL); err != nil {
			return false, err
		}
	}
	if n >= maxRelays {
		return false, &localapi.Error{
			Message: fmt.Sprintf("this node has %d relays already", maxRelays),
			Hint:    "remove one first: qpc relay forget URL",
			Exit:    localapi.ExitUsage,
		}
	}
	return true, tx.PutRelay(store.Relay{URL: u.String(), Key: u.Key, Added: tx.Now()})
}

// AddRelay implements localapi.Relays.
func (h *Homes) AddRelay(ctx context.Context, url string) error {
	u, err := ParseRelay(url)
	if err != nil {
		return err
	}
	isNew := false
	err = h.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		isNew, err = PutRelay(tx, u)
		return err
	})
	if err != nil || !isNew {
		return err
	}
	h.cfg.Deliverer.AddRelay(u)
	return h.cfg.Engine.Announce(ctx)
}

// ForgetRelay implements localapi.Relays.
func (h *Homes) ForgetRelay(ctx context.Context, url string) error {
	u, err := ParseRelay(url)
	if err != nil {
		return err
	}
	found := false
	err = h.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.Relays()
		for _, row := range rows {
			if row.Key == u.Key {
				found = true
				return tx.DeleteRelay(row.URL)
			}
		}
		return err
	})
	if err == nil && !found {
		return &localapi.Error{
			Message: "that relay is not one of this node's",
			Hint:    "qpc status lists them",
			Exit:    localapi.ExitUsage,
		}
	}
	if err != nil {
		return err
	}
	h.cfg.Deliverer.ForgetRelay(u.Key)
	return h.cfg.Engine.Announce(ctx)
}
