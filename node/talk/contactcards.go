package talk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// groupOf is the group that the frame is about; nil if it is about none.
func groupOf(parts []message.Part) []byte {
	for _, p := range parts {
		switch p := p.(type) {
		case *message.Control:
			return p.Group
		case *message.GroupTree:
			if p.Root != nil {
				return p.Root.Group
			}
			if card, err := message.ParseCommitCard(p.Commits[0].Card); err == nil {
				return card.Group
			}
		}
	}
	return nil
}

// TakeCards keeps the cards of members of a group, and makes contacts of those who
// are none, so that members who have never met can reach each other.
func (k *Talk) TakeCards(tx *store.Tx, fx *news.Effects, cards message.ContactCards) error {
	row, _, err := k.cfg.Group(tx, groupOf(fx.In.Parts))
	if err != nil {
		return fmt.Errorf("%w: contact cards: %w", convo.ErrRefused, err)
	}
	t, err := k.cfg.Load(tx, row.ID)
	if err != nil {
		return err
	}
	for _, raw := range cards {
		card, err := contact.ParseCard(raw)
		if err != nil {
			return fmt.Errorf("%w: %w", convo.ErrRefused, err)
		}
		if !t.Knows(card.Identity) || card.Identity == k.cfg.Self {
			continue
		}
		if err := k.meet(tx, fx, row, card, raw); err != nil {
			return err
		}
	}
	return nil
}

// meet keeps the card of a member; one that is new gets ours.
func (k *Talk) meet(tx *store.Tx, fx *news.Effects, row store.Group, card contact.Card, raw []byte) error {
	c, err := tx.Contact(card.Identity)
	isNew := store.IsNotFound(err)
	switch {
	case isNew:
		c = store.Contact{Identity: card.Identity, Via: known.ViaGroup, Introduced: true, Added: tx.Now()}
		if c.Name, err = tx.FreeName(card.Name); err != nil {
			return err
		}
		fx.Show(news.Event{Kind: news.EventContact, Peer: c.Identity, Contact: c})
	case err != nil:
		return err
	}
	kept := known.Newer(c.Card, card, raw)
	if !isNew && string(kept) == string(c.Card) {
		return nil
	}
	c.Card = kept
	if err := tx.PutContact(c); err != nil {
		return err
	}
	fx.Contact(c)
	if !isNew {
		return nil
	}
	return k.reportCard(tx, fx, row.ID, card.Identity)
}

// Cards returns the cards of some members, as far as they may be handed on:
// one with a hello pass was for us alone. Our own is made.
func (k *Talk) Cards(tx *store.Tx, ids []rpc.Identity, now time.Time) (cards message.ContactCards, err error) {
	for _, id := range ids {
		var raw []byte
		if id == k.cfg.Self {
			raw, err = k.cfg.Profile.Card(tx, false, now)
		} else {
			raw, err = k.MayHand(tx, id)
		}
		if err != nil {
			return nil, err
		}
		if len(raw) > 0 {
			cards = append(cards, raw)
		}
	}
	return cards, nil
}

// MayHand returns the card of somebody if it may be handed on, else nil.
func (k *Talk) MayHand(tx *store.Tx, id rpc.Identity) ([]byte, error) {
	c, err := tx.Contact(id)
	if store.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	card, err := contact.ParseCard(c.Card)
	if err != nil || !card.Hello.IsZero() {
		return nil, nil
	}
	return c.Card, nil
}

const (
	// cardsFrom is how many members are asked for cards at once.
	cardsFrom = 2
	// cardsLatest is the longest time between two such questions; it grows with the
	// age of the epoch.
	cardsLatest = time.Hour
)

// AskCards asks for the cards of members whom we cannot reach, because they came in
// on another branch, or through somebody who had no card to hand on. wait is until
// it is time to look again, 0 if no card is missing.
func (k *Talk) AskCards(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, now time.Time) (wait time.Duration, err error) {
	var lacking, known []rpc.Identity
	for _, id := range t.Top().Roster.Others(k.cfg.Self) {
		_, err := tx.Contact(id)
		switch {
		case err == nil:
			known = append(known, id)
		case !store.IsNotFound(err):
			return 0, err
		case len(lacking) < message.MaxAskedCards:
			lacking = append(lacking, id)
		}
	}
	if len(lacking) == 0 {
		return 0, nil
	}
	age := store.Age(now, t.Top().Seen)
	if age < Patience { // they may be on their way
		return max(Patience-age, time.Second), nil
	}
	wait = min(max(age/4, Patience), cardsLatest)
	if !k.mayAskEvery(wait, row.ID, k.cfg.Self, message.ControlCardAsk) {
		return wait, nil
	}
	rand.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
	for _, id := range known[:min(len(known), cardsFrom)] {
		if err := k.Say(tx, fx, row.ID, id, &message.CardAsk{Who: lacking}); err != nil {
			return wait, err
		}
	}
	return wait, nil
}

// GiveCards gives a member the cards of others. Of somebody whose card may not be
// handed on it tells that one about the member instead, who then sends its own.
func (k *Talk) GiveCards(tx *store.Tx, fx *news.Effects, t *cards.Tree, to rpc.Identity, who []rpc.Identity) error {
	roster := t.Top().Roster
	if !roster.Has(to) || !k.MayAsk(t.Root.Group, to, message.ControlCardAsk+Answering) {
		return nil
	}
	who = slices.DeleteFunc(who, func(id rpc.Identity) bool { return id == to || id == k.cfg.Self || !roster.Has(id) })
	var all message.ContactCards
	for _, id := range who {
		card, err := k.Cards(tx, []rpc.Identity{id}, tx.Now())
		if err != nil {
			return err
		}
		if len(card) > 0 {
			all = append(all, card...)
		} else if err := k.Tell(tx, fx, t.Root.Group, id, to); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	r, err := k.Ours(tx, t.Root.Group, to)
	if err != nil {
		return err
	}
	return k.Post(tx, fx, t.Root.Group, to, Slot{Kind: message.ControlCardAsk}, r, all)
}
