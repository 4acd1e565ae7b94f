package group

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"quicnprotochat/node/audience"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/node/talk"
	"quicnprotochat/rpc"
)

// How we stand in a group: the Status of its conversation.
const (
	StatusIn      = ""
	StatusLeft    = "left"
	StatusRemoved = "removed"
)

// Errors that callers branch on.
var (
	// ErrUnknown means a group that is not there.
	ErrUnknown = errors.New("no such group")
	// ErrNotIn means a group that we have left, or were removed from.
	ErrNotIn = errors.New("not in this group any more")
	// ErrNotAdmin means something that only admins may do.
	ErrNotAdmin = errors.New("only an admin of the group may do this")
	// ErrName means a name that is empty or too long.
	ErrName = errors.New("a group's name is 1 to 128 bytes of UTF-8")
	// ErrMember means somebody who is in the group already, or not in it.
	ErrMember = errors.New("is or is not in the group already")
	// ErrSuite means somebody whose program lacks the cipher suite of the group.
	ErrSuite = errors.New("their program lacks the cipher suite of the group")
	// ErrFull means a group that has no room for more.
	ErrFull = errors.New("the group is full")
)

// Config says whose groups they are. All fields are required.
type Config struct {
	Store    *store.Store
	Identity *identity.Identity
	Profile  *profile.Profile
	Engine   *convo.Engine
	Log      *slog.Logger
}

// Groups reads and changes conversations of any number.
type Groups struct {
	*audience.Messages
	*talk.Talk

	cfg   Config
	self  rpc.Identity
	wake  chan struct{} // capacity 1
	spare spare

	// mu guards the fields below.
	mu    sync.Mutex
	cards map[message.EpochName]*message.CommitCard
	infos map[message.EpochName]info
	due   map[string]time.Time // when to tend a group, by its id
}

// info is a GroupInfo that somebody gave.
type info struct{ groupInfo, tree []byte }

// New returns the groups in cfg.Store and attaches them to cfg.Engine.
func New(cfg Config) *Groups {
	g := &Groups{
		cfg: cfg, self: cfg.Identity.ID(), wake: make(chan struct{}, 1),
		cards: make(map[message.EpochName]*message.CommitCard), infos: make(map[message.EpochName]info),
		due: make(map[string]time.Time),
	}
	g.Messages = audience.New(audience.Config{Engine: cfg.Engine, Self: g.self, Load: g.load, Present: g.present})
	g.Talk = talk.New(talk.Config{Self: g.self, Identity: cfg.Identity, Profile: cfg.Profile, Group: g.group, Load: g.load})
	cfg.Engine.Attach(g)
	return g
}

// lookAgain is the longest time between two looks at a group.
const lookAgain = time.Hour

// Run does what is due in groups until ctx ends.
func (g *Groups) Run(ctx context.Context) error {
	if err := g.WakeAll(ctx); err != nil {
		return err
	}
	for {
		next := time.Now().Add(lookAgain)
		for _, group := range g.dueNow(&next) {
			at, err := g.Tend(ctx, group)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				g.cfg.Log.Error("tend group", "group", group, "err", err)
				at = time.Now().Add(time.Minute)
			}
			g.dueBy(group, at)
			if at.Before(next) {
				next = at
			}
		}
		timer := time.NewTimer(max(time.Until(next), time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-g.wake:
		}
		timer.Stop()
	}
}

// WakeAll lets all groups be looked at.
func (g *Groups) WakeAll(ctx context.Context) error {
	var all []store.Conversation
	err := g.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Conversations()
		return err
	})
	for _, c := range all {
		if convo.IsGroup(c) {
			g.Changed(c.Group)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// dueNow takes the groups whose time has come, and brings next forward to the
// first of the others.
func (g *Groups) dueNow(next *time.Time) (groups [][]byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for id, at := range g.due {
		if !at.After(now) {
			delete(g.due, id)
			groups = append(groups, []byte(id))
		} else if at.Before(*next) {
			*next = at
		}
	}
	return groups
}

// dueBy has a group looked at by then.
func (g *Groups) dueBy(group []byte, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old, ok := g.due[string(group)]; !ok || at.Before(old) {
		g.due[string(group)] = at
	}
}

// Changed implements convo.Groups.
func (g *Groups) Changed(group []byte) {
	g.dueBy(group, time.Time{})
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// offered reports whether somebody gave the GroupInfo of an epoch.
func (g *Groups) offered(name message.EpochName) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.infos[name]
	return ok
}

// group reads the conversation of a group and its row.
func (g *Groups) group(tx *store.Tx, id []byte) (row store.Group, c store.Conversation, err error) {
	if row, err = tx.Group(id); err == nil {
		c, err = tx.Conversation(row.Conversation)
	}
	if store.IsNotFound(err) || err == nil && !convo.IsGroup(c) {
		err = ErrUnknown
	}
	return row, c, err
}
