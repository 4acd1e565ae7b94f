package news

import (
	"errors"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Effects is what a transaction asks to be told after its commit.
type Effects struct {
	// In is the payload that is applied, if one is.
	In Payload

	events   []Event
	outgoing map[rpc.Identity]bool
	receipts map[rpc.Identity]bool
	contacts []store.Contact
	groups   map[string]bool // by id
	entered  bool            // a new epoch
	used     bool            // a key package
	revoked  bool            // passes of ours
	expiring bool            // something is to disappear some time
	lazy     bool            // the commit does not wait for the disk
}

// Payload is what came in.
type Payload struct {
	// Via is how it came, Epoch whose key has opened it, zero for a hybrid key.
	Via   string
	Epoch [16]byte
	// Parts are those of its frame.
	Parts []message.Part
}

// RatchetTree is the tree that came beside a Welcome or GroupInfo; nil if none did.
func (p Payload) RatchetTree() []byte {
	for _, part := range p.Parts {
		if t, ok := part.(message.RatchetTree); ok {
			return t
		}
	}
	return nil
}

// Send says that something waits for a person.
func (f *Effects) Send(to rpc.Identity) { f.outgoing[to] = true }

// Owed says that a receipt is owed to a person.
func (f *Effects) Owed(to rpc.Identity) { f.receipts[to] = true }

// Show tells the front ends.
func (f *Effects) Show(e Event) { f.events = append(f.events, e) }

// Contact says that a contact is new or has another card.
func (f *Effects) Contact(c store.Contact) { f.contacts = append(f.contacts, c) }

// Met tells the front ends of a new contact.
func (f *Effects) Met(c store.Contact) {
	f.Show(Event{Kind: EventContact, Peer: c.Identity, Contact: c})
}

// Asked tells the front ends that somebody asks to be a contact.
func (f *Effects) Asked(id rpc.Identity) { f.Show(Event{Kind: EventRequest, Peer: id}) }

// Ask makes of what somebody has said a text to ask with, for which no receipt is owed.
func (f *Effects) Ask(id rpc.Identity) {
	for i, e := range f.events {
		if e.Kind == EventMessage && e.Peer == id {
			f.events[i].Kind = EventRequest
		}
	}
	delete(f.receipts, id)
}

// Entered says that keys of a new epoch are here: what waits may open.
func (f *Effects) Entered() { f.entered = true }

// UsedKeyPackage says that one of our key packages was used up.
func (f *Effects) UsedKeyPackage() { f.used = true }

// Revoke says that passes of ours were cancelled.
func (f *Effects) Revoke() { f.revoked = true }

// Expires says that something is to disappear some time.
func (f *Effects) Expires() { f.expiring = true }

// Change says that there may be something to do in a group.
func (f *Effects) Change(group []byte) { f.groups[string(group)] = true }

// errNotLazily means that a transaction must be durable before anybody sees what
// it did.
var errNotLazily = errors.New("must be durable")

// Durable returns an error that runs the transaction again as a durable one, if it
// is none: before a key is used that must not be used twice.
func (f *Effects) Durable() error {
	if f.lazy {
		return errNotLazily
	}
	return nil
}
