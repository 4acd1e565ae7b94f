package group

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// Kinds of intents.
const (
	intentAdd     byte = 1 // with the Welcome until it is known to be there
	intentRemove  byte = 2
	intentRename  byte = 3 // Value: the name
	intentPromote byte = 4
	intentDemote  byte = 5
	intentUpdate  byte = 6
	intentLeave   byte = 7 // Value: the Leave of Subject
	intentUnfit   byte = 8 // was an intentAdd; Subject lacks the suite of the group
)

const (
	// gather is how long an Add waits for the key packages of others that are
	// invited at the same time.
	gather = 3 * time.Second
	// turn is the time between the tries of two members to commit what anybody may.
	turn = 500 * time.Millisecond
)

// plan is what a commit is to do.
type plan struct {
	intents []store.Intent // that it fulfils
	add     []*mls.KeyPackage
	remove  []rpc.Identity
	leaves  []message.Leave
	profile message.GroupProfile
	update  bool
}

func (p *plan) empty() bool { return len(p.intents) == 0 && !p.update }

// plan collects what is to be committed now on the head. Intents that have come
// true, or cannot any more, are erased; wait is until others are due, 0 if none is.
func (g *Groups) planCommit(tx *store.Tx, group []byte, t *cards.Tree, now time.Time) (p *plan, wait time.Duration, err error) {
	intents, err := tx.Intents(group)
	if err != nil {
		return nil, 0, err
	}
	p = &plan{profile: t.Top().Roster.Profile()}
	p.profile.Admins = slices.Clone(p.profile.Admins)
	missing := false // a key package
	for _, i := range intents {
		keep, err := g.planOne(tx, t, p, &i, now)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case !keep:
			err = tx.DeleteIntent(i.ID)
		case lacksPackage(i):
			missing = missing || now.Sub(i.Created) < gather
		case i.Kind == intentLeave:
			wait = max(wait, g.turnOf(t, i, now))
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if missing && len(p.add) > 0 {
		wait = max(wait, gather/4) // look again: a key package that comes wakes us too
	}
	return p, wait, nil
}

// turnOf is how long we leave the Remove of somebody who leaves to those before us,
// with a little chance in it.
func (g *Groups) turnOf(t *cards.Tree, i store.Intent, now time.Time) time.Duration {
	rank := slices.Index(t.Top().Roster.Members(), g.self)
	if left := time.Duration(rank)*turn - now.Sub(i.Created); left > 0 {
		return left + rand.N(turn/2)
	}
	return 0
}

// planOne adds an intent to a plan unless it has come true; keep is false if it is
// of no use any more.
func (g *Groups) planOne(tx *store.Tx, t *cards.Tree, p *plan, i *store.Intent, now time.Time) (keep bool, err error) {
	r := t.Top().Roster
	committed := i.Epoch != message.EpochName{}
	if committed && !t.OnPath(i.Epoch) { // lost with its branch
		if i.Kind == intentRemove && !r.Senior(g.self, i.Subject) {
			return false, nil // a lost Remove of somebody senior is dropped
		}
		if err := tx.SetIntent(i.ID, i.Package, message.EpochName{}); err != nil {
			return true, err
		}
		i.Epoch, committed = message.EpochName{}, false
	}
	if committed {
		// It stays until no other branch can come before its own, and that of an Add
		// until its member has shown up.
		waits := i.Kind == intentAdd && i.Welcome && r.Has(i.Subject)
		at, _ := t.Index(i.Epoch)
		return waits || !t.Settled(at), nil
	}
	if i.Kind != intentUpdate && i.Kind != intentLeave && !r.IsAdmin(g.self) {
		return false, nil
	}
	switch i.Kind {
	case intentUnfit:
		return !r.Has(i.Subject) && now.Sub(i.Created) < unfitShown, nil
	case intentAdd:
		return p.planAdd(r, i)
	case intentRemove:
		return p.planRemove(r, i, nil), nil
	case intentLeave:
		l, err := parseLeave(i)
		if err != nil || !t.Asked(t.Head, l) || i.Subject == g.self {
			return i.Subject == g.self && r.Has(g.self), nil
		}
		return p.planRemove(r, i, &l), nil
	}
	return p.planProfile(g.self, r, i), nil
}

func (p *plan) planAdd(r *cards.Roster, i *store.Intent) (keep bool, err error) {
	if r.Has(i.Subject) {
		return false, nil
	}
	if len(i.Package) == 0 || r.Size()+len(p.add) >= message.MaxMembers {
		return true, nil
	}
	kp, err := mls.ParseKeyPackage(i.Package)
	if err != nil {
		return true, fmt.Errorf("key package of intent: %w", store.ErrDamaged)
	}
	p.add = append(p.add, kp)
	p.intents = append(p.intents, *i)
	return true, nil
}

func (p *plan) planRemove(r *cards.Roster, i *store.Intent, l *message.Leave) (keep bool) {
	if !r.Has(i.Subject) {
		return false
	}
	if !slices.Contains(p.remove, i.Subject) {
		p.remove = append(p.remove, i.Subject)
		p.profile.Admins = without(p.profile.Admins, i.Subject)
	}
	if l != nil {
		p.leaves = append(p.leaves, *l)
	}
	p.intents = append(p.intents, *i)
	return true
}

func without(list []rpc.Identity, id rpc.Identity) []rpc.Identity {
	return slices.DeleteFunc(list, func(x rpc.Identity) bool { return x == id })
}

func (p *plan) planProfile(self rpc.Identity, r *cards.Roster, i *store.Intent) (keep bool) {
	switch i.Kind {
	case intentRename:
		if p.profile.Name == string(i.Value) {
			return false
		}
		p.profile.Name = string(i.Value)
	case intentPromote:
		if slices.Contains(p.profile.Admins, i.Subject) || !r.Has(i.Subject) || slices.Contains(p.remove, i.Subject) ||
			len(p.profile.Admins) >= message.MaxAdmins {
			return false
		}
		p.profile.Admins = append(p.profile.Admins, i.Subject)
	case intentDemote:
		if !slices.Contains(p.profile.Admins, i.Subject) || !r.Senior(self, i.Subject) {
			return false // who was junior to us may be senior by now
		}
		p.profile.Admins = without(p.profile.Admins, i.Subject)
	case intentUpdate:
		p.update = true
	}
	p.intents = append(p.intents, *i)
	return true
}

// changes reports whether the profile is another one than that of a roster.
func (p *plan) changes(r *cards.Roster) bool {
	return !r.Agrees(&p.profile)
}

func parseLeave(i *store.Intent) (l message.Leave, err error) {
	l.Who = i.Subject
	if len(i.Value) != len(l.Epoch)+len(l.Signature) {
		return l, fmt.Errorf("leave: %w", store.ErrDamaged)
	}
	copy(l.Epoch[:], i.Value)
	copy(l.Signature[:], i.Value[len(l.Epoch):])
	return l, nil
}

func leaveValue(l message.Leave) []byte { return bytes.Join([][]byte{l.Epoch[:], l.Signature[:]}, nil) }
