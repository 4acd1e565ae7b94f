package group

import (
	"errors"
	"fmt"
	"slices"

	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
)

// errPolicy means a commit card that its committer had no right to.
var errPolicy = errors.New("commit card against the rules of the group")

// roster is who is in an epoch, and what they agree on. It never changes.
type roster struct {
	// leaves are the members by leaf index, the zero identity for a blank leaf.
	leaves  []rpc.Identity
	profile message.GroupProfile
	// ranks is the seniority: admins as listed, then by leaf.
	ranks map[rpc.Identity]int
}

func newRoster(leaves []rpc.Identity, profile message.GroupProfile) *roster {
	r := &roster{leaves: leaves, profile: profile, ranks: make(map[rpc.Identity]int, len(leaves))}
	for i, id := range leaves {
		if id != (rpc.Identity{}) {
			r.ranks[id] = len(profile.Admins) + i
		}
	}
	for i, id := range profile.Admins {
		if r.has(id) {
			r.ranks[id] = i
		}
	}
	return r
}

func (r *roster) has(id rpc.Identity) bool { _, ok := r.ranks[id]; return ok }

// rank is the place of a member in the seniority, 0 for the most senior.
func (r *roster) rank(id rpc.Identity) (rank int, ok bool) {
	rank, ok = r.ranks[id]
	return rank, ok
}

func (r *roster) isAdmin(id rpc.Identity) bool {
	return r.has(id) && slices.Contains(r.profile.Admins, id)
}

// members returns all, the most senior first.
func (r *roster) members() []rpc.Identity {
	all := make([]rpc.Identity, 0, len(r.ranks))
	for id := range r.ranks {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b rpc.Identity) int { return r.ranks[a] - r.ranks[b] })
	return all
}

// others returns all but one, the most senior first.
func (r *roster) others(self rpc.Identity) []rpc.Identity {
	return slices.DeleteFunc(r.members(), func(id rpc.Identity) bool { return id == self })
}

// after returns who is in the epoch that a card leads to, or errPolicy. It is
// judged by the card and the epochs above it alone, so that all come to the same
// whether they can open the commit or not. asked reports whether a leave of one of
// the members counts.
func (r *roster) after(c *message.CommitCard, asked func(message.Leave) bool) (*roster, error) {
	if !r.has(c.Committer) {
		return nil, fmt.Errorf("%w: by somebody who is not in the group", errPolicy)
	}
	if c.External {
		return r.rejoined(c)
	}
	if err := r.mayRemove(c, asked); err != nil {
		return nil, err
	}
	for _, id := range c.Added {
		if r.has(id) || !r.isAdmin(c.Committer) {
			return nil, fmt.Errorf("%w: Add", errPolicy)
		}
	}
	if len(r.ranks)+len(c.Added)-len(c.Removed) > message.MaxMembers {
		return nil, fmt.Errorf("%w: too many members", errPolicy)
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
	return newRoster(leaves, profile), nil
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
func (r *roster) rejoined(c *message.CommitCard) (*roster, error) {
	if len(c.Added)+len(c.Removed)+len(c.Leaves) > 0 || c.Profile != nil {
		return nil, fmt.Errorf("%w: external commit that does more than bring a leaf back", errPolicy)
	}
	leaves := slices.Clone(r.leaves)
	leaves[slices.Index(leaves, c.Committer)] = rpc.Identity{}
	leaves = seat(leaves, c.Committer)
	if slices.Equal(leaves, r.leaves) {
		return r, nil
	}
	return newRoster(leaves, r.profile), nil
}

// mayRemove: admins remove anybody but themselves, and everybody may remove those
// who asked for it.
func (r *roster) mayRemove(c *message.CommitCard, asked func(message.Leave) bool) error {
	leaving := make(map[rpc.Identity]bool)
	for _, l := range c.Leaves {
		leaving[l.Who] = asked(l)
	}
	for _, id := range c.Removed {
		if !r.has(id) || id == c.Committer || !r.isAdmin(c.Committer) && !leaving[id] {
			return fmt.Errorf("%w: Remove", errPolicy)
		}
	}
	return nil
}

// profileAfter: who is removed is no admin any more; admins set the name, and the
// list of admins below their own place.
func (r *roster) profileAfter(c *message.CommitCard, leaves []rpc.Identity) (message.GroupProfile, error) {
	profile := message.GroupProfile{Name: r.profile.Name}
	for _, id := range r.profile.Admins {
		if !slices.Contains(c.Removed, id) {
			profile.Admins = append(profile.Admins, id)
		}
	}
	if c.Profile == nil {
		if len(profile.Admins) != len(r.profile.Admins) {
			return profile, fmt.Errorf("%w: an admin is removed, but not from the list", errPolicy)
		}
		return profile, nil
	}
	keep := slices.Index(profile.Admins, c.Committer) + 1
	if keep == 0 { // no admin: only what follows from who left
		keep = len(profile.Admins)
		if c.Profile.Name != profile.Name || len(c.Profile.Admins) != keep {
			return profile, fmt.Errorf("%w: profile set by somebody who is no admin", errPolicy)
		}
	}
	if len(c.Profile.Admins) < keep || !slices.Equal(c.Profile.Admins[:keep], profile.Admins[:keep]) {
		return profile, fmt.Errorf("%w: list of admins changed above one's own place", errPolicy)
	}
	for _, id := range c.Profile.Admins {
		if !slices.Contains(leaves, id) {
			return profile, fmt.Errorf("%w: admin who is not in the group", errPolicy)
		}
	}
	return *c.Profile, nil
}
