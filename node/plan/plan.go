package plan

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

// Kinds of intents: what the user wants of a group.
const (
	Add     byte = 1 // with the Welcome until it is known to be there
	Remove  byte = 2
	Rename  byte = 3 // Value: the name
	Promote byte = 4
	Demote  byte = 5
	Update  byte = 6
	Leave   byte = 7 // Value: the Leave of Subject
	Unfit   byte = 8 // was an Add; Subject lacks the suite of the group
)

const (
	// gather is how long an Add waits for the key packages of others that are
	// invited at the same time.
	gather = 3 * time.Second
	// turn is the time between the tries of two members to commit what anybody may.
	turn = 500 * time.Millisecond
	// UnfitShown is how long it is said of somebody that it cannot be invited.
	UnfitShown = 7 * 24 * time.Hour
)

// Want keeps what the user wants, in place of the same and of its opposite.
func Want(tx *store.Tx, group []byte, i store.Intent) error {
	opposites := map[byte][]byte{
		Add: {Remove, Unfit}, Unfit: {Add}, Remove: {Add},
		Promote: {Demote}, Demote: {Promote},
	}
	old, err := tx.Intents(group)
	if err != nil {
		return err
	}
	for _, o := range old {
		if o.Subject == i.Subject && (o.Kind == i.Kind || slices.Contains(opposites[i.Kind], o.Kind)) {
			if err := tx.DeleteIntent(o.ID); err != nil {
				return err
			}
		}
	}
	i.Group = group
	_, err = tx.AddIntent(i)
	return err
}

// Plan is what a commit is to do.
type Plan struct {
	// Intents are those that it fulfils.
	Intents []store.Intent
	Adds    []*mls.KeyPackage
	Removes []rpc.Identity
	// Leaves are the words of those who are removed because they leave.
	Leaves  []message.Leave
	Profile message.GroupProfile
	// Update: fresh keys, also if nothing else is to be done.
	Update bool
}

// Empty reports whether there is nothing to commit.
func (p *Plan) Empty() bool { return len(p.Intents) == 0 && !p.Update }

