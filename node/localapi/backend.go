package localapi

import "context"

// Self is the node itself.
type Self interface {
	// Identity says who this node is.
	Identity(ctx context.Context) (Identity, error)
	// Invite makes a contact link of the present addresses and home relays.
	Invite(ctx context.Context) (Invite, error)
	// Log returns the end of the log, oldest first, whatever of it was written out.
	Log(ctx context.Context) ([]LogLine, error)
	// Status says what the node is connected to and what waits.
	Status(ctx context.Context) (Status, error)
}

// Contacts are the people that the node knows. One is asked for by identity, by
// exact name, or by a unique prefix of either; unknown and ambiguous ones are
// exit 4, and the Hint of an ambiguous one lists those that it could mean.
type Contacts interface {
	// AddContact takes a link and returns when the contact is stored; it waits
	// for no network. An empty name means the name in the card. Errors: exit 2
	// for a malformed link or one's own, 6 for a wrong signature. It also takes
	// NAME@RELAY, and asks that relay who has the name: 4 if nobody has, 6 if it
	// now names somebody else than before, 7 if it is not reached. And it takes the
	// identity of somebody whom the node hears on the LAN, or what only one there calls
	// itself; who is asked: 4 if it hears nobody of that identity.
	AddContact(ctx context.Context, link, name string) (AddedContact, error)
	// Contacts lists all of them, by name.
	Contacts(ctx context.Context) ([]Contact, error)
	// Contact finds one.
	Contact(ctx context.Context, contact string) (Contact, error)
	// Nearby lists whom the node heard on the LAN in the last minutes, at most 256:
	// contacts first.
	Nearby(ctx context.Context) ([]Nearby, error)
}

// Messages are the conversations; a contact is asked for as in Contacts.
type Messages interface {
	// Send returns when the message is persisted.
	Send(ctx context.Context, contact, text string) (Delivery, error)
	// Await returns when the message of that id has reached want or can no
	// longer reach it, and with its present state, without an error, when ctx
	// ends before. So ctx bounds the wait only, not the look at the state: it may
	// have ended already.
	Await(ctx context.Context, id string, want State) (Delivery, error)
	// History calls emit for each message of the conversation in the order shown,
	// oldest first, and stops at its first error. With after set they begin behind
	// the message of that id, else they are the newest limit. A limit of 0 means
	// no limit.
	History(ctx context.Context, contact string, limit int, after string, emit func(Message) error) error
	// Search returns at most limit messages with all of some words, the newest first,
	// of one conversation or with "" of all.
	Search(ctx context.Context, words, contact string, limit int) ([]Message, error)
}

// Relays are the home relays of this node.
type Relays interface {
	// AddRelay adds and remembers a relay; it waits for no network.
	AddRelay(ctx context.Context, url string) error
	// ForgetRelay removes a relay. One that is not there is exit 2.
	ForgetRelay(ctx context.Context, url string) error
}

// Events is what happens while somebody listens. feed.Feed is one.
type Events interface {
	// Subscribe returns the events after that id, then those to come. The channel
	// is closed when ctx ends, and when the subscriber is too slow: it may come
	// back with the last id that it saw. After 0 means only those to come; from is
	// the id that they come after, good to come back with before there is one.
	Subscribe(ctx context.Context, after uint64) (events <-chan Event, from uint64, err error)
}
