package localapi

import (
	"context"
	"net/http"
	"net/url"
)

// Groups are the conversations of any number. One is asked for by id, by exact
// name, or by a unique prefix of either, and its people as in Contacts; unknown and
// ambiguous ones are exit 4.
type Groups interface {
	// CreateGroup makes a group and invites people. It waits for no network.
	CreateGroup(ctx context.Context, name string, invite []string) (Group, error)
	// Groups lists all of them, oldest first.
	Groups(ctx context.Context) ([]Group, error)
	// Group says what one is now.
	Group(ctx context.Context, group string) (GroupInfo, error)
	// ChangeGroup keeps what is to be changed; it waits for no network.
	ChangeGroup(ctx context.Context, change GroupChange) (Group, error)
}

// Group is a conversation of any number.
type Group struct {
	// ID is 32 hex digits, the same for all members.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Status is in, left or removed.
	Status  string `json:"status"`
	Members int    `json:"members"`
	// Archived: it is put away until something is said in it.
	Archived bool `json:"archived,omitempty"`
}

// GroupInfo is what a group is now. Its lists are never null in JSON.
type GroupInfo struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	// Epoch and Authenticator, 64 or more hex digits, are the same for all who are
	// where this node is; Authenticator is empty some time after the user was removed.
	// Suite is the cipher suite of MLS, by its name, and PostQuantum says whether it
	// is one.
	Epoch         uint64 `json:"epoch"`
	Authenticator string `json:"authenticator"`
	Suite         string `json:"suite"`
	PostQuantum   bool   `json:"post_quantum"`
	// Members and Admins are in the order of seniority.
	Members []GroupMember `json:"members"`
	Admins  []string      `json:"admins"`
	// Invited are those who have not shown up yet.
	Invited []GroupInvited `json:"invited"`
	// RemovedBy is the identity of who removed this node's user, or empty.
	RemovedBy string `json:"removedBy"`
	// SilentSince is since when no admin was heard of, once that is 30 days ago: nobody
	// can invite or remove until one comes back. The others may begin a new group.
	SilentSince *Time `json:"silentSince,omitempty"`
	// Equivocators are who told the others two different things at once.
	Equivocators []string `json:"equivocators,omitempty"`
}

// GroupMember is a member of a group; Role is admin or member.
type GroupMember struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

// GroupInvited is somebody who was invited, when, and what is waited for.
type GroupInvited struct {
	Identity string `json:"identity"`
	Name     string `json:"name"`
	Since    Time   `json:"since"`
	Waits    string `json:"waits"`
}

// GroupAction is what a GroupChange does.
type GroupAction string

// The actions. Invite, Remove, Promote and Demote are about Contacts, Rename is
// about Name.
const (
	GroupInvite  GroupAction = "invite"
	GroupRemove  GroupAction = "remove"
	GroupPromote GroupAction = "promote"
	GroupDemote  GroupAction = "demote"
	GroupRename  GroupAction = "rename"
	GroupUpdate  GroupAction = "update"
	GroupLeave   GroupAction = "leave"
)

// GroupChange is a change of a group.
type GroupChange struct {
	Group    string      `json:"group"`
	Action   GroupAction `json:"action"`
	Contacts []string    `json:"contacts,omitempty"`
	Name     string      `json:"name,omitempty"`
}

// createRequest is the body of a request for a new group.
type createRequest struct {
	Name     string   `json:"name"`
	Contacts []string `json:"contacts"`
}

// maxInvited is how many people one request names at most.
const maxInvited = 100

func (s *Server) groupTable() []route {
	return []route{
		list(s, "/v1/groups", "All groups, oldest first.", s.cfg.Groups.Groups),
		post(s, "/v1/groups", "Make a group and invite people.", func(ctx context.Context, r createRequest) (Group, error) {
			return s.cfg.Groups.CreateGroup(ctx, r.Name, r.Contacts)
		}),
		find(s, "/v1/group", "What a group is now.", "group", func(ctx context.Context, group string) (GroupInfo, error) {
			info, err := s.cfg.Groups.Group(ctx, group)
			info.Members, info.Admins, info.Invited = present(info.Members), present(info.Admins), present(info.Invited)
			return info, err
		}),
		post(s, "/v1/group", "Change a group.", s.cfg.Groups.ChangeGroup),
	}
}

func (r createRequest) check() error {
	if err := checkArgument("the name of the group", r.Name, maxName); err != nil {
		return err
	}
	return checkPeople(r.Contacts)
}

func (r GroupChange) check() error {
	if err := checkArgument("the group", r.Group, maxContact); err != nil {
		return err
	}
	switch r.Action {
	case GroupInvite, GroupRemove, GroupPromote, GroupDemote:
		if len(r.Contacts) == 0 {
			return usage("the contact is missing", "")
		}
	case GroupRename:
		if err := checkArgument("the name of the group", r.Name, maxName); err != nil {
			return err
		}
	case GroupUpdate, GroupLeave:
	default:
		return usage("a group has no action "+string(r.Action), "is the daemon older than this program?")
	}
	return checkPeople(r.Contacts)
}

func checkPeople(contacts []string) error {
	if len(contacts) > maxInvited {
		return usage("too many people at once", "name them in several commands")
	}
	for _, c := range contacts {
		if err := checkArgument("the contact", c, maxContact); err != nil {
			return err
		}
	}
	return nil
}

// CreateGroup makes a group and invites people.
func (c *Client) CreateGroup(ctx context.Context, name string, invite []string) (v Group, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/groups", createRequest{name, invite}, &v)
}

// Groups lists the groups that the node knows.
func (c *Client) Groups(ctx context.Context) (v []Group, err error) {
	return v, c.call(ctx, http.MethodGet, "/v1/groups", nil, &v)
}

// Group says what a group is now, found by id, exact name or unique prefix of
// either.
func (c *Client) Group(ctx context.Context, group string) (v GroupInfo, err error) {
	q := url.Values{"group": {group}}
	return v, c.call(ctx, http.MethodGet, "/v1/group?"+q.Encode(), nil, &v)
}

// ChangeGroup changes a group.
func (c *Client) ChangeGroup(ctx context.Context, change GroupChange) (v Group, err error) {
	return v, c.call(ctx, http.MethodPost, "/v1/group", change, &v)
}
