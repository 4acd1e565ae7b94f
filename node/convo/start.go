package convo

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Needs says which keys of a person must be fetched before what waits for it
// can be sent.
type Needs struct {
	// KeyPackage is true when a conversation needs a group.
	KeyPackage bool
	// HybridKey is true when something waits to be sealed, or a group to start,
	// or a receipt is owed that it seals, and no good key is known.
	HybridKey bool
	// NewerKey is true when something waits to be sealed, and the person may have
	// another key than the good one that is known: that is so old that it was
	// replaced, or what was sealed to it had no effect. Where no other can be had it
	// will do.
	NewerKey bool
	// Seal is true when something waits to be sealed.
	Seal bool
}

// Needs returns what must be fetched of a person.
func (e *Engine) Needs(ctx context.Context, peer rpc.Identity) (n Needs, err error) {
	err = e.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		c, err := tx.ConversationOf(peer)
		if err != nil && !store.IsNotFound(err) {
			return err
		}
		if err == nil {
			if n.KeyPackage, err = e.needsGroup(tx, c); err != nil {
				return err
			}
		}
		if !n.KeyPackage {
			if n.KeyPackage, err = e.groups.Wants(tx, peer); err != nil {
				return err
			}
		}
		unsealed, err := tx.UnsealedFor(peer, 1)
		if err != nil {
			return err
		}
		n.Seal = len(unsealed) > 0
		receipt, err := e.owesSealed(tx, peer)
		if err != nil || !n.Seal && !n.KeyPackage && !receipt {
			return err
		}
		now := tx.Now()
		key, err := keys.Of(tx, peer, now)
		switch {
		case store.IsNotFound(err):
			n.HybridKey, err = true, nil
		case err == nil:
			n.NewerKey = n.Seal && (now.Sub(key.NotBefore()) > seal.KeyRotation || e.doubted.has(peer))
		}
		return err
	})
	return n, err
}

// needsGroup reports whether a group is to be made for a conversation: it has
// messages and no group yet, or is to start over.
func (e *Engine) needsGroup(tx *store.Tx, c store.Conversation) (bool, error) {
	if len(c.Group) > 0 {
		return false, nil
	}
	waiting, err := tx.CountUnreceipted(c.ID, e.self)
	if err != nil || waiting > 0 {
		return waiting > 0, err
	}
	groups, err := tx.CountGroups(c.ID)
	return groups > 0, err
}

// owesSealed reports whether a receipt is owed to somebody in a group of the classical
// suite.
func (e *Engine) owesSealed(tx *store.Tx, peer rpc.Identity) (bool, error) {
	due, err := tx.ReceiptsDue(peer)
	if err != nil {
		return false, err
	}
	for of := range byConversation(due) {
		c, err := tx.Conversation(of[0].Conversation)
		if store.IsNotFound(err) || err == nil && len(c.Group) == 0 {
			continue
		}
		if err != nil {
			return false, err
		}
		if g, err := tx.Group(c.Group); err != nil || classical(g) {
			return err == nil, err
		}
	}
	return false, nil
}

// LearnHybridKey keeps a person's hybrid key.
func (e *Engine) LearnHybridKey(ctx context.Context, peer rpc.Identity, blob []byte) error {
	err := e.Update(ctx, func(tx *store.Tx, _ *news.Effects) error { return keys.Learn(tx, peer, blob, tx.Now()) })
	if err == nil {
		e.doubted.set(peer, false)
	}
	return err
}

// doubted are the people whose hybrid key may be another one than we know: what was
// sealed to that was taken and had no effect. Whoever has a wrong clock for a while
// makes new keys early, and erases the old ones.
type doubted struct {
	mu sync.Mutex
	of map[rpc.Identity]bool
}

func (d *doubted) set(id rpc.Identity, doubt bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !doubt {
		delete(d.of, id)
		return
	}
	if d.of == nil {
		d.of = make(map[rpc.Identity]bool)
	}
	d.of[id] = true
}

func (d *doubted) has(id rpc.Identity) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[id]
}

// SealWaiting seals what waits for a person's hybrid key.
func (e *Engine) SealWaiting(ctx context.Context, peer rpc.Identity) error {
	return e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		rows, err := tx.UnsealedFor(peer, 0)
		if err != nil || len(rows) == 0 {
			return err
		}
		key, err := keys.Of(tx, peer, tx.Now())
		if err != nil {
			return err
		}
		for _, row := range rows {
			payload, err := seal.Seal(key, peer, row.Frame)
			if err != nil {
				return fmt.Errorf("seal: %w", err)
			}
			if err := tx.SealOutgoing(row.ID, payload); err != nil {
				return err
			}
		}
		return nil
	})
}

