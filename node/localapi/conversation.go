package localapi

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// MessageKind says what a Message is.
type MessageKind string

// The kinds; none is a text. The Text of a timer, and of what this version cannot show, says so.
const (
	KindReply       MessageKind = "reply"
	KindTimer       MessageKind = "timer"
	KindUnsupported MessageKind = "unsupported"
)

// Message is one entry of a conversation, as it is now.
type Message struct {
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
	Text string `json:"text"`
	// Time is when its author sent it, by the author's clock.
	Time  Time  `json:"time"`
	State State `json:"state"`
	Path  Path  `json:"path"`
	// Group is the id of the group that it is of, and then To as well; else empty.
	Group string      `json:"group,omitempty"`
	Kind  MessageKind `json:"kind,omitempty"`
	// Reply is the message that it answers.
	Reply *Quote `json:"reply,omitempty"`
	// Edited is when its author edited it last, Expires when it disappears here, the
	// user having seen it or not.
	Edited  *Time `json:"edited,omitempty"`
	Expires *Time `json:"expires,omitempty"`
	// Deleted: its author took it back. Its text is gone.
	Deleted   bool       `json:"deleted,omitempty"`
	Reactions []Reaction `json:"reactions,omitempty"`
}

// Quote is the beginning of a message that another one answers; of one that is not
// here From and Text are empty.
type Quote struct {
	ID   string `json:"id"`
	From string `json:"from"`
	Text string `json:"text"`
}

// Reaction is what somebody feels about a message.
type Reaction struct {
	From  string `json:"from"`
	Emoji string `json:"emoji"`
}

// Conversations is what is done with the messages of a conversation, which is asked for as a
// contact or a group. A message is asked for by its id, a unique beginning of that of
// at least 4 digits, or the word last: to edit and to delete, one's own last one, else
// the last of the others. An unknown one is exit 2.
type Conversations interface {
	// Mark does something with a message and returns how far that came.
	Mark(ctx context.Context, mark MarkRequest) (Delivery, error)
	// MarkRead says that the user was shown a conversation up to a message, or all of
	// it if that is empty; with tell the authors get a receipt, if they may.
	MarkRead(ctx context.Context, contact, message string, tell bool) error
	// Typing says that the user is typing; it may say so at every key.
	Typing(ctx context.Context, contact string) error
	// Conversation says how a conversation is set, Set changes that.
	Conversation(ctx context.Context, contact string) (Conversation, error)
	Set(ctx context.Context, set SetRequest) (Conversation, error)
	// Unread lists the conversations in which the user has not read all, by name.
	Unread(ctx context.Context) ([]Conversation, error)
}

// MarkAction is what is done with a message.
type MarkAction string

// The actions. Hide removes a message here alone, Delete for all.
const (
	MarkReply   MarkAction = "reply"
	MarkReact   MarkAction = "react"
	MarkUnreact MarkAction = "unreact"
	MarkEdit    MarkAction = "edit"
	MarkDelete  MarkAction = "delete"
	MarkHide    MarkAction = "hide"
)

// MarkRequest is something to be done with a message. Text is that of a reply or
// edit, and the emoji of a reaction.
type MarkRequest struct {
	Contact string     `json:"contact"`
	Message string     `json:"message"`
	Action  MarkAction `json:"action"`
	Text    string     `json:"text,omitempty"`
}

// Conversation is how a conversation is set.
type Conversation struct {
	// ID is the identity of the person, or the id of the group.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Group: it is a group.
	Group bool `json:"group,omitempty"`
	// Timer is how long messages stay that are written now, as Go writes durations;
	// "0s" for good.
	Timer string `json:"timer"`
	// ReadReceipts: the others are told what the user has read.
	ReadReceipts bool `json:"readReceipts"`
	// Muted: the user is not called for what comes in.
	Muted  bool `json:"muted"`
	Unread int  `json:"unread"`
	// Archived: it is put away until something is said in it.
	Archived bool `json:"archived,omitempty"`
}

// SetRequest changes how a conversation is set: what is absent stays.
type SetRequest struct {
	Contact      string `json:"contact"`
	Timer        string `json:"timer,omitempty"`
	ReadReceipts *bool  `json:"readReceipts,omitempty"`
	Muted        *bool  `json:"muted,omitempty"`
	Archived     *bool  `json:"archived,omitempty"`
	// Name is what a person is called here from now on, a group for all its members.
	Name string `json:"name,omitempty"`
}

