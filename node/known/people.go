package known

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Config says whose people they are. All fields are required.
type Config struct {
	Self     rpc.Identity
	Store    *store.Store
	Identity *identity.Identity
	Profile  *profile.Profile
	// Update runs one durable transaction and tells its effects after the commit.
	Update func(ctx context.Context, fn func(tx *store.Tx, fx Effects) error) error
}

// Effects is what a transaction asks to be told after its commit.
type Effects interface {
	// Send: something waits for a person. Owed: a receipt is owed to one.
	Send(to rpc.Identity)
	Owed(to rpc.Identity)
	// Contact: a contact is new or has another card. Met: the user is to be told of a
	// new one. Asked: the user is to be told that somebody asks to be one.
	Contact(c store.Contact)
	Met(c store.Contact)
	Asked(id rpc.Identity)
	// Revoke: passes of ours were cancelled.
	Revoke()
}

// People are those whom we know, and those who ask to be known.
type People struct{ cfg Config }

// New returns the people of a node.
func New(cfg Config) *People { return &People{cfg} }

// How a contact came to be one.
const (
	ViaLink         = "link"
	ViaIntroduction = "introduction"
	ViaName         = "name"
	// ViaLAN: somebody whom we heard on the LAN, and asked.
	ViaLAN = "lan"
	// ViaGroup: a fellow member of a group, whom we do not know otherwise.
	ViaGroup = "group"
)

// Errors of AddContact.
var (
	// ErrSelf means one's own link.
	ErrSelf = errors.New("this is your own link")
	// ErrLinkExpired means a link whose owner would no longer let us in.
	ErrLinkExpired = errors.New("this link has expired")
)

// AddContact keeps the person of a card that the user brought, and puts an
// introduction into the outbox. It is idempotent; isNew reports whether the
// person was not a contact before. An empty name means the card's; a taken one
// gets a number.
func (k *People) AddContact(ctx context.Context, card contact.Card, raw []byte, name string) (c store.Contact, isNew bool, err error) {
	if card.Identity == k.cfg.Self {
		return c, false, ErrSelf
	}
	now := k.cfg.Store.Now()
	err = k.cfg.Update(ctx, func(tx *store.Tx, fx Effects) error {
		c, err = tx.Contact(card.Identity)
		switch isNew = store.IsNotFound(err); {
		case isNew && !card.Hello.IsZero() && now.After(card.Hello.Expiry):
			return ErrLinkExpired
		case isNew:
			c = store.Contact{Identity: card.Identity, Via: ViaLink, Added: now}
			if name == "" {
				name = card.Name
			}
		case err != nil:
			return err
		default:
			if c.Via == ViaGroup {
				c.Introduced = false // they have our card, and not yet our word that we know them
			}
			c.Via = ViaLink // who introduced itself is now vouched for by the user
		}
		if name = contact.CleanName(name); name != "" && name != c.Name {
			if c.Name, err = tx.FreeName(name); err != nil {
				return err
			}
		}
		c.Card = Newer(c.Card, card, raw)
		if err := tx.PutContact(c); err != nil {
			return err
		}
		fx.Contact(c)
		if isNew {
			fx.Met(c)
		}
		if c.Introduced {
			return nil
		}
		if c, err = k.Settle(tx, fx, c, now); err != nil || c.Introduced {
			return err
		}
		link := c
		link.Card = raw // it has the pass
		return k.Introduce(tx, fx, link, now)
	})
	return c, isNew, err
}

// Newer returns the encoded card to keep: the one issued last. A card of a link
// wins over one without a hello pass of the same time.
func Newer(old []byte, card contact.Card, raw []byte) []byte {
	if had, err := contact.ParseCard(old); err == nil && had.Issued.After(card.Issued) {
		return old
	}
	return raw
}

