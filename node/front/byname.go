package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"quicnprotochat/node/front/homes"
	"quicnprotochat/node/known"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// isUserName tells NAME@RELAY from a link.
func isUserName(text string) bool {
	return strings.Contains(text, "@") && !strings.HasPrefix(text, "qpc:")
}

// addByName asks a relay who has a user name and keeps that person.
func (f *Front) addByName(ctx context.Context, who, name string) (localapi.AddedContact, error) {
	user, u, err := f.parseUserName(ctx, who)
	if err != nil {
		return localapi.AddedContact{}, err
	}
	r, err := f.resolve(ctx, user, u, name)
	if err != nil {
		return localapi.AddedContact{}, err
	}
	return localapi.AddedContact{Identity: text(r.contact.Identity), Name: r.contact.Name, New: r.isNew, NewRelay: r.relay}, nil
}

// findOrAsk is find, and for a NAME@RELAY that was never asked for it asks. relay is the URL
// of a relay that this node uses only from now on, because of that.
func (f *Front) findOrAsk(ctx context.Context, who string) (c store.Contact, relay string, err error) {
	c, err = f.find(ctx, who)
	if err == nil || !isUserName(who) || localapi.AsError(err).Exit != localapi.ExitContact {
		return c, "", err
	}
	user, u, err := f.parseUserName(ctx, who)
	if err != nil {
		return c, "", err
	}
	all, err := f.contacts(ctx)
	if err != nil {
		return c, "", err
	}
	for _, c := range all {
		if c.Claim == claim(user, u) {
			return c, "", nil // once a relay has named somebody, it is not asked again
		}
	}
	r, err := f.resolve(ctx, user, u, "")
	return r.contact, r.relay, err
}

// claim is how it is kept that a relay named somebody.
func claim(user string, u transport.RelayURL) string {
	return strings.ToLower(user) + "@" + u.String()
}

// named is somebody whom a relay named.
type named struct {
	contact store.Contact
	isNew   bool
	relay   string // the URL of that relay if this node uses it only from now on, else ""
}

// resolve asks a relay who has a user name, and keeps that person.
func (f *Front) resolve(ctx context.Context, user string, u transport.RelayURL, name string) (r named, err error) {
	id, found, err := f.cfg.Accounts.Resolve(ctx, u, user)
	if err != nil {
		return r, homes.AccountError(u, err)
	}
	if !found {
		return r, &localapi.Error{
			Message: fmt.Sprintf("nobody is called %q at that relay", user),
			Hint:    "is it the right relay? ask the person for a link: qpc invite makes it",
			Exit:    localapi.ExitContact,
		}
	}
	if r.relay, err = f.beReached(ctx, id, u); err != nil {
		return r, err
	}
	r.contact, r.isNew, err = f.cfg.Engine.AddByName(ctx, id, claim(user, u), user, name)
	return r, f.namedError(ctx, user, u, id, err)
}

// beReached sees that somebody whom a relay named can answer, unless it is known that
// this works. It returns what homes.MoveIn does.
func (f *Front) beReached(ctx context.Context, id rpc.Identity, u transport.RelayURL) (relay string, err error) {
	reached := id == f.self
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Contact(id)
		if store.IsNotFound(err) {
			return nil
		}
		reached = reached || c.Introduced
		return err
	})
	if err != nil || reached {
		return "", err
	}
	relay, err = f.MoveIn(ctx, u)
	if err != nil && slices.Contains(f.cfg.Host.LAN(), transport.Key(id)) {
		err = nil // there is a way without a relay
	}
	return relay, err
}

// namedError puts into words why somebody whom a relay named is not kept.
func (f *Front) namedError(ctx context.Context, user string, u transport.RelayURL, id rpc.Identity, err error) error {
	switch {
	case errors.Is(err, known.ErrSelf):
		return &localapi.Error{
			Message: "this is your own user name",
			Hint:    "give it to somebody else, and add theirs",
			Exit:    localapi.ExitUsage,
		}
	case errors.Is(err, known.ErrClaim):
		if err := f.renamed(ctx, claim(user, u), id); err != nil {
			return err
		}
		return &localapi.Error{
			Message: fmt.Sprintf("the relay says that %q is now %s, which is not who it named before: nothing is sent there now", user, text(id)),
			Hint:    "ask the person by another way; then qpc accept CONTACT takes the new identity, qpc refuse CONTACT stays with the old one",
			Exit:    localapi.ExitSignature,
		}
	}
	return err
}

// parseUserName takes NAME@RELAY apart. RELAY is a URL, or the host, or host and
// port, of one of our home relays.
func (f *Front) parseUserName(ctx context.Context, who string) (user string, u transport.RelayURL, err error) {
	user, at, _ := strings.Cut(who, "@")
	if user == "" || at == "" {
		return "", u, &localapi.Error{
			Message: fmt.Sprintf("%q is neither a link nor NAME@RELAY", who),
			Hint:    "a user name looks like anna@qpc-relay://12D3Koo…@host:port",
			Exit:    localapi.ExitUsage,
		}
	}
	if strings.Contains(at, "://") {
		u, err = homes.ParseRelay(at)
		return user, u, err
	}
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Relays()
		for _, row := range rows {
			r, err := transport.ParseRelayURL(row.URL)
			if err == nil && (at == r.Host || at == net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))) {
				u = r
				return nil
			}
		}
		if err == nil {
			err = &localapi.Error{
				Message: fmt.Sprintf("no relay of this node is at %q", at),
				Hint:    "give its whole address: NAME@qpc-relay://12D3Koo…@host:port",
				Exit:    localapi.ExitUsage,
			}
		}
		return err
	})
	return user, u, err
}