// readRequest is the body of what says that something was read, or is being typed.
type readRequest struct {
	Contact string `json:"contact"`
	Message string `json:"message"`
	Tell    bool   `json:"tell"`
}

// maxEmoji bounds a reaction, in bytes.
const maxEmoji = 64

func (s *Server) conversationTable() []route {
	return []route{
		post(s, "/v1/mark", "Do something with a message: answer, react, edit, delete for all, hide here.", s.cfg.Conversations.Mark),
		post(s, "/v1/read", "Say that the user was shown a conversation up to a message, or all of it.", func(ctx context.Context, r readRequest) (nothing, error) {
			return nothing{}, s.cfg.Conversations.MarkRead(ctx, r.Contact, r.Message, r.Tell)
		}),
		post(s, "/v1/typing", "Say that the user is typing.", func(ctx context.Context, r readRequest) (nothing, error) {
			return nothing{}, s.cfg.Conversations.Typing(ctx, r.Contact)
		}),
		find(s, "/v1/conversation", "How a conversation is set.", "contact", s.cfg.Conversations.Conversation),
		list(s, "/v1/unread", "The conversations in which the user has not read all.", s.cfg.Conversations.Unread),
		post(s, "/v1/conversation", "Set the timer, the read receipts, or the silence of a conversation.", s.cfg.Conversations.Set),
	}
}

func (r MarkRequest) check() error {
	if err := checkArgument("the contact", r.Contact, maxContact); err != nil {
		return err
	}
	if err := checkArgument("the message", r.Message, maxContact); err != nil {
		return err
	}
	switch r.Action {
	case MarkReply, MarkEdit:
		return CheckText(r.Text)
	case MarkReact:
		return checkArgument("the reaction", r.Text, maxEmoji)
	case MarkUnreact, MarkDelete, MarkHide:
		return nil
	}
	return usage("nothing called "+string(r.Action)+" is done with messages", "is the daemon older than this program?")
}

func (r readRequest) check() error {
	if len(r.Message) > maxContact {
		return usage("the message id is too long", "")
	}
	return checkArgument("the contact", r.Contact, maxContact)
}

func (r SetRequest) check() error {
	if r.Timer != "" {
		if _, err := ParseTimer(r.Timer); err != nil {
			return err
		}
	}
	return checkArgument("the contact", r.Contact, maxContact)
}

// maxTimer is the longest timer of a conversation.
const maxTimer = 366 * 24 * time.Hour

// ParseTimer reads how long messages are to stay: whole seconds as Go writes
// durations, up to 366 days, or 0.
func ParseTimer(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxTimer || d%time.Second != 0 {
		return 0, usage("the time "+text+" is not one of whole seconds up to 366 days", "write it like 30s, 5m or 24h; off, or 0s, lets messages stay")
	}
	return d, nil
}

// Mark does something with a message.
func (c *Client) Mark(ctx context.Context, mark MarkRequest) (v Delivery, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/mark", mark, &v)
}

// MarkRead says that the user was shown a conversation up to a message, or all of it;
// with tell the authors get a receipt, if they may.
func (c *Client) MarkRead(ctx context.Context, contact, message string, tell bool) error {
	return c.call(ctx, http.MethodPost, "/v1/read", readRequest{contact, message, tell}, nil)
}

// Typing says that the user is typing.
func (c *Client) Typing(ctx context.Context, contact string) error {
	return c.call(ctx, http.MethodPost, "/v1/typing", readRequest{Contact: contact}, nil)
}

// Conversation says how a conversation is set.
func (c *Client) Conversation(ctx context.Context, contact string) (v Conversation, err error) {
	q := url.Values{"contact": {contact}}
	return v, c.call(ctx, http.MethodGet, "/v1/conversation?"+q.Encode(), nil, &v)
}

// Unread lists the conversations in which the user has not read all, by name.
func (c *Client) Unread(ctx context.Context) (v []Conversation, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/unread", nil, &v)
}

// Set changes how a conversation is set.
func (c *Client) Set(ctx context.Context, set SetRequest) (v Conversation, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/conversation", set, &v)
}
