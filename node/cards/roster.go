package cards

import (
	"errors"
	"fmt"
	"slices"

	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// ErrPolicy means a commit card that its committer had no right to.
var ErrPolicy = errors.New("commit card against the rules of the group")

// Roster is who is in an epoch, and what they agree on. It never changes.
type Roster struct {
	leaves  []rpc.Identity
	profile message.GroupProfile
	// ranks is the seniority: admins as listed, then by leaf.
	ranks map[rpc.Identity]int
}

// NewRoster returns the roster of an epoch. It keeps leaves.
func NewRoster(leaves []rpc.Identity, profile message.GroupProfile) *Roster {
	r := &Roster{leaves: leaves, profile: profile, ranks: make(map[rpc.Identity]int, len(leaves))}
	for i, id := range leaves {
		if id != (rpc.Identity{}) {
			r.ranks[id] = len(profile.Admins) + i
		}
	}
	for i, id := range profile.Admins {
		if r.Has(id) {
			r.ranks[id] = i
		}
	}
	return r
}

// Leaves returns the members by leaf index, the zero identity for a blank leaf; the
// last one is none. It must not be changed.
func (r *Roster) Leaves() []rpc.Identity {
	all := r.leaves
	for len(all) > 0 && all[len(all)-1] == (rpc.Identity{}) {
		all = all[:len(all)-1]
	}
	return all
}

// Profile is what the members agree on. Its list must not be changed.
func (r *Roster) Profile() message.GroupProfile { return r.profile }

// Agrees reports whether a profile is that of the roster.
func (r *Roster) Agrees(p *message.GroupProfile) bool {
	return p.Name == r.profile.Name && slices.Equal(p.Admins, r.profile.Admins)
}

// Size is how many members there are.
func (r *Roster) Size() int { return len(r.ranks) }

// Senior reports whether a comes before b.
func (r *Roster) Senior(a, b rpc.Identity) bool {
	x, ok := r.ranks[a]
	y, there := r.ranks[b]
	return ok && (!there || x < y)
}

// Has reports whether somebody is a member.
func (r *Roster) Has(id rpc.Identity) bool { _, ok := r.ranks[id]; return ok }

// Rank is the place of a member in the seniority, 0 for the most senior.
func (r *Roster) Rank(id rpc.Identity) (rank int, ok bool) {
	rank, ok = r.ranks[id]
	return rank, ok
}

// IsAdmin reports whether somebody is an admin and a member.
func (r *Roster) IsAdmin(id rpc.Identity) bool {
	return r.Has(id) && slices.Contains(r.profile.Admins, id)
}

// Members returns all, the most senior first.
func (r *Roster) Members() []rpc.Identity {
	all := make([]rpc.Identity, 0, len(r.ranks))
	for id := range r.ranks {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b rpc.Identity) int { return r.ranks[a] - r.ranks[b] })
	return all
}

// Others returns all but one, the most senior first.
func (r *Roster) Others(self rpc.Identity) []rpc.Identity {
	return slices.DeleteFunc(r.Members(), func(id rpc.Identity) bool { return id == self })
}

// after returns who is in the epoch that a card leads to, or ErrPolicy. It is
// judged by the card and the epochs above it alone, so that all come to the same
// whether they can open the commit or not. asked reports whether a leave of one of
// the members counts.
func (r *Roster) after(c *message.CommitCard, asked func(message.Leave) bool) (*Roster, error) {
	if !r.Has(c.Committer) {
		return nil, fmt.Errorf("%w: by somebody who is not in the group", ErrPolicy)
	}
	if c.External {
		return r.rejoined(c)
	}
	if err := r.mayRemove(c, asked); err != nil {
		return nil, err
	}
	for _, id := range c.Added {
		if r.Has(id) || !r.IsAdmin(c.Committer) {
			return nil, fmt.Errorf("%w: Add", ErrPolicy)
		}
	}
	if len(r.ranks)+len(c.Added)-len(c.Removed) > message.MaxMembers {
		return nil, fmt.Errorf("%w: too many members", ErrPolicy)
	}
	leaves := slices.Clone(r.leaves)
	for i, id := range leaves {
		if slices.Contains(c.Removed, id) {
			leaves[i] = rpc.Identity{}
		}
	}
	for _, id := range c.Added {
		leaves = seat(leaves, id)
	}
	profile, err := r.profileAfter(c, leaves)
	if err != nil {
		return nil, err
	}
	if len(c.Added)+len(c.Removed) == 0 && c.Profile == nil {
		return r, nil
	}
	return NewRoster(leaves, profile), nil
}

// seat puts a member on the leftmost blank leaf (RFC 9420, §7.7).
func seat(leaves []rpc.Identity, id rpc.Identity) []rpc.Identity {
	if i := slices.Index(leaves, rpc.Identity{}); i >= 0 {
		leaves[i] = id
		return leaves
	}
	return append(leaves, id)
}

// rejoined is after of an external commit, with which a member brings its own leaf
// back and nothing else.
func (r *Roster) rejoined(c *message.CommitCard) (*Roster, error) {
	if len(c.Added)+len(c.Removed)+len(c.Leaves) > 0 || c.Profile != nil {
		return nil, fmt.Errorf("%w: external commit that does more than bring a leaf back", ErrPolicy)
	}
	leaves := slices.Clone(r.leaves)
	leaves[slices.Index(leaves, c.Committer)] = rpc.Identity{}
	leaves = seat(leaves, c.Committer)
	if slices.Equal(leaves, r.leaves) {
		return r, nil
	}
	return NewRoster(leaves, r.profile), nil
}

// mayRemove: admins remove anybody but themselves, and everybody may remove those
// who asked for it.
func (r *Roster) mayRemove(c *message.CommitCard, asked func(message.Leave) bool) error {
	leaving := make(map[rpc.Identity]bool)
	for _, l := range c.Leaves {
		leaving[l.Who] = asked(l)
	}
	for _, id := range c.Removed {
		if !r.Has(id) || id == c.Committer || !r.IsAdmin(c.Committer) && !leaving[id] {
			return fmt.Errorf("%w: Remove", ErrPolicy)
		}
	}
	return nil
}

// profileAfter: who is removed is no admin any more; admins set the name, and the
// list of admins below their own place.
func (r *Roster) profileAfter(c *message.CommitCard, leaves []rpc.Identity) (message.GroupProfile, error) {
	profile := message.GroupProfile{Name: r.profile.Name}
	for _, id := range r.profile.Admins {
		if !slices.Contains(c.Removed, id) {
			profile.Admins = append(profile.Admins, id)
		}
	}
	if c.Profile == nil {
		if len(profile.Admins) != len(r.profile.Admins) {
			return profile, fmt.Errorf("%w: an admin is removed, but not from the list", ErrPolicy)
		}
		return profile, nil
	}
	keep := slices.Index(profile.Admins, c.Committer) + 1
	if keep == 0 { // no admin: only what follows from who left
		keep = len(profile.Admins)
		if c.Profile.Name != profile.Name || len(c.Profile.Admins) != keep {
			return profile, fmt.Errorf("%w: profile set by somebody who is no admin", ErrPolicy)
		}
	}
	if len(c.Profile.Admins) < keep || !slices.Equal(c.Profile.Admins[:keep], profile.Admins[:keep]) {
		return profile, fmt.Errorf("%w: list of admins changed above one's own place", ErrPolicy)
	}
	for _, id := range c.Profile.Admins {
		if !slices.Contains(leaves, id) {
			return profile, fmt.Errorf("%w: admin who is not in the group", ErrPolicy)
		}
	}
	return *c.Profile, nil
}
