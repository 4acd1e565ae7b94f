package news

import (
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// EventKind says what an Event is about.
type EventKind string

// The kinds of events.
const (
	EventMessage EventKind = "message" // a message came in
	EventSent    EventKind = "sent"    // the user wrote a message, in whatever front end
	EventState   EventKind = "state"   // the state of an own message changed
	EventContact EventKind = "contact" // a contact was added
	EventGroup   EventKind = "group"   // a group is new, or another one than before
	EventUnfit   EventKind = "unfit"   // an invitation comes to nothing: who was invited lacks the group's suite
	EventChanged EventKind = "changed" // a message looks other than before
	EventTrust   EventKind = "trust"   // what is thought of a contact is new
	EventRequest EventKind = "request" // somebody asks to be a contact
	EventTyping  EventKind = "typing"  // somebody is typing; not kept
)

// Change says what became of a message.
type Change string

// The changes.
const (
	Edited   Change = "edited"
	Deleted  Change = "deleted"
	Reacted  Change = "reacted"
	Vanished Change = "vanished" // its time was over
)

// Event is something that front ends show. Peer is who did it, or for EventSent whom it
// is for. Message is set for EventMessage, EventSent, EventState and EventChanged, and for
// EventRequest if the person wrote something; Contact for EventContact, Conversation for
// EventGroup, EventUnfit and EventTyping, Change for EventChanged.
type Event struct {
	Kind         EventKind
	Peer         rpc.Identity
	Message      store.Message
	Contact      store.Contact
	Conversation store.Conversation
	Change       Change
}

// row is how an event is kept.
func (e Event) row() store.Event {
	row := store.Event{Kind: string(e.Kind), Peer: e.Peer}
	switch e.Kind {
	case EventChanged:
		m := e.Message
		row.Conversation, row.Message, row.Author, row.State = m.Conversation, m.ID, m.Author, string(e.Change)
	case EventGroup, EventUnfit:
		row.Conversation = e.Conversation.ID
	case EventMessage, EventSent, EventState, EventRequest:
		m := e.Message
		row.Conversation, row.Message = m.Conversation, m.ID
		row.State, row.Path, row.Relay, row.Why = m.State, m.Path, m.Relay, m.Why
		if e.Kind == EventSent {
			row.Author = m.Author
		}
	}
	return row
}