// Make collects what self is to commit now on the head. Intents that have come
// true, or cannot any more, are erased; wait is until others are due, 0 if none is.
func Make(tx *store.Tx, group []byte, t *cards.Tree, self rpc.Identity, now time.Time) (p *Plan, wait time.Duration, err error) {
	intents, err := tx.Intents(group)
	if err != nil {
		return nil, 0, err
	}
	p = &Plan{Profile: t.Top().Roster.Profile()}
	p.Profile.Admins = slices.Clone(p.Profile.Admins)
	missing := false // a key package
	for _, i := range intents {
		keep, err := p.one(tx, t, self, &i, now)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case !keep:
			err = tx.DeleteIntent(i.ID)
		case LacksPackage(i):
			missing = missing || store.Age(now, i.Created) < gather
		case i.Kind == Leave:
			wait = max(wait, turnOf(t, self, i, now))
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if missing && len(p.Adds) > 0 {
		wait = max(wait, gather/4) // look again: a key package that comes wakes us too
	}
	return p, wait, nil
}

// LacksPackage reports whether an intent is an invitation of somebody that has no key
// package yet.
func LacksPackage(i store.Intent) bool {
	return i.Kind == Add && len(i.Package) == 0 && i.Epoch == (message.EpochName{})
}

// turnOf is how long we leave the Remove of somebody who leaves to those before us,
// with a little chance in it.
func turnOf(t *cards.Tree, self rpc.Identity, i store.Intent, now time.Time) time.Duration {
	rank := slices.Index(t.Top().Roster.Members(), self)
	if left := time.Duration(rank)*turn - store.Age(now, i.Created); left > 0 {
		return left + rand.N(turn/2)
	}
	return 0
}

// one adds an intent to a plan unless it has come true; keep is false if it is
// of no use any more.
func (p *Plan) one(tx *store.Tx, t *cards.Tree, self rpc.Identity, i *store.Intent, now time.Time) (keep bool, err error) {
	r := t.Top().Roster
	committed := i.Epoch != message.EpochName{}
	if committed && !t.OnPath(i.Epoch) { // lost with its branch
		if i.Kind == Remove && !r.Senior(self, i.Subject) {
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
		waits := i.Kind == Add && i.Welcome && r.Has(i.Subject)
		at, _ := t.Index(i.Epoch)
		return waits || !t.Settled(at), nil
	}
	if i.Kind != Update && i.Kind != Leave && !r.IsAdmin(self) {
		return false, nil
	}
	switch i.Kind {
	case Unfit:
		return !r.Has(i.Subject) && now.Sub(i.Created) < UnfitShown, nil
	case Add:
		return p.addMember(r, i)
	case Remove:
		return p.removeMember(r, i, nil), nil
	case Leave:
		l, err := ParseLeave(i)
		if err != nil || !t.Asked(t.Head, l) || i.Subject == self {
			return i.Subject == self && r.Has(self), nil
		}
		return p.removeMember(r, i, &l), nil
	}
	return p.changeProfile(self, r, i), nil
}

func (p *Plan) addMember(r *cards.Roster, i *store.Intent) (keep bool, err error) {
	if r.Has(i.Subject) {
		return false, nil
	}
	if len(i.Package) == 0 || r.Size()+len(p.Adds) >= message.MaxMembers {
		return true, nil
	}
	kp, err := mls.ParseKeyPackage(i.Package)
	if err != nil {
		return true, fmt.Errorf("key package of intent: %w", store.ErrDamaged)
	}
	p.Adds = append(p.Adds, kp)
	p.Intents = append(p.Intents, *i)
	return true, nil
}

func (p *Plan) removeMember(r *cards.Roster, i *store.Intent, l *message.Leave) (keep bool) {
	if !r.Has(i.Subject) {
		return false
	}
	if !slices.Contains(p.Removes, i.Subject) {
		p.Removes = append(p.Removes, i.Subject)
		p.Profile.Admins = without(p.Profile.Admins, i.Subject)
	}
	if l != nil {
		p.Leaves = append(p.Leaves, *l)
	}
	p.Intents = append(p.Intents, *i)
	return true
}

func without(list []rpc.Identity, id rpc.Identity) []rpc.Identity {
	return slices.DeleteFunc(list, func(x rpc.Identity) bool { return x == id })
}

func (p *Plan) changeProfile(self rpc.Identity, r *cards.Roster, i *store.Intent) (keep bool) {
	switch i.Kind {
	case Rename:
		if p.Profile.Name == string(i.Value) {
			return false
		}
		p.Profile.Name = string(i.Value)
	case Promote:
		if slices.Contains(p.Profile.Admins, i.Subject) || !r.Has(i.Subject) || slices.Contains(p.Removes, i.Subject) ||
			len(p.Profile.Admins) >= message.MaxAdmins {
			return false
		}
		p.Profile.Admins = append(p.Profile.Admins, i.Subject)
	case Demote:
		if !slices.Contains(p.Profile.Admins, i.Subject) || !r.Senior(self, i.Subject) {
			return false // who was junior to us may be senior by now
		}
		p.Profile.Admins = without(p.Profile.Admins, i.Subject)
	case Update:
		p.Update = true
	}
	p.Intents = append(p.Intents, *i)
	return true
}

// Changes reports whether the profile is another one than that of a roster.
func (p *Plan) Changes(r *cards.Roster) bool {
	return !r.Agrees(&p.Profile)
}

// ParseLeave reads the word of somebody who leaves from an intent.
func ParseLeave(i *store.Intent) (l message.Leave, err error) {
	l.Who = i.Subject
	if len(i.Value) != len(l.Epoch)+len(l.Signature) {
		return l, fmt.Errorf("leave: %w", store.ErrDamaged)
	}
	copy(l.Epoch[:], i.Value)
	copy(l.Signature[:], i.Value[len(l.Epoch):])
	return l, nil
}

// LeaveValue is the Value of an intent with the word of somebody who leaves.
func LeaveValue(l message.Leave) []byte { return bytes.Join([][]byte{l.Epoch[:], l.Signature[:]}, nil) }