// Introduce puts an introduction to a contact into the outbox, once.
func (k *People) Introduce(tx *store.Tx, fx Effects, c store.Contact, now time.Time) error {
	intro, err := k.Introduction(tx, c, now)
	if err != nil || intro == nil {
		return err
	}
	if err := tx.DeleteOutgoingKind(c.Identity, store.KindIntroduction, nil); err != nil {
		return err
	}
	return k.addControl(tx, fx, store.KindIntroduction, intro, now)
}

// Introduction makes the control message that presents our card and the hello
// pass of the contact's link; nil if its card has no pass. Who was added by name
// or heard on the LAN gets one without a pass, which is taken by who has added us as well.
func (k *People) Introduction(tx *store.Tx, c store.Contact, now time.Time) (*message.Control, error) {
	var pass []byte
	if len(c.Card) > 0 || c.Claim == "" && c.Via != ViaLAN {
		card, err := contact.ParseCard(c.Card)
		if err != nil {
			return nil, fmt.Errorf("card of contact: %w", store.ErrDamaged)
		}
		if card.Hello.IsZero() {
			return nil, nil
		}
		pass = card.Hello.Encode()
	}
	own, err := k.cfg.Profile.Card(tx, false, now)
	if err != nil {
		return nil, err
	}
	return k.Signed(c.Identity, nil, &message.Introduction{Card: own, Pass: pass})
}

// Signed makes a control message of ours; group is nil outside of one.
func (k *People) Signed(to rpc.Identity, group []byte, body message.Body) (*message.Control, error) {
	m, err := message.NewControl(k.cfg.Self, to, group, body, k.cfg.Identity.Sign)
	if err != nil {
		return nil, fmt.Errorf("make control message: %w", err)
	}
	return m, nil
}

// addControl puts a control message that presents us into the outbox, outside of any
// conversation, with our passes behind it.
func (k *People) addControl(tx *store.Tx, fx Effects, kind byte, m *message.Control, now time.Time) error {
	parts := []message.Part{m}
	passes, err := k.givePasses(tx, m.Recipient, now)
	if err != nil {
		return err
	}
	if passes != nil {
		parts = append(parts, passes)
	}
	frame, err := message.EncodeFrame(parts...)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	fx.Send(m.Recipient)
	_, err = tx.AddOutgoing(store.Outgoing{Recipient: m.Recipient, Kind: kind, Frame: frame, Created: now})
	return err
}

// Introduced makes a contact of somebody who presents a hello pass of ours, and
// answers with our card. It returns the contact with the card that it had before; the
// zero contact if the person has to ask.
func (k *People) Introduced(tx *store.Tx, fx Effects, sender rpc.Identity, intro *message.Introduction) (c store.Contact, before []byte, err error) {
	now := tx.Now()
	card, err := parseCardOf(sender, intro.Card)
	if err != nil {
		return c, nil, err
	}
	c, err = tx.Contact(sender)
	isNew := store.IsNotFound(err)
	if err != nil && !isNew {
		return c, nil, err
	}
	if isNew {
		if k.cfg.Profile.CheckHello(tx, intro.Pass, now) != nil {
			_, err := k.asks(tx, fx, sender, ViaRequest, &card, intro.Card)
			return store.Contact{}, nil, err
		}
		if err := tx.DeleteRequest(sender); err != nil {
			return c, nil, err
		}
		c = store.Contact{Identity: sender, Via: ViaIntroduction, Introduced: true, Added: now}
		if c.Name, err = tx.FreeName(card.Name); err != nil {
			return c, nil, err
		}
		fx.Met(c)
	}
	if c.Via == ViaGroup && k.cfg.Profile.CheckHello(tx, intro.Pass, now) == nil {
		c.Via = ViaIntroduction
		if err := tx.DeleteRequest(sender); err != nil {
			return c, nil, err
		}
	}
	before = c.Card
	c.Card = Newer(c.Card, card, intro.Card)
	if err := tx.PutContact(c); err != nil {
		return c, nil, err
	}
	fx.Contact(c)
	if err := k.KnowsUs(tx, c); err != nil {
		return c, nil, err
	}
	return c, before, k.sendCard(tx, fx, sender, now)
}