// Start makes the first or a new group of the conversation with peer from one of its key
// packages, and puts the Welcome and all waiting messages into the outbox. If it
// needs none, the package is for a group that the person is invited to. The group is post-quantum if the
// package says that the person has that suite: who hands out a classical one all the
// same gets ErrOtherSuite, so that no relay can weaken a conversation, unless somebody
// else in the group has the classical suite alone.
func (e *Engine) Start(ctx context.Context, peer rpc.Identity, keyPackage []byte) error {
	now := e.cfg.Store.Now()
	kp, err := mls.ParseKeyPackage(keyPackage)
	if err != nil {
		return fmt.Errorf("key package: %w", err)
	}
	if err := kp.Check(now); err != nil {
		return fmt.Errorf("key package: %w", err)
	}
	if !bytes.Equal(kp.Identity(), peer[:]) || !bytes.Equal(kp.SignatureKey(), peer[:]) {
		return fmt.Errorf("key package of somebody else: %w", ErrRefused)
	}
	best := kp.Suite() == keys.SuiteFor(kp.Capabilities())
	return e.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		c, err := tx.ConversationOf(peer)
		if err != nil && !store.IsNotFound(err) {
			return err
		}
		needs, err := e.needsGroup(tx, c)
		if err != nil {
			return err
		}
		if !needs || !best {
			taken, err := e.groups.Package(tx, fx, peer, kp)
			if err == nil && needs && !taken {
				err = fmt.Errorf("%s: %w", kp.Suite(), ErrOtherSuite)
			}
			return err
		}
		groups, err := tx.GroupsOf(c.ID)
		if err != nil {
			return err
		}
		counter := uint64(1)
		for _, g := range groups {
			counter = max(counter, g.Counter+1)
		}
		ep, welcome, err := e.create(peer, kp, counter, now)
		if err != nil {
			return err
		}
		g := store.Group{ID: ep.GroupID(), Conversation: c.ID, Creator: e.self, Counter: counter}
		if g, err = e.enter(tx, g, ep); err != nil {
			return err
		}
		if err := e.addWelcome(tx, peer, g, welcome, now); err != nil {
			return err
		}
		fx.Entered()
		_, err = e.choose(tx, fx, c, now)
		return err
	})
}

// create makes the group of a pair and adds peer to it.
func (e *Engine) create(peer rpc.Identity, kp *mls.KeyPackage, counter uint64, now time.Time) (*mls.Epoch, []byte, error) {
	groupID := make([]byte, 32)
	if _, err := rand.Read(groupID); err != nil {
		return nil, nil, err
	}
	first, err := mls.Create(mls.GroupConfig{
		Suite:                kp.Suite(),
		GroupID:              groupID,
		Signer:               e.cfg.Identity.MLS(),
		Identity:             e.self[:],
		Extensions:           []mls.Extension{pair.NewContext(e.self, peer, counter).Extension()},
		RequiredCapabilities: mls.RequiredCapabilities{Extensions: []uint16{keys.ConversationExtension}},
		Capabilities:         keys.Capabilities(),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("create group: %w", err)
	}
	staged, err := first.Commit(mls.Scratch{}, mls.CommitConfig{Add: []*mls.KeyPackage{kp}, Now: now, Public: true})
	if err != nil {
		return nil, nil, fmt.Errorf("add to group: %w", err)
	}
	ep, err := staged.Apply(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("enter group: %w", err)
	}
	return ep, staged.Welcome(), nil
}

// addWelcome puts a Welcome into the outbox, with an introduction before it if
// the person may not know us yet.
func (e *Engine) addWelcome(tx *store.Tx, peer rpc.Identity, g store.Group, welcome []byte, now time.Time) error {
	parts := []message.Part{}
	contact, err := tx.Contact(peer)
	if err != nil {
		return err
	}
	if !contact.Introduced {
		intro, err := e.Introduction(tx, contact, now)
		if err != nil {
			return err
		}
		if intro != nil {
			parts = append(parts, intro)
		}
	}
	frame, err := message.EncodeFrame(append(parts, message.MLSMessages{welcome})...)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	_, err = tx.AddOutgoing(store.Outgoing{
		Recipient: peer, Kind: store.KindWelcome, Frame: frame,
		Conversation: g.Conversation, Group: g.ID, Created: now,
	})
	return err
}
