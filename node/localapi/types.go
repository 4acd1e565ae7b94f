package localapi

import (
	"fmt"
	"strings"
	"time"
)

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Time is a time.Time whose text is RFC 3339, UTC, with milliseconds.
type Time struct{ time.Time }

// String returns t as it is shown and travels.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes String, where the embedded time.Time would write its own.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// UnmarshalJSON is the inverse of MarshalJSON.
func (t *Time) UnmarshalJSON(b []byte) error {
	parsed, err := time.Parse(`"`+timeLayout+`"`, string(b))
	if err != nil {
		return fmt.Errorf("parse time: %w", err)
	}
	t.Time = parsed.UTC()
	return nil
}

// Brief writes a time span for people: 5m rather than 5m0s.
func Brief(d time.Duration) string {
	s := d.String()
	for _, rest := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, rest) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// State is how far a message came.
type State string

// The states. Queued: persisted here. Direct: the person's own node has it.
// Stored: a relay has it. Delivered: the receipt is back. Read: the person saw
// it. Failed: it will not arrive. Received: it came in.
const (
	Queued    State = "queued"
	Direct    State = "direct"
	Stored    State = "stored"
	Delivered State = "delivered"
	Read      State = "read"
	Failed    State = "failed"
	Received  State = "received"
)

// Awaitable reports whether s is a state that Await can be asked for.
func (s State) Awaitable() bool {
	return s == Direct || s == Stored || s == Delivered
}

// Reaches reports whether a message in state s fulfils a wait for want: stored
// means durable anywhere but here, direct that the person's own node has it.
func (s State) Reaches(want State) bool {
	switch want {
	case Stored:
		return s == Stored || s == Direct || s == Delivered || s == Read
	case Direct:
		return s == Direct || s == Delivered || s == Read
	case Delivered:
		return s == Delivered || s == Read
	default:
		return s == want
	}
}

// Path is the way that a message or a connection took.
type Path string

// The paths.
const (
	PathNone    Path = "none"
	PathLAN     Path = "lan"
	PathDirect  Path = "direct"
	PathPunched Path = "punched"
	PathMailbox Path = "mailbox"
)

// Identity says who a node is. Identities are peer ids (12D3Koo…) everywhere.
type Identity struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
}

// Invite is a contact link and when it ends: nobody new can use it then.
type Invite struct {
	Link    string `json:"link"`
	Expires Time   `json:"expires"`
}

// Contact is a person.
type Contact struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	// Via is link, introduction, lan, group or name.
	Via      string `json:"via"`
	Verified bool   `json:"verified"`
	// Claim is NAME@URL if a relay said that this person has that user name there:
	// its word and nobody else's.
	Claim string `json:"claim,omitempty"`
	// Blocked: nothing of this person is taken, and nothing sent there.
	Blocked bool `json:"blocked,omitempty"`
	// Changed is the identity that the relay of the claim names now, if that is
	// another one: nothing is sent until the user has chosen.
	Changed string `json:"changed,omitempty"`
	// Archived: the conversation is put away until something is said in it.
	Archived bool `json:"archived,omitempty"`
}

// AddedContact is the answer to adding one; New is false if it was known.
type AddedContact struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	New      bool   `json:"new"`
	// NewRelay is a relay that this node, which had none, uses from now on.
	NewRelay string `json:"new_relay,omitempty"`
}

// Nearby is a machine that announces itself on the LAN. Nothing of it is proved
// before it is spoken to, and it tells nothing but its identity.
type Nearby struct {
	Identity string `json:"identity"`
	// Name is what the contact of that identity is called; "" if it is none.
	Name string `json:"name"`
	// Claim is what somebody who is no contact calls itself: the word of that machine,
	// which proved the identity.
	Claim string `json:"claim,omitempty"`
}

// Delivery is how far a message of our own came and why it took its path.
type Delivery struct {
	// ID is 32 hex digits, the same on both sides.
	ID    string `json:"id"`
	State State  `json:"state"`
	Path  Path   `json:"path"`
	// Relay is the key of the relay that has it, or empty.
	Relay string `json:"relay"`
	// Why is one sentence, never empty.
	Why string `json:"why"`
	// NewRelay is that of AddedContact, in the answer to sending.
	NewRelay string `json:"new_relay,omitempty"`
}

// Status is what a node is connected to and what waits. Its lists are never
// null in JSON.
type Status struct {
	Identity string   `json:"identity"`
	Name     string   `json:"name"`
	Addrs    []string `json:"addrs"`
	LAN      bool     `json:"lan"`
	Relays   []Relay  `json:"relays"`
	Peers    []Peer   `json:"peers"`
	Queue    Queue    `json:"queue"`
	// LANMode is on, contacts or off.
	LANMode string `json:"lan_mode"`
	// Online is how far the networks of this machine lead, as the system has it: yes, lan
	// if to those who are on them alone, or no. The same in Explanation, Ping, Netcheck.
	Online string `json:"online"`
	// OlderCopy is when this home was found to be an older copy of one that was used
	// since, so that all conversations were entered anew; it is left out if never.
	OlderCopy *Time `json:"older_copy,omitempty"`
}

// Relay is a home relay; Error says why it is not reached.
type Relay struct {
	URL     string `json:"url"`
	Reached bool   `json:"reached"`
	Error   string `json:"error"`
	// Sealed says that contacts may leave mail there without saying who they are.
	Sealed bool `json:"sealed"`
}

// Peer is the node of a contact, and what was tried to reach it.
type Peer struct {
	Identity  string  `json:"identity"`
	Name      string  `json:"name"`
	Path      Path    `json:"path"`
	Connected bool    `json:"connected"`
	Tried     []Tried `json:"tried"`
	// Suite is the cipher suite of the conversation, by its name, and PostQuantum
	// says whether it is one; "" and false while there is no group to send in.
	Suite       string `json:"suite"`
	PostQuantum bool   `json:"post_quantum"`
}

// Tried is one address that was dialled, when, and why it failed.
type Tried struct {
	Addr  string `json:"addr"`
	Error string `json:"error"`
	Time  Time   `json:"time"`
}

// Queue counts what waits: Outbox for others, Inbox to be processed, Unreadable
// for a key that has not come yet.
type Queue struct {
	Outbox     int `json:"outbox"`
	Inbox      int `json:"inbox"`
	Unreadable int `json:"unreadable"`
}

// LogLine is one line of the log of the node.
type LogLine struct {
	Time    Time   `json:"time"`
	Level   string `json:"level"` // debug, info, warn or error
	Message string `json:"message"`
	Details string `json:"details"` // key=value, separated by spaces
}