// sendCard puts our present card for a contact into the outbox, once.
func (k *People) sendCard(tx *store.Tx, fx Effects, to rpc.Identity, now time.Time) error {
	own, err := k.cfg.Profile.Card(tx, false, now)
	if err != nil {
		return err
	}
	if err := tx.DeleteOutgoingKind(to, store.KindControl, nil); err != nil {
		return err
	}
	update, err := k.Signed(to, nil, &message.CardUpdate{Card: own})
	if err != nil {
		return err
	}
	return k.addControl(tx, fx, store.KindControl, update, now)
}

// Announce sends our present card to all contacts: what it says for long, our
// home relays, has changed.
func (k *People) Announce(ctx context.Context) error {
	now := k.cfg.Store.Now()
	return k.cfg.Update(ctx, func(tx *store.Tx, fx Effects) error {
		return k.announce(tx, fx, now, func(store.Contact) bool { return true })
	})
}

// Present sends our present card, and our passes, to a contact.
func (k *People) Present(tx *store.Tx, fx Effects, c store.Contact) error {
	return k.announce(tx, fx, tx.Now(), func(other store.Contact) bool { return other.Identity == c.Identity })
}

// announce sends our present card, and our passes, to those contacts who are not
// blocked.
func (k *People) announce(tx *store.Tx, fx Effects, now time.Time, to func(store.Contact) bool) error {
	contacts, err := tx.Contacts()
	if err != nil {
		return err
	}
	for _, c := range contacts {
		blocked, err := tx.IsBlocked(c.Identity)
		switch {
		case err != nil:
		case blocked || !to(c):
		case c.Introduced:
			err = k.sendCard(tx, fx, c.Identity, now)
		default:
			err = k.Introduce(tx, fx, c, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CardUpdate keeps a contact's new card; it also tells that it knows us. It returns the
// contact with the card that it had before.
func (k *People) CardUpdate(tx *store.Tx, fx Effects, sender rpc.Identity, update *message.CardUpdate) (c store.Contact, before []byte, err error) {
	card, err := parseCardOf(sender, update.Card)
	if err != nil {
		return c, nil, err
	}
	c, err = tx.Contact(sender)
	if store.IsNotFound(err) {
		return c, nil, fmt.Errorf("%w: card of somebody who is not a contact", message.ErrRefused)
	}
	if err != nil {
		return c, nil, err
	}
	before = c.Card
	c.Card = Newer(c.Card, card, update.Card)
	if err := tx.PutContact(c); err != nil {
		return c, nil, err
	}
	fx.Contact(c)
	return c, before, k.KnowsUs(tx, c)
}

func parseCardOf(sender rpc.Identity, raw []byte) (contact.Card, error) {
	card, err := contact.ParseCard(raw)
	if err != nil {
		return card, fmt.Errorf("%w: %w", message.ErrRefused, err)
	}
	if !bytes.Equal(card.Identity[:], sender[:]) {
		return card, fmt.Errorf("%w: card of another identity than the sender's", message.ErrRefused)
	}
	return card, nil
}

// InGroup notes that the contact is in a group: its Welcome arrived.
func (k *People) InGroup(tx *store.Tx, contact store.Contact, group []byte) error {
	if err := tx.DeleteOutgoingKind(contact.Identity, store.KindWelcome, group); err != nil {
		return err
	}
	return k.KnowsUs(tx, contact)
}

// KnowsUs notes that the contact has us as a contact: no introduction is needed.
func (k *People) KnowsUs(tx *store.Tx, contact store.Contact) error {
	if contact.Introduced {
		return nil
	}
	contact.Introduced = true
	if err := tx.PutContact(contact); err != nil {
		return err
	}
	return tx.DeleteOutgoingKind(contact.Identity, store.KindIntroduction, nil)
}
