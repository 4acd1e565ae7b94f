package group

import (
	"math/rand/v2"
	"slices"
	"time"

	"quicnprotochat/node/cards"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

const (
	// cardsFrom is how many members are asked for cards at once.
	cardsFrom = 2
	// cardsLatest is the longest time between two such questions; it grows with the
	// age of the epoch.
	cardsLatest = time.Hour
)

// askCards asks for the cards of members whom we cannot reach, because they came in
// on another branch, or through somebody who had no card to hand on. wait is until
// it is time to look again, 0 if no card is missing.
func (g *Groups) askCards(tx *store.Tx, fx *convo.Effects, row store.Group, t *cards.Tree, now time.Time) (wait time.Duration, err error) {
	var lacking, known []rpc.Identity
	for _, id := range t.Top().Roster.Others(g.self) {
		_, err := tx.Contact(id)
		switch {
		case err == nil:
			known = append(known, id)
		case !isNotFound(err):
			return 0, err
		case len(lacking) < message.MaxAskedCards:
			lacking = append(lacking, id)
		}
	}
	if len(lacking) == 0 {
		return 0, nil
	}
	age := now.Sub(t.Top().Seen)
	if age < patience { // they may be on their way
		return max(patience-age, time.Second), nil
	}
	wait = min(max(age/4, patience), cardsLatest)
	if !g.mayAskEvery(wait, row.ID, g.self, message.ControlCardAsk) {
		return wait, nil
	}
	rand.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
	for _, id := range known[:min(len(known), cardsFrom)] {
		if err := g.say(tx, fx, row.ID, id, &message.CardAsk{Who: lacking}); err != nil {
			return wait, err
		}
	}
	return wait, nil
}

// giveCards gives a member the cards of others. Of somebody whose card may not be
// handed on it tells that one about the member instead, who then sends its own.
func (g *Groups) giveCards(tx *store.Tx, fx *convo.Effects, t *cards.Tree, to rpc.Identity, who []rpc.Identity) error {
	roster := t.Top().Roster
	if !roster.Has(to) || !g.mayAsk(t.Root.Group, to, message.ControlCardAsk+answering) {
		return nil
	}
	who = slices.DeleteFunc(who, func(id rpc.Identity) bool { return id == to || id == g.self || !roster.Has(id) })
	var all message.ContactCards
	for _, id := range who {
		card, err := g.contactCards(tx, []rpc.Identity{id}, time.Now())
		if err != nil {
			return err
		}
		if len(card) > 0 {
			all = append(all, card...)
		} else if err := g.tell(tx, fx, t.Root.Group, id, to); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	r, err := g.ours(tx, t.Root.Group, to)
	if err != nil {
		return err
	}
	return g.post(tx, fx, t.Root.Group, to, slot{kind: message.ControlCardAsk}, r, all)
}
