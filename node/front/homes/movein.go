package homes

import (
	"context"
	"slices"

	"quicnprotochat/node/deliver/homes"
	"quicnprotochat/node/localapi"
	"quicnprotochat/transport"
)

// MoveIn sees that who was found at a relay can answer: a node without any relay uses that
// one from now on, if it keeps mail for this node, and its URL is returned. "" means that
// all is as it was, for there is another relay already.
func (h *Homes) MoveIn(ctx context.Context, u transport.RelayURL) (url string, err error) {
	ours := h.cfg.Deliverer.HomeRelays()
	if slices.ContainsFunc(ours, func(s homes.State) bool { return s.URL.Key != u.Key }) {
		return "", nil
	}
	keeps, err := h.cfg.Accounts.KeepsMail(ctx, u, len(ours) > 0)
	switch {
	case err != nil:
		return "", AccountError(u, err)
	case !keeps:
		return "", &localapi.Error{
			Message: "that relay keeps mail only for who has an account there, and this node has no other relay: the person could not answer",
			Hint:    "make an account: qpc account register NAME --relay " + u.String() + "; or use a relay that keeps mail for anybody: qpc relay add URL",
			Exit:    localapi.ExitOther,
		}
	case len(ours) > 0:
		return "", nil
	}
	return u.String(), h.AddRelay(ctx, u.String())
}
