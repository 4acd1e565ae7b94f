package front

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
)

// Mark implements localapi.Conversations.
func (f *Front) Mark(ctx context.Context, r localapi.MarkRequest) (localapi.Delivery, error) {
	with, err := f.aim(ctx, r.Contact, f.find)
	if err != nil {
		return localapi.Delivery{}, err
	}
	mine := r.Action == localapi.MarkEdit || r.Action == localapi.MarkDelete
	var m store.Message
	what := &message.Message{Text: r.Text}
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		if m, err = f.entry(tx, with, r.Message, mine); err != nil {
			return err
		}
		what.Ref = m.ID
		if r.Action == localapi.MarkUnreact {
			what.Ref, err = f.reaction(tx, m)
		}
		return err
	})
	if err != nil {
		return localapi.Delivery{}, err
	}
	switch r.Action {
	case localapi.MarkReply:
		what.Type = message.Reply
	case localapi.MarkReact:
		what.Type = message.Reaction
	case localapi.MarkEdit:
		what.Type = message.Edit
	case localapi.MarkHide:
		return f.hide(ctx, with, m)
	default:
		what.Type = message.Delete
	}
	if !m.Erased.IsZero() {
		return localapi.Delivery{}, sayError(with, timeline.ErrKind)
	}
	return f.say(ctx, with, what)
}

// reaction finds what the user felt about a message.
func (f *Front) reaction(tx *store.Tx, m store.Message) (id [16]byte, err error) {
	v, err := timeline.Look(tx, m)
	if err != nil {
		return id, err
	}
	for _, r := range v.Reactions {
		if r.Author == f.self {
			return r.ID, nil
		}
	}
	return id, &localapi.Error{Message: "you have not reacted to this message", Hint: "an EMOJI behind it does so", Exit: localapi.ExitUsage}
}

// hide removes a message here alone.
func (f *Front) hide(ctx context.Context, with target, m store.Message) (localapi.Delivery, error) {
	if err := f.cfg.Engine.Hide(ctx, m); err != nil {
		return localapi.Delivery{}, sayError(with, err)
	}
	m.Why = "it is gone from here"
	return showDelivery(m), nil
}

// MarkRead implements localapi.Conversations.
func (f *Front) MarkRead(ctx context.Context, who, id string, tell bool) error {
	with, err := f.aim(ctx, who, f.find)
	if err != nil {
		return err
	}
	if id == "" {
		return f.cfg.Engine.Read(ctx, with.conversation, nil, tell)
	}
	last, err := parseID(id)
	if err != nil {
		return err
	}
	return f.cfg.Engine.Read(ctx, with.conversation, &last, tell)
}

const (
	// typingPause is the least time between two notes to one conversation that the
	// user is typing.
	typingPause = 4 * time.Second
	// typingKnown bounds for how many conversations that is known.
	typingKnown = 256
)

// Typing implements localapi.Conversations.
func (f *Front) Typing(ctx context.Context, who string) error {
	with, err := f.aim(ctx, who, f.find)
	if err != nil || !f.mayTell(with.conversation, time.Now()) {
		return err
	}
	notes, err := f.cfg.Engine.Typing(ctx, with.conversation)
	for to, payload := range notes {
		f.cfg.Deliverer.Fleeting(to, payload)
	}
	return err
}

// mayTell reports whether a conversation is to be told again that the user types.
func (f *Front) mayTell(conversation [16]byte, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.told[conversation]; ok && now.Sub(at) < typingPause && !now.Before(at) {
		return false
	}
	if len(f.told) >= typingKnown {
		clear(f.told)
	}
	f.told[conversation] = now
	return true
}

// Conversation implements localapi.Conversations.
func (f *Front) Conversation(ctx context.Context, who string) (shown localapi.Conversation, err error) {
	with, err := f.aim(ctx, who, f.find)
	if err != nil {
		return shown, err
	}
	return f.showConversation(ctx, with)
}

func (f *Front) showConversation(ctx context.Context, with target) (shown localapi.Conversation, err error) {
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		n, err := tx.CountUnread(with.conversation)
		if err == nil {
			shown, err = settingsOf(tx, with, n)
		}
		return err
	})
	return shown, err
}

