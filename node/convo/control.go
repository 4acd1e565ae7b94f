package convo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

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
func (e *Engine) AddContact(ctx context.Context, card contact.Card, raw []byte, name string) (c store.Contact, isNew bool, err error) {
	if card.Identity == e.self {
		return c, false, ErrSelf
	}
	now := e.cfg.Store.Now()
	err = e.update(ctx, func(tx *store.Tx, fx *Effects) error {
		c, err = tx.Contact(card.Identity)
		switch isNew = isNotFound(err); {
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
		fx.contacts = append(fx.contacts, c)
		if isNew {
			fx.events = append(fx.events, Event{Kind: EventContact, Peer: c.Identity, Contact: c})
		}
		if c.Introduced {
			return nil
		}
		if c, err = e.settle(tx, fx, c, now); err != nil || c.Introduced {
			return err
		}
		link := c
		link.Card = raw // it has the pass
		return e.introduce(tx, fx, link, now)
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

// introduce puts an introduction to a contact into the outbox, once.
func (e *Engine) introduce(tx *store.Tx, fx *Effects, c store.Contact, now time.Time) error {
	intro, err := e.introduction(tx, c, now)
	if err != nil || intro == nil {
		return err
	}
	if err := tx.DeleteOutgoingKind(c.Identity, store.KindIntroduction, nil); err != nil {
		return err
	}
	return e.addControl(tx, fx, store.KindIntroduction, intro, now)
}

// introduction makes the control message that presents our card and the hello
// pass of the contact's link; nil if its card has no pass. Who was added by name
// or heard on the LAN gets one without a pass, which is taken by who has added us as well.
func (e *Engine) introduction(tx *store.Tx, c store.Contact, now time.Time) (*message.Control, error) {
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
	own, err := e.cfg.Profile.Card(tx, false, now)
	if err != nil {
		return nil, err
	}
	return e.signed(c.Identity, nil, &message.Introduction{Card: own, Pass: pass})
}

func (e *Engine) signed(to rpc.Identity, group []byte, body message.Body) (*message.Control, error) {
	m, err := message.NewControl(e.self, to, group, body, e.cfg.Identity.Sign)
	if err != nil {
		return nil, fmt.Errorf("make control message: %w", err)
	}
	return m, nil
}

// addControl puts a control message that presents us into the outbox, outside of any
// conversation, with our passes behind it.
func (e *Engine) addControl(tx *store.Tx, fx *Effects, kind byte, m *message.Control, now time.Time) error {
	parts := []message.Part{m}
	passes, err := e.givePasses(tx, m.Recipient, now)
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
	fx.send(m.Recipient)
	_, err = tx.AddOutgoing(store.Outgoing{Recipient: m.Recipient, Kind: kind, Frame: frame, Created: now})
	return err
}

// control applies a control message, whose signature is good.
func (e *Engine) control(tx *store.Tx, fx *Effects, m *message.Control) error {
	if m.Recipient != e.self || m.Sender == e.self {
		return fmt.Errorf("%w: control message for somebody else", ErrRefused)
	}
	body, err := m.OpenBody()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch body.(type) {
	case *message.Report, *message.Ask, *message.InfoAsk, *message.LeaveNote, *message.CardAsk:
		// A group needs them of each member.
	default:
		if err := refuseBlocked(tx, m.Sender); err != nil {
			return err
		}
	}
	switch b := body.(type) {
	case *message.Introduction:
		return e.introduced(tx, fx, m.Sender, b)
	case *message.CardUpdate:
		return e.cardUpdate(tx, fx, m.Sender, b)
	case *message.Receipt:
		return e.receipt(tx, fx, m, b)
	case *message.Repair:
		return e.repair(tx, fx, m, b)
	case *message.Passes:
		return e.keepPasses(tx, m.Sender, b)
	case *message.Read:
		return e.wasRead(tx, fx, m, b)
	case *message.TypingNote:
		return e.typing(tx, fx, m)
	case *message.Report, *message.Ask, *message.InfoAsk, *message.LeaveNote, *message.CardAsk:
		return e.groups.Control(tx, fx, m, body)
	}
	return fmt.Errorf("%w: control message of unknown type %d", ErrRefused, m.Type)
}

// introduced makes a contact of somebody who presents a hello pass of ours, and
// answers with our card.
func (e *Engine) introduced(tx *store.Tx, fx *Effects, sender rpc.Identity, intro *message.Introduction) error {
	now := tx.Now()
	card, err := parseCardOf(sender, intro.Card)
	if err != nil {
		return err
	}
	c, err := tx.Contact(sender)
	isNew := isNotFound(err)
	if err != nil && !isNew {
		return err
	}
	if isNew {
		if e.cfg.Profile.CheckHello(tx, intro.Pass, now) != nil {
			_, err := e.asks(tx, fx, sender, ViaRequest, &card, intro.Card)
			return err
		}
		if err := tx.DeleteRequest(sender); err != nil {
			return err
		}
		c = store.Contact{Identity: sender, Via: ViaIntroduction, Introduced: true, Added: now}
		if c.Name, err = tx.FreeName(card.Name); err != nil {
			return err
		}
		fx.events = append(fx.events, Event{Kind: EventContact, Peer: c.Identity, Contact: c})
	}
	if c.Via == ViaGroup && e.cfg.Profile.CheckHello(tx, intro.Pass, now) == nil {
		c.Via = ViaIntroduction
	}
	before := c.Card
	c.Card = Newer(c.Card, card, intro.Card)
	if err := tx.PutContact(c); err != nil {
		return err
	}
	fx.contacts = append(fx.contacts, c)
	if err := e.groups.CardChanged(tx, fx, c, before); err != nil {
		return err
	}
	if err := e.knowsUs(tx, c); err != nil {
		return err
	}
	return e.sendCard(tx, fx, sender, now)
}

// sendCard puts our present card for a contact into the outbox, once.
func (e *Engine) sendCard(tx *store.Tx, fx *Effects, to rpc.Identity, now time.Time) error {
	own, err := e.cfg.Profile.Card(tx, false, now)
	if err != nil {
		return err
	}
	if err := tx.DeleteOutgoingKind(to, store.KindControl, nil); err != nil {
		return err
	}
	update, err := e.signed(to, nil, &message.CardUpdate{Card: own})
	if err != nil {
		return err
	}
	return e.addControl(tx, fx, store.KindControl, update, now)
}

// Announce sends our present card to all contacts: what it says for long, our
// home relays, has changed.
func (e *Engine) Announce(ctx context.Context) error {
	now := e.cfg.Store.Now()
	return e.update(ctx, func(tx *store.Tx, fx *Effects) error {
		return e.announce(tx, fx, now, func(store.Contact) bool { return true })
	})
}

// Present sends our present card, and our passes, to a contact.
func (e *Engine) Present(tx *store.Tx, fx *Effects, c store.Contact) error {
	return e.announce(tx, fx, tx.Now(), func(other store.Contact) bool { return other.Identity == c.Identity })
}

// announce sends our present card, and our passes, to those contacts who are not
// blocked.
func (e *Engine) announce(tx *store.Tx, fx *Effects, now time.Time, to func(store.Contact) bool) error {
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
			err = e.sendCard(tx, fx, c.Identity, now)
		default:
			err = e.introduce(tx, fx, c, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cardUpdate keeps a contact's new card; it also tells that it knows us.
func (e *Engine) cardUpdate(tx *store.Tx, fx *Effects, sender rpc.Identity, update *message.CardUpdate) error {
	card, err := parseCardOf(sender, update.Card)
	if err != nil {
		return err
	}
	c, err := tx.Contact(sender)
	if isNotFound(err) {
		return fmt.Errorf("%w: card of somebody who is not a contact", ErrRefused)
	}
	if err != nil {
		return err
	}
	before := c.Card
	c.Card = Newer(c.Card, card, update.Card)
	if err := tx.PutContact(c); err != nil {
		return err
	}
	fx.contacts = append(fx.contacts, c)
	if err := e.groups.CardChanged(tx, fx, c, before); err != nil {
		return err
	}
	return e.knowsUs(tx, c)
}

// refuseBlocked refuses what somebody has said whom the user has blocked.
func refuseBlocked(tx *store.Tx, id rpc.Identity) error {
	blocked, err := tx.IsBlocked(id)
	if err == nil && blocked {
		err = fmt.Errorf("%w: of somebody who is blocked", ErrRefused)
	}
	return err
}

func parseCardOf(sender rpc.Identity, raw []byte) (contact.Card, error) {
	card, err := contact.ParseCard(raw)
	if err != nil {
		return card, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if !bytes.Equal(card.Identity[:], sender[:]) {
		return card, fmt.Errorf("%w: card of another identity than the sender's", ErrRefused)
	}
	return card, nil
}
