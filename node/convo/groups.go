package convo

import (
	"fmt"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Groups is conversations of any number (package group). The engine hands it what
// is not about a conversation of two, in the transaction in which it came; what it
// returns is as for Receive.
type Groups interface {
	// Welcome enters a group that a Welcome leads to.
	Welcome(tx *store.Tx, fx *news.Effects, ep *mls.Epoch) error
	// Part takes a *message.GroupTree or message.ContactCards, Info a GroupInfo,
	// and Control a control about a group.
	Part(tx *store.Tx, fx *news.Effects, part message.Part) error
	Info(tx *store.Tx, fx *news.Effects, groupInfo []byte) error
	Control(tx *store.Tx, fx *news.Effects, m *message.Control, body message.Body) error
	// Speaks reports whether a member may say something in a group, and notes that
	// it takes head for the head.
	Speaks(tx *store.Tx, fx *news.Effects, g store.Group, member rpc.Identity, head [16]byte) (bool, error)
	// Reached notes that a member has our messages of those ranges, or has read them,
	// as the state says.
	Reached(tx *store.Tx, fx *news.Effects, c store.Conversation, member rpc.Identity, ranges message.Ranges, state string) error
	// Others returns the other members of a group.
	Others(tx *store.Tx, c store.Conversation) ([]rpc.Identity, error)
	// Progress notes that somebody has taken a row of the outbox that is about a
	// group, Renew makes such a row anew.
	Progress(tx *store.Tx, fx *news.Effects, out store.Outgoing, to store.Message) error
	Renew(tx *store.Tx, fx *news.Effects, out store.Outgoing) error
	// Wants reports whether a key package of somebody is wanted. Package takes one, if
	// some group wants it; ErrOtherSuite: those that want one want it of another suite.
	Wants(tx *store.Tx, peer rpc.Identity) (bool, error)
	Package(tx *store.Tx, fx *news.Effects, peer rpc.Identity, kp *mls.KeyPackage) (taken bool, err error)
	// CardChanged says that a contact, whose card was before, has another one.
	CardChanged(tx *store.Tx, fx *news.Effects, c store.Contact, before []byte) error
	// Waiting returns the people of whom something is awaited.
	Waiting(tx *store.Tx) ([]rpc.Identity, error)
	// Changed says, after the commit, that there may be something to do in a group.
	Changed(group []byte)
}

// Attach says who takes care of groups. It is called once, before anything else.
func (e *Engine) Attach(g Groups) { e.groups = g }

// Forget lets go of the keys of an epoch that is erased from the store.
func (e *Engine) Forget(id [16]byte) { e.held.Forget(id) }

// ForgetAll lets go of the keys of all epochs.
func (e *Engine) ForgetAll() { e.held.ForgetAll() }

// Invitation is why a Welcome to a group waits: of From, by whose invitation alone
// nobody gets in, we know no more than that it is in a group with us. It is an
// ErrWaiting.
type Invitation struct{ From rpc.Identity }

// Error implements error.
func (*Invitation) Error() string { return "invited by somebody who is known from a group alone" }

// Unwrap returns ErrWaiting.
func (*Invitation) Unwrap() error { return ErrWaiting }

// IsGroup reports whether a conversation is one of any number.
func IsGroup(c store.Conversation) bool { return c.Peer == rpc.Identity{} }

// Save saves a new epoch of a group under a name: the part of entering one that all
// groups share.
func (e *Engine) Save(tx *store.Tx, g store.Group, name [16]byte, ep *mls.Epoch) error {
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
