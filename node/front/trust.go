package front

import (
	"context"
	"fmt"
	"strings"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/trust"
	"quicnprotochat/rpc"
)

// Safety implements localapi.Trust.
func (f *Front) Safety(ctx context.Context, who string) (localapi.Safety, error) {
	c, err := f.other(ctx, who)
	if err != nil {
		return localapi.Safety{}, err
	}
	number := trust.SafetyNumber(f.self, c.Identity)
	return localapi.Safety{
		Identity: text(c.Identity), Name: c.Name, Number: number, Code: trust.SafetyCode(number), Verified: c.Verified,
	}, nil
}

// other is find for somebody who is not the user.
func (f *Front) other(ctx context.Context, who string) (store.Contact, error) {
	c, err := f.find(ctx, who)
	if err == nil && c.Identity == f.self {
		err = &localapi.Error{Message: "this is yourself", Hint: unknownHint, Exit: localapi.ExitUsage}
	}
	return c, err
}

// Decide implements localapi.Trust.
func (f *Front) Decide(ctx context.Context, r localapi.TrustRequest) (localapi.Contact, error) {
	req, err := f.findRequest(ctx, r.Contact)
	if err != nil {
		return localapi.Contact{}, err
	}
	who := r.Contact
	if req != nil {
		// A fellow member of a group who asks is in the list of contacts already.
		_, err := f.find(ctx, text(req.Identity))
		if err != nil || r.Action == localapi.TrustAccept || r.Action == localapi.TrustRefuse || r.Action == localapi.TrustBlock {
			return f.answerRequest(ctx, *req, r.Action)
		}
		who = text(req.Identity)
	}
	c, err := f.other(ctx, who)
	if err != nil {
		return localapi.Contact{}, err
	}
	switch r.Action {
	case localapi.TrustVerify:
		if err := f.compare(c, r.Number); err != nil {
			return localapi.Contact{}, err
		}
		c, err = f.cfg.Trust.Verify(ctx, c.Identity, true)
	case localapi.TrustUnverify:
		c, err = f.cfg.Trust.Verify(ctx, c.Identity, false)
	case localapi.TrustBlock:
		c, err = f.cfg.Trust.Block(ctx, c.Identity)
	case localapi.TrustUnblock:
		c, err = f.cfg.Trust.Unblock(ctx, c.Identity)
	default:
		return f.answer(ctx, c, r.Action == localapi.TrustAccept)
	}
	if err != nil {
		return localapi.Contact{}, err
	}
	return f.contact(ctx, c)
}

// compare refuses a number that the user was told, if any, and that is another one.
func (f *Front) compare(c store.Contact, number string) error {
	switch {
	case number == "", trust.SameNumber(trust.SafetyNumber(f.self, c.Identity), number):
		return nil
	case !trust.IsNumber(number):
		return &localapi.Error{
			Message: "this is no safety number: one has 60 digits",
			Hint:    "qpc verify CONTACT shows it, and with yes or no behind it keeps what you found",
			Exit:    localapi.ExitUsage,
		}
	}
	return &localapi.Error{
		Message: "this is not the safety number of you and " + c.Name,
		Hint:    "compare it again; if it stays another one, somebody is between you: ask for a link by another way",
		Exit:    localapi.ExitSignature,
	}
}

// answer takes, or does not, whom a relay names now for the user name of a contact.
func (f *Front) answer(ctx context.Context, c store.Contact, accept bool) (localapi.Contact, error) {
	if c.Changed == (rpc.Identity{}) {
		return localapi.Contact{}, &localapi.Error{
			Message: fmt.Sprintf("there is nothing to answer about %s", c.Name),
			Hint:    "qpc requests lists those who ask",
			Exit:    localapi.ExitUsage,
		}
	}
	if !accept {
		c, err := f.cfg.Trust.Keep(ctx, c.Identity)
		if err != nil {
			return localapi.Contact{}, err
		}
		return f.contact(ctx, c)
	}
	next, claim, name, err := f.cfg.Trust.Release(ctx, c.Identity)
	if err != nil {
		return localapi.Contact{}, err
	}
	user, _, _ := strings.Cut(claim, "@")
	added, _, err := f.cfg.Engine.AddByName(ctx, next, claim, user, name)
	if err != nil {
		return localapi.Contact{}, err
	}
	return f.contact(ctx, added)
}

// contact returns a contact as front ends see it, with what is kept apart from it.
func (f *Front) contact(ctx context.Context, c store.Contact) (shown localapi.Contact, err error) {
	err = f.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		shown, err = showContact(tx, c)
		return err
	})
	return shown, err
}

// renamed keeps that a relay names another identity for the user name of a contact
// now.
func (f *Front) renamed(ctx context.Context, claim string, now rpc.Identity) error {
	all, err := f.contacts(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Claim == claim && c.Identity != now {
			if _, err := f.cfg.Trust.Renamed(ctx, c.Identity, now); err != nil {
				return err
			}
		}
	}
	return nil
}
