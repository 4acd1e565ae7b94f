package group

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/talk"
	"quicnprotochat/rpc"
)

const (
	// infosKept is how many offers of GroupInfo are kept, in memory alone.
	infosKept = 64
	// askMost is how many members are asked for the GroupInfo of one epoch at once.
	askMost = 3
)

// giveInfo gives a present member the GroupInfo of an epoch, to come back by an
// external commit. Of one that we are not in it gets that of our head.
func (g *Groups) giveInfo(tx *store.Tx, fx *news.Effects, t *cards.Tree, to rpc.Identity, name message.EpochName) error {
	at, ok := t.Index(name)
	if !ok || t.Epochs[at].State != cards.StateIn {
		at = t.Head
	}
	n := t.Epochs[at]
	if n.State != cards.StateIn || !n.Roster.Has(to) || !g.MayAsk(t.Root.Group, to, message.ControlInfoAsk+talk.Answering) {
		return nil
	}
	ep, _, err := g.cfg.Engine.Epoch(tx, n.Name)
	if err != nil {
		return err
	}
	beside := n.Roster.Size() >= treeBeside
	groupInfo, err := ep.GroupInfo(!beside)
	if err != nil {
		return err
	}
	history, err := g.history(tx, t, at)
	if err != nil {
		return err
	}
	history.Root = nil // the receiver has one
	var parts []message.Part
	if len(history.Commits) > 0 {
		parts = append(parts, history)
	}
	parts = append(parts, message.MLSMessages{groupInfo})
	if beside {
		parts = append(parts, message.RatchetTree(ep.RatchetTree()))
	}
	r, err := g.Ours(tx, t.Root.Group, to)
	if err != nil {
		return err
	}
	return g.Post(tx, fx, t.Root.Group, to, talk.Slot{Kind: message.ControlInfoAsk}, r, parts...)
}

// Info implements convo.Groups: it keeps an offer of GroupInfo of an epoch that we
// are a member of and not in.
func (g *Groups) Info(tx *store.Tx, fx *news.Effects, groupInfo []byte) error {
	id, _, binding, err := mls.GroupInfoOf(groupInfo)
	if err != nil {
		return fmt.Errorf("%w: %w", convo.ErrRefused, err)
	}
	row, _, err := g.group(tx, id)
	if err != nil {
		return errors.Join(convo.ErrRefused, err)
	}
	t, err := g.load(tx, row.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(t.Epochs, func(n *cards.Epoch) bool { return n.Card != nil && n.Card.Binding == binding })
	if i < 0 || t.Epochs[i].State == cards.StateIn || !t.Epochs[i].Roster.Has(g.self) {
		return nil
	}
	tree := fx.In.RatchetTree()
	members, extensions, err := mls.ParseGroupInfo(groupInfo, tree)
	if err != nil || !charter.Describes(t.Epochs[i].Roster, members, extensions) {
		return errors.Join(fmt.Errorf("%w: group info of another epoch than its card's", convo.ErrRefused), err)
	}
	g.mu.Lock()
	if len(g.infos) >= infosKept {
		clear(g.infos)
	}
	g.infos[t.Epochs[i].Name] = info{groupInfo, tree}
	g.mu.Unlock()
	t.Choose(g.self, g.offered)
	return g.settle(tx, fx, row, t)
}

// rejoin comes back to the head, of which we have no keys, by an external commit.
func (g *Groups) rejoin(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, now time.Time) error {
	if err := fx.Durable(); err != nil {
		return err
	}
	at := t.Top()
	g.mu.Lock()
	offer := g.infos[at.Name]
	delete(g.infos, at.Name)
	g.mu.Unlock()
	staged, err := mls.External(mls.ExternalConfig{
		GroupInfo: offer.groupInfo, RatchetTree: offer.tree, Signer: g.cfg.Identity.MLS(), Identity: g.self[:],
		Capabilities: keys.Capabilities(),
	})
	if err != nil {
		g.cfg.Log.Warn("group info is of no use", "group", row.ID, "err", err)
		return nil
	}
	next, err := staged.Apply(nil)
	if err != nil {
		return err
	}
	card := &message.CommitCard{
		Group: row.ID, Parent: at.Name, Number: next.Number(), Committer: g.self, External: true,
		Binding: next.Binding(), Digest: sha256.Sum256(staged.Message()),
	}
	made, err := g.keepOwn(tx, row, card, staged.Message(), next, now)
	if err != nil {
		return err
	}
	if err := g.spread(tx, fx, row, at, made, now); err != nil {
		return err
	}
	g.cfg.Log.Info("came back to a group from outside", "group", row.ID)
	fx.Entered()
	return g.advance(tx, fx, row)
}

// seek asks for what a better branch than ours would need to be entered, or what
// commits hang on that we do not know; wait is until it is time to ask again, 0 if
// nothing is missing.
func (g *Groups) seek(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree) (wait time.Duration, err error) {
	for _, e := range t.Loose {
		wait = talk.Patience
		if g.MayAsk(row.ID, e.Card.Committer, message.ControlAsk) {
			if err := g.ask(tx, fx, row, t, e.Card.Committer); err != nil {
				return wait, err
			}
		}
	}
	wish := t.Wish(g.self)
	if state := t.Top().State; !t.Prefers(wish, t.Head) && (state == cards.StateIn || state == cards.StateLast) {
		return wait, nil
	}
	able, err := g.whoIsAt(tx, row, t, wish)
	if err != nil {
		return talk.Patience, err
	}
	for _, id := range able {
		if !g.MayAsk(row.ID, id, message.ControlInfoAsk) {
			continue
		}
		if err := g.Say(tx, fx, row.ID, id, &message.InfoAsk{Epoch: t.Epochs[wish].Name}); err != nil {
			return talk.Patience, err
		}
	}
	return talk.Patience, nil
}

// whoIsAt returns members that may be able to give the GroupInfo of an epoch:
// those who said that they are there or below it, then those who made it.
func (g *Groups) whoIsAt(tx *store.Tx, row store.Group, t *cards.Tree, at int) (ids []rpc.Identity, err error) {
	add := func(id rpc.Identity) {
		if id != g.self && len(ids) < askMost && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	seats, err := tx.Seats(row.ID)
	for _, s := range seats {
		if i, ok := t.Index(s.Head); ok && t.Below(at, i) {
			add(s.Member)
		}
	}
	for i := at; i > 0 && len(ids) < askMost; i = t.Epochs[i].Up {
		add(t.Epochs[i].Card.Committer)
	}
	for _, id := range t.Epochs[at].Roster.Members() {
		add(id)
	}
	return ids, err
}
