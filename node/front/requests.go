package front

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/front/names"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
)

// claimsTime bounds how long relays are asked who those are who ask to be contacts.
const claimsTime = 2 * time.Second

// Requests implements localapi.Trust.
func (f *Front) Requests(ctx context.Context) ([]localapi.Request, error) {
	all := []localapi.Request{}
	var rows []store.Request
	err := f.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		if rows, err = tx.Requests(); err != nil {
			return err
		}
		for _, r := range rows {
			shown := localapi.Request{Identity: text(r.Identity), Name: r.Name, Via: r.Via, Time: localapi.Time{Time: r.At}}
			entries, err := tx.History(pair.ID(f.self, r.Identity), nil, 1)
			if err != nil {
				return err
			}
			for _, m := range entries {
				v, err := timeline.Look(tx, m)
				if err != nil {
					return err
				}
				shown.Text = v.Text
			}
			all = append(all, shown)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.claims(ctx, rows, all)
	return all, nil
}

// claims asks our relays which user names people have there.
func (f *Front) claims(ctx context.Context, rows []store.Request, shown []localapi.Request) {
	ctx, cancel := context.WithTimeout(ctx, claimsTime)
	defer cancel()
	for _, relay := range f.cfg.Deliverer.HomeRelays() {
		for i, r := range rows {
			if !relay.Reached || shown[i].Claim != "" || ctx.Err() != nil {
				continue
			}
			if name, err := f.cfg.Accounts.NameOf(ctx, relay.URL, r.Identity); err == nil && name != "" {
				shown[i].Claim = claim(name, relay.URL)
			}
		}
	}
}

// called is what somebody who asks is called: as it calls itself, else by its key.
func called(r store.Request) string {
	if r.Name != "" {
		return r.Name
	}
	return text(r.Identity)
}

// findRequest finds who asks to be a contact by identity, exact name, or a unique
// beginning of either, as package names says; nil if nobody is it, or a contact who does
// not ask has that name.
func (f *Front) findRequest(ctx context.Context, who string) (found *store.Request, err error) {
	var all []store.Request
	var contacts []store.Contact
	err = f.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		if all, err = tx.Requests(); err == nil {
			contacts, err = tx.Contacts()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	people := make([]store.Contact, 0, len(all))
	for _, r := range all {
		people = append(people, store.Contact{Identity: r.Identity, Name: called(r)})
	}
	for _, c := range contacts {
		i := slices.IndexFunc(all, func(r store.Request) bool { return r.Identity == c.Identity })
		switch {
		case i >= 0: // a fellow member of a group: it is called here as the list of contacts says
			people[i].Name = c.Name
		case c.Name == who, names.Same(c.Name, who) && !slices.ContainsFunc(people, func(p store.Contact) bool { return p.Name == who }):
			return nil, nil
		}
	}
	ask := match(people, who)
	if len(ask) > 1 {
		return nil, ambiguous(who, targets(ask, f.person))
	}
	for i, r := range all {
		if len(ask) == 1 && r.Identity == ask[0].Identity {
			found = &all[i]
		}
	}
	return found, nil
}

// answerRequest answers somebody who asks to be a contact.
func (f *Front) answerRequest(ctx context.Context, r store.Request, action localapi.TrustAction) (localapi.Contact, error) {
	shown := localapi.Contact{Identity: text(r.Identity), Name: called(r), Via: r.Via}
	switch action {
	case localapi.TrustAccept:
		c, err := f.cfg.Engine.Accept(ctx, r.Identity)
		if err != nil {
			return shown, err
		}
		return f.contact(ctx, c)
	case localapi.TrustRefuse:
		return shown, f.cfg.Engine.Refuse(ctx, r.Identity, false)
	case localapi.TrustBlock:
		shown.Blocked = true
		return shown, f.cfg.Engine.Refuse(ctx, r.Identity, true)
	}
	return shown, &localapi.Error{
		Message: fmt.Sprintf("%s asks to be a contact and is none yet", strings.TrimSpace(called(r))),
		Hint:    "qpc accept NAME or qpc refuse NAME answers",
		Exit:    localapi.ExitContact,
	}
}
