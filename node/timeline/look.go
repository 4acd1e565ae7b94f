package timeline

import (
	"time"

	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// View is what an entry looks like.
type View struct {
	Type message.Type
	// Text is that of a chat or reply, as last edited.
	Text string
	// Edited is when the author edited it last, by the author's clock; zero: never.
	Edited time.Time
	// Deleted: nothing else is known of it any more.
	Deleted bool
	// Ref is the message that a reply answers.
	Ref [16]byte
	// After is what a timer says.
	After     time.Duration
	Reactions []Reaction
}

// Reaction is what somebody feels about an entry. ID is that of the message that said
// so.
type Reaction struct {
	Author rpc.Identity
	ID     [16]byte
	Emoji  string
}

// Look returns what an entry looks like now.
func Look(tx *store.Tx, m store.Message) (View, error) {
	v := View{Type: message.Type(m.Type), Deleted: !m.Erased.IsZero()}
	if v.Deleted {
		return v, nil
	}
	if parsed, err := message.Parse(m.Body); err == nil {
		v.Text, v.Ref, v.After = parsed.Text, parsed.Ref, parsed.After
	}
	marks, err := tx.Referring(m.Conversation, m.ID)
	if err != nil {
		return v, err
	}
	for _, mark := range marks {
		parsed, err := message.Parse(mark.Body)
		if err != nil || mark.State == early || !mark.Erased.IsZero() {
			continue
		}
		switch {
		case parsed.Type == message.Reaction:
			v.Reactions = append(v.Reactions, Reaction{mark.Author, mark.ID, parsed.Text})
		case parsed.Type == message.Edit && mark.Author == m.Author:
			v.Text, v.Edited = parsed.Text, mark.Sent
		}
	}
	return v, nil
}