// settingsOf returns how a conversation is set in which so much is unread.
func settingsOf(tx *store.Tx, with target, unread int) (localapi.Conversation, error) {
	shown := localapi.Conversation{ID: with.id(), Name: with.name, Group: with.group, ReadReceipts: true, Timer: "0s", Unread: unread}
	c, err := tx.Conversation(with.conversation)
	if store.IsNotFound(err) {
		return shown, nil // nothing was said yet
	}
	if err != nil {
		return shown, err
	}
	after, err := timeline.InForce(tx, c.ID)
	shown.Timer, shown.ReadReceipts, shown.Muted, shown.Archived = after.String(), !c.NoReadReceipts, c.Muted, c.Archived
	return shown, err
}

// Unread implements localapi.Conversations.
func (f *Front) Unread(ctx context.Context) (all []localapi.Conversation, err error) {
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		counts, err := tx.UnreadCounts()
		if err != nil {
			return err
		}
		for _, n := range counts {
			c, err := tx.Conversation(n.Conversation)
			if err != nil {
				return err
			}
			with := target{conversation: c.ID, group: convo.IsGroup(c), name: c.Name, contact: store.Contact{Identity: c.Peer}}
			if !with.group {
				person, err := tx.Contact(c.Peer)
				if store.IsNotFound(err) {
					continue // somebody who asks, and is nobody yet to write to
				}
				if err != nil {
					return err
				}
				with.name = person.Name
			}
			shown, err := settingsOf(tx, with, n.Entries)
			if err != nil {
				return err
			}
			all = append(all, shown)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b localapi.Conversation) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all, err
}

// Set implements localapi.Conversations.
func (f *Front) Set(ctx context.Context, set localapi.SetRequest) (shown localapi.Conversation, err error) {
	with, err := f.aim(ctx, set.Contact, f.find)
	if err != nil {
		return shown, err
	}
	if set.Name != "" {
		if with.name, err = f.rename(ctx, with, set.Name); err != nil {
			return shown, err
		}
	}
	if err := f.adjust(ctx, with, set); err != nil {
		return shown, err
	}
	if set.Timer != "" {
		after, err := localapi.ParseTimer(set.Timer)
		if err != nil {
			return shown, err
		}
		now, err := f.showConversation(ctx, with)
		if err != nil {
			return shown, err
		}
		if now.Timer != after.String() {
			if _, err := f.say(ctx, with, &message.Message{Type: message.Timer, After: after}); err != nil {
				return shown, err
			}
		}
	}
	return f.showConversation(ctx, with)
}

// adjust changes what is kept of a conversation here alone.
func (f *Front) adjust(ctx context.Context, with target, set localapi.SetRequest) error {
	if set.ReadReceipts == nil && set.Muted == nil && set.Archived == nil {
		return nil
	}
	return f.cfg.Engine.Adjust(ctx, with.conversation, with.contact.Identity, func(c *store.Conversation) {
		if set.ReadReceipts != nil {
			c.NoReadReceipts = !*set.ReadReceipts
		}
		if set.Muted != nil {
			c.Muted = *set.Muted
		}
		if set.Archived != nil {
			c.Archived = *set.Archived
		}
	})
}

// rename gives a group another name, or calls a person by another one here, and
// returns that.
func (f *Front) rename(ctx context.Context, with target, name string) (string, error) {
	if with.group {
		return name, groupError(with.name, f.cfg.Groups.Rename(ctx, with.conversation, name))
	}
	clean := contact.CleanName(name)
	e := &localapi.Error{Hint: "qpc contacts lists the names there are", Exit: localapi.ExitUsage}
	switch {
	case with.contact.Via == viaSelf:
		e.Message, e.Hint = "that is you", "others choose what they call you"
		return "", e
	case clean == "":
		e.Message = "a name has letters, digits or other signs that can be seen"
		return "", e
	}
	err := f.cfg.Engine.Rename(ctx, with.contact.Identity, clean)
	if errors.Is(err, store.ErrExists) {
		e.Message = fmt.Sprintf("another contact is called %q", clean)
		return "", e
	}
	return clean, err
}

var _ localapi.Conversations = (*Front)(nil)
