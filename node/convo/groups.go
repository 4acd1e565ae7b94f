package convo

import (
	"context"
	"fmt"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Groups is conversations of any number (package group). The engine hands it what
// is not about a conversation of two, in the transaction in which it came; what it
// returns is as for Receive.
type Groups interface {
	// Welcome enters a group that a Welcome leads to.
	Welcome(tx *store.Tx, fx *Effects, ep *mls.Epoch) error
	// Part takes a *message.GroupTree or message.ContactCards, Info a GroupInfo,
	// and Control a control about a group.
	Part(tx *store.Tx, fx *Effects, part message.Part) error
	Info(tx *store.Tx, fx *Effects, groupInfo []byte) error
	Control(tx *store.Tx, fx *Effects, m *message.Control, body message.Body) error
	// Speaks reports whether a member may say something in a group, and notes that
	// it takes head for the head.
	Speaks(tx *store.Tx, fx *Effects, g store.Group, member rpc.Identity, head [16]byte) (bool, error)
	// Reached notes that a member has our messages of those ranges, or has read them,
	// as the state says.
	Reached(tx *store.Tx, fx *Effects, c store.Conversation, member rpc.Identity, ranges message.Ranges, state string) error
	// Others returns the other members of a group.
	Others(tx *store.Tx, c store.Conversation) ([]rpc.Identity, error)
	// Progress notes that somebody has taken a row of the outbox that is about a
	// group, Renew makes such a row anew.
	Progress(tx *store.Tx, fx *Effects, out store.Outgoing, to store.Message) error
	Renew(tx *store.Tx, fx *Effects, out store.Outgoing) error
	// Wants reports whether a key package of somebody is wanted. Package takes one, if
	// some group wants it; ErrOtherSuite: those that want one want it of another suite.
	Wants(tx *store.Tx, peer rpc.Identity) (bool, error)
	Package(tx *store.Tx, fx *Effects, peer rpc.Identity, kp *mls.KeyPackage) (taken bool, err error)
	// CardChanged says that a contact, whose card was before, has another one.
	CardChanged(tx *store.Tx, fx *Effects, c store.Contact, before []byte) error
	// Waiting returns the people of whom something is awaited.
	Waiting(tx *store.Tx) ([]rpc.Identity, error)
	// Changed says, after the commit, that there may be something to do in a group.
	Changed(group []byte)
}

// Attach says who takes care of groups. It is called once, before anything else.
func (e *Engine) Attach(g Groups) { e.groups = g }

// Send says that something waits for a person.
func (f *Effects) Send(to rpc.Identity) { f.send(to) }

// Show tells the front ends.
func (f *Effects) Show(e Event) { f.events = append(f.events, e) }

// Contact says that a contact is new or has another card.
func (f *Effects) Contact(c store.Contact) { f.contacts = append(f.contacts, c) }

// Met tells the front ends of a new contact.
func (f *Effects) Met(c store.Contact) {
	f.events = append(f.events, Event{Kind: EventContact, Peer: c.Identity, Contact: c})
}

// Asked tells the front ends that somebody asks to be a contact.
func (f *Effects) Asked(id rpc.Identity) {
	f.events = append(f.events, Event{Kind: EventRequest, Peer: id})
}

// Owed says that a receipt is owed to a person.
func (f *Effects) Owed(to rpc.Identity) { f.receipts[to] = true }

// Revoke says that passes of ours were cancelled.
func (f *Effects) Revoke() { f.revoked = true }

// Entered says that keys of a new epoch are here: what waits may open.
func (f *Effects) Entered() { f.joined = true }

// Change says that there may be something to do in a group.
func (f *Effects) Change(group []byte) { f.changed[string(group)] = true }

// Via is how the payload came that is applied.
func (f *Effects) Via() string { return f.via }

// Parts are those of the frame that is applied.
func (f *Effects) Parts() []message.Part { return f.parts }

// Durable returns an error that runs the transaction again as a durable one, if it
// is none: before a key is used that must not be used twice.
func (f *Effects) Durable() error {
	if f.lazy {
		return errNotLazily
	}
	return nil
}

// Update runs fn in one durable transaction and tells its effects after the commit.
func (e *Engine) Update(ctx context.Context, fn func(tx *store.Tx, fx *Effects) error) error {
	return e.update(ctx, fn)
}

// Epoch returns an epoch with its records in tx.
func (e *Engine) Epoch(tx *store.Tx, id [16]byte) (*mls.Epoch, store.Records, error) {
	return e.epoch(tx, id)
}

// Save saves a new epoch of a group under a name.
func (e *Engine) Save(tx *store.Tx, g store.Group, name [16]byte, ep *mls.Epoch) error {
	return e.save(tx, g, name, ep)
}

// Forget lets go of the keys of an epoch that is erased from the store.
func (e *Engine) Forget(id [16]byte) { e.held.forget(id) }

// ForgetAll lets go of the keys of all epochs.
func (e *Engine) ForgetAll() { e.held.forgetAll() }

// Advance moves an own message to another state and tells it, if that is better.
func (e *Engine) Advance(tx *store.Tx, fx *Effects, m, to store.Message) error {
	return e.advance(tx, fx, m, to)
}

// EachOwn calls fn for the own messages of those counters.
func (e *Engine) EachOwn(tx *store.Tx, c store.Conversation, ranges message.Ranges, fn func(store.Message) error) error {
	return eachOwn(tx, c, e.self, ranges, fn)
}

// ratchetTree is the tree that came beside a Welcome or GroupInfo; nil if none did.
func (f *Effects) ratchetTree() []byte {
	for _, p := range f.parts {
		if t, ok := p.(message.RatchetTree); ok {
			return t
		}
	}
	return nil
}

// RatchetTree is the tree that came beside a GroupInfo; nil if none did.
func (f *Effects) RatchetTree() []byte { return f.ratchetTree() }

// IsGroup reports whether a conversation is one of any number.
func IsGroup(c store.Conversation) bool { return c.Peer == rpc.Identity{} }

// save is the part of entering an epoch that all groups share.
func (e *Engine) save(tx *store.Tx, g store.Group, name [16]byte, ep *mls.Epoch) error {
	key, err := ep.Export("qpc seal", nil, len(seal.EpochKey{}))
	if err != nil {
		return fmt.Errorf("export seal key: %w", err)
	}
	if err := ep.Save(tx.Records(name)); err != nil {
		return fmt.Errorf("save epoch: %w", err)
	}
	return tx.PutEpoch(store.Epoch{
		ID: name, Group: g.ID, Number: ep.Number(), SealKey: [32]byte(key), Created: tx.Now(),
	})
}
