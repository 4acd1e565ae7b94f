package localapi

// Kind says what an Event is about.
type Kind string

// The kinds of events.
const (
	// EventMessage is a message that came in: Contact, who wrote it, and Message
	// are set, and Group if it is one of a group.
	EventMessage Kind = "message"
	// EventSent is a message that the user wrote, in whatever front end: Message is set,
	// and Contact or Group, whom it is for.
	EventSent Kind = "sent"
	// EventState is a new state of a message of our own: Delivery is set, and
	// Contact or Group.
	EventState Kind = "state"
	// EventContact is a new contact: Contact is set.
	EventContact Kind = "contact"
	// EventGroup is a group that is new or another one than before: Group is set, and
	// Contact to who added the user, if somebody did just now.
	EventGroup Kind = "group"
	// EventUnfit is somebody who was invited to a group and cannot join: Contact and
	// Group are set. The person's program lacks the cipher suite of the group.
	EventUnfit Kind = "unfit"
	// EventMissed says that events were lost between the id asked for and this
	// one: look at the history.
	EventMissed Kind = "missed"
	// EventChanged is a message that looks other than before: Contact, who did it,
	// Message, as it is now, and Change are set, and Group if it is one of a group.
	EventChanged Kind = "changed"
	// EventRequest is somebody who asks to be a contact, and once more what the person
	// wrote with that, if anything: Contact is set, with the name that the person gives
	// itself, and Message the second time. Nobody is told anything before the user has
	// accepted.
	EventRequest Kind = "request"
	// EventTrust is a contact of whom the user thinks otherwise, or whose relay names
	// another identity: Contact is set.
	EventTrust Kind = "trust"
	// EventTyping is somebody who was typing within the last 10 seconds: Contact is
	// set, and Group if it is there. It is not kept and has no id.
	EventTyping Kind = "typing"
	// EventNearby is somebody on the LAN who is no contact and said what to be called:
	// Nearby is set. It is not kept and has no id.
	EventNearby Kind = "nearby"
)

// Change says what became of a message.
type Change string

// The changes. Reacted: its reactions are others than before; vanished: its time was
// over.
const (
	Edited   Change = "edited"
	Deleted  Change = "deleted"
	Reacted  Change = "reacted"
	Vanished Change = "vanished"
)

// Event is something that happened. ID grows, over restarts too; what is not kept
// has none.
type Event struct {
	ID       uint64    `json:"id"`
	Event    Kind      `json:"event"`
	Contact  *Contact  `json:"contact,omitempty"`
	Message  *Message  `json:"message,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
	Group    *Group    `json:"group,omitempty"`
	Nearby   *Nearby   `json:"nearby,omitempty"`
	Change   Change    `json:"change,omitempty"`
	// Muted: the user does not want to be called for it.
	Muted bool `json:"muted,omitempty"`
}
