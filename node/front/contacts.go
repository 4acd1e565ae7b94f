package front

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/front/names"
	"quicnprotochat/node/known"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// AddContact implements localapi.Contacts.
func (f *Front) AddContact(ctx context.Context, link, name string) (localapi.AddedContact, error) {
	if isUserName(link) {
		return f.addByName(ctx, link, name)
	}
	if k, err := transport.ParseKey(link); err == nil {
		return f.addNearby(ctx, k, name)
	}
	if !strings.HasPrefix(link, "qpc:") {
		if k, ok, err := f.calledNearby(ctx, link); ok || err != nil {
			if err != nil {
				return localapi.AddedContact{}, err
			}
			return f.addNearby(ctx, k, name)
		}
	}
	card, raw, err := contact.ParseLink(link)
	if err != nil {
		return localapi.AddedContact{}, linkError(err)
	}
	c, isNew, err := f.cfg.Engine.AddContact(ctx, card, raw, name)
	if errors.Is(err, known.ErrSelf) {
		return localapi.AddedContact{}, &localapi.Error{
			Message: "this is your own link",
			Hint:    "send it to somebody else, and add theirs",
			Exit:    localapi.ExitUsage,
		}
	}
	if errors.Is(err, known.ErrLinkExpired) {
		return localapi.AddedContact{}, &localapi.Error{
			Message: fmt.Sprintf("this link could be used until %s", localapi.Time{Time: card.Hello.Expiry}),
			Hint:    "ask for a new one: qpc invite makes it",
			Exit:    localapi.ExitUsage,
		}
	}
	if err != nil {
		return localapi.AddedContact{}, err
	}
	return localapi.AddedContact{Identity: text(c.Identity), Name: c.Name, New: isNew}, nil
}

func linkError(err error) error {
	if errors.Is(err, contact.ErrSignature) {
		return &localapi.Error{
			Message: "the link was changed on its way: its signature is wrong",
			Hint:    "ask for the link again, by another way",
			Exit:    localapi.ExitSignature,
		}
	}
	return &localapi.Error{
		Message: "this is not a whole contact link: " + err.Error(),
		Hint:    "a link begins with qpc: and is one long word; copy all of it",
		Exit:    localapi.ExitUsage,
	}
}

// Contacts implements localapi.Contacts.
func (f *Front) Contacts(ctx context.Context) ([]localapi.Contact, error) {
	all := []localapi.Contact{}
	err := f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		rows, err1 := tx.Contacts()
		ids, err2 := tx.Blocked()
		talks, err3 := tx.Conversations()
		blocked, archived := make(map[rpc.Identity]bool), make(map[rpc.Identity]bool)
		for _, id := range ids {
			blocked[id] = true
		}
		for _, talk := range talks {
			archived[talk.Peer] = talk.Archived
		}
		for _, c := range rows {
			all = append(all, contactOf(c, blocked[c.Identity], archived[c.Identity]))
		}
		return errors.Join(err1, err2, err3)
	})
	return all, err
}

func showContact(tx *store.Tx, c store.Contact) (localapi.Contact, error) {
	blocked, err := tx.IsBlocked(c.Identity)
	if err != nil {
		return localapi.Contact{}, err
	}
	talk, err := tx.ConversationOf(c.Identity)
	if store.IsNotFound(err) {
		err = nil
	}
	return contactOf(c, blocked, talk.Archived), err
}

func contactOf(c store.Contact, blocked, archived bool) localapi.Contact {
	shown := localapi.Contact{
		Identity: text(c.Identity), Name: c.Name, Via: c.Via, Verified: c.Verified, Claim: c.Claim, Blocked: blocked, Archived: archived,
	}
	if c.Changed != (rpc.Identity{}) {
		shown.Changed = text(c.Changed)
	}
	return shown
}

// Contact implements localapi.Contacts.
func (f *Front) Contact(ctx context.Context, who string) (localapi.Contact, error) {
	c, err := f.find(ctx, who)
	if err != nil {
		return localapi.Contact{}, err
	}
	return f.contact(ctx, c)
}

// unknownHint is the hint of an error about somebody who is no contact.
const unknownHint = "qpc contacts lists them; qpc contact add LINK adds one"

// contacts returns all contacts.
func (f *Front) contacts(ctx context.Context) (all []store.Contact, err error) {
	err = f.cfg.Store.Glance(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Contacts()
		return err
	})
	return all, err
}

// find returns the contact of an identity, an exact name, or a unique prefix of
// either, as package names says. The own identity, and the own name if no contact has
// it, is the user.
func (f *Front) find(ctx context.Context, who string) (store.Contact, error) {
	all, err := f.contacts(ctx)
	if err != nil {
		return store.Contact{}, err
	}
	found := f.among(all, who)
	switch len(found) {
	case 0:
		return store.Contact{}, &localapi.Error{
			Message: fmt.Sprintf("no contact is called %q", who),
			Hint:    unknownHint,
			Exit:    localapi.ExitContact,
		}
	case 1:
		return found[0], nil
	}
	var which []string
	for _, c := range found[:min(len(found), 10)] {
		which = append(which, fmt.Sprintf("%s (%s)", c.Name, text(c.Identity)))
	}
	return store.Contact{}, &localapi.Error{
		Message: fmt.Sprintf("%q could be %d contacts", who, len(found)),
		Hint:    "say which: " + strings.Join(which, ", "),
		Exit:    localapi.ExitContact,
	}
}

// among returns the contacts that who can mean, and the user where it is the user's.
func (f *Front) among(all []store.Contact, who string) []store.Contact {
	own := f.cfg.Profile.Name()
	found := match(all, who)
	begins := func(c store.Contact) bool { return strings.HasPrefix(c.Name, who) }
	if who == text(f.self) || who == own && !slices.ContainsFunc(found, begins) || len(found) == 0 && names.Same(own, who) {
		return []store.Contact{{Identity: f.self, Name: own, Via: viaSelf}}
	}
	return found
}

// identityStart is how every identity begins.
const identityStart = "12D3KooW"

// match returns the contacts that who can mean. People choose their own names,
// so a name never stands for what is an identity, or begins one of a contact.
func match(all []store.Contact, who string) []store.Contact {
	var ids []store.Contact
	mayBeID := who != "" && (strings.HasPrefix(who, identityStart) || strings.HasPrefix(identityStart, who))
	isID := func(c store.Contact) bool { return mayBeID && strings.HasPrefix(text(c.Identity), who) }
	for _, c := range all {
		if isID(c) {
			ids = append(ids, c)
		}
	}
	_, err := transport.ParseKey(who)
	if err == nil || len(ids) > 0 && !strings.HasPrefix(identityStart, who) {
		return ids
	}
	return names.Match(all, who, func(c store.Contact) string { return c.Name }, isID)
}
