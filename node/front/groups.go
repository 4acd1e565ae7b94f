package front

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/front/names"
	"quicnprotochat/node/group"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// CreateGroup implements localapi.Groups.
func (f *Front) CreateGroup(ctx context.Context, name string, invite []string) (localapi.Group, error) {
	ids, err := f.people(ctx, invite)
	if err != nil {
		return localapi.Group{}, err
	}
	c, err := f.cfg.Groups.Create(ctx, name, ids)
	if err != nil {
		return localapi.Group{}, groupError(name, err)
	}
	return f.showGroup(ctx, c)
}

// people finds contacts.
func (f *Front) people(ctx context.Context, who []string) (ids []rpc.Identity, err error) {
	for _, w := range who {
		c, err := f.find(ctx, w)
		if err != nil {
			return nil, err
		}
		ids = append(ids, c.Identity)
	}
	return ids, nil
}

// members finds whom a change is about. Who is in a group need not be a contact, and is
// called by identity then.
func (f *Front) members(ctx context.Context, change localapi.GroupChange) (ids []rpc.Identity, err error) {
	for _, who := range change.Contacts {
		found, err := f.people(ctx, []string{who})
		if key, keyErr := transport.ParseKey(who); err != nil && keyErr == nil && change.Action != localapi.GroupInvite {
			found, err = []rpc.Identity{rpc.Identity(key)}, nil
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	return ids, nil
}

// Groups implements localapi.Groups.
func (f *Front) Groups(ctx context.Context) ([]localapi.Group, error) {
	all, err := f.cfg.Groups.List(ctx)
	if err != nil {
		return nil, err
	}
	shown := []localapi.Group{}
	for _, c := range all {
		g, err := f.showGroup(ctx, c)
		if err != nil {
			return nil, err
		}
		shown = append(shown, g)
	}
	return shown, nil
}

func (f *Front) showGroup(ctx context.Context, c store.Conversation) (localapi.Group, error) {
	shape, err := f.cfg.Groups.Shape(ctx, c.ID)
	return localapi.Group{
		ID: hex.EncodeToString(c.ID[:]), Name: c.Name, Status: status(c), Members: len(shape.Members), Archived: c.Archived,
	}, err
}

func status(c store.Conversation) string {
	if c.Status == group.StatusIn {
		return "in"
	}
	return c.Status
}

// Group implements localapi.Groups.
func (f *Front) Group(ctx context.Context, who string) (info localapi.GroupInfo, err error) {
	c, err := f.findGroup(ctx, who)
	if err != nil {
		return info, err
	}
	s, err := f.cfg.Groups.Shape(ctx, c.ID)
	if err != nil {
		return info, groupError(who, err)
	}
	info = localapi.GroupInfo{
		ID: hex.EncodeToString(c.ID[:]), Name: c.Name, Status: status(c),
		Epoch: s.Epoch, Authenticator: hex.EncodeToString(s.Authenticator), Suite: s.Suite.String(), PostQuantum: s.Suite == keys.Suite,
	}
	if s.RemovedBy != (rpc.Identity{}) {
		info.RemovedBy = text(s.RemovedBy)
	}
	if !s.Silent.IsZero() {
		info.SilentSince = &localapi.Time{Time: s.Silent}
	}
	for _, id := range s.Equivocators {
		info.Equivocators = append(info.Equivocators, text(id))
	}
	err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		for _, m := range s.Members {
			role := "member"
			if m.Admin {
				role = "admin"
				info.Admins = append(info.Admins, text(m.Identity))
			}
			info.Members = append(info.Members, localapi.GroupMember{Identity: text(m.Identity), Name: f.nameOf(tx, m.Identity), Role: role})
		}
		for _, i := range s.Invited {
			info.Invited = append(info.Invited, localapi.GroupInvited{
				Identity: text(i.Identity), Name: f.nameOf(tx, i.Identity), Since: localapi.Time{Time: i.Since}, Waits: i.Waits,
			})
		}
		return nil
	})
	return info, err
}

// nameOf is what somebody is called here; its identity if it is no contact.
func (f *Front) nameOf(tx *store.Tx, id rpc.Identity) string {
	if id == f.self {
		return f.cfg.Profile.Name()
	}
	if c, err := tx.Contact(id); err == nil {
		return c.Name
	}
	return text(id)
}

// ChangeGroup implements localapi.Groups.
func (f *Front) ChangeGroup(ctx context.Context, change localapi.GroupChange) (localapi.Group, error) {
	c, err := f.findGroup(ctx, change.Group)
	if err != nil {
		return localapi.Group{}, err
	}
	ids, err := f.members(ctx, change)
	if err != nil {
		return localapi.Group{}, err
	}
	each := func(do func(context.Context, [16]byte, rpc.Identity) error) error {
		for _, id := range ids {
			if err := do(ctx, c.ID, id); err != nil {
				return err
			}
		}
		return nil
	}
	groups := f.cfg.Groups
	switch change.Action {
	case localapi.GroupInvite:
		err = groups.Invite(ctx, c.ID, ids)
	case localapi.GroupRemove:
		err = each(groups.Remove)
	case localapi.GroupPromote:
		err = each(groups.Promote)
	case localapi.GroupDemote:
		err = each(groups.Demote)
	case localapi.GroupRename:
		err = groups.Rename(ctx, c.ID, change.Name)
	case localapi.GroupUpdate:
		err = groups.Update(ctx, c.ID)
	case localapi.GroupLeave:
		err = groups.Leave(ctx, c.ID)
	}
	if err == nil { // it may have another status now
		err = f.cfg.Store.View(ctx, func(tx *store.Tx) error {
			c, err = tx.Conversation(c.ID)
			return err
		})
	}
	if err != nil {
		return localapi.Group{}, groupError(c.Name, err)
	}
	return f.showGroup(ctx, c)
}

// groupError puts what a group refuses into words.
func groupError(name string, err error) error {
	if err == nil {
		return nil
	}
	e := &localapi.Error{Exit: localapi.ExitUsage}
	switch {
	case errors.Is(err, group.ErrName):
		e.Message = err.Error()
	case errors.Is(err, group.ErrNotAdmin):
		e.Message = fmt.Sprintf("only an admin of %s may do this, and only to those below its own place", name)
		e.Hint = "qpc group info lists the admins in their order: ask one of them"
	case errors.Is(err, group.ErrNotIn):
		e.Message = "this node is not in the group " + name + " any more"
		e.Hint = "an admin of the group can invite you again"
	case errors.Is(err, group.ErrMember):
		e.Message, e.Hint = err.Error(), "qpc group info lists the members"
	case errors.Is(err, group.ErrSuite):
		e.Message = err.Error()
		e.Hint = "a group keeps its suite: start a new group with them (qpc group create); once their program has it, invite them again"
		e.Exit = localapi.ExitOther
	case errors.Is(err, group.ErrFull):
		e.Message = err.Error()
	case errors.Is(err, group.ErrUnknown):
		return unknownGroup(name)
	case errors.Is(err, convo.ErrUnknownContact):
		e.Message, e.Exit = err.Error(), localapi.ExitContact
	default:
		return err
	}
	return e
}

func unknownGroup(who string) error {
	return &localapi.Error{
		Message: fmt.Sprintf("no group is called %q", who),
		Hint:    "qpc group list lists them; qpc group create makes one",
		Exit:    localapi.ExitContact,
	}
}

// findGroup returns the group of an id, an exact name, or a unique prefix of
// either.
func (f *Front) findGroup(ctx context.Context, who string) (store.Conversation, error) {
	found, err := f.matchGroups(ctx, who)
	switch {
	case err != nil:
		return store.Conversation{}, err
	case len(found) == 0:
		return store.Conversation{}, unknownGroup(who)
	case len(found) > 1:
		return store.Conversation{}, ambiguous(who, targets(found, crowd))
	}
	return found[0], nil
}

// matchGroups returns the groups that who can mean.
func (f *Front) matchGroups(ctx context.Context, who string) ([]store.Conversation, error) {
	all, err := f.cfg.Groups.List(ctx)
	id := func(c store.Conversation) string { return hex.EncodeToString(c.ID[:]) }
	if i := slices.IndexFunc(all, func(c store.Conversation) bool { return id(c) == who }); i >= 0 {
		return all[i : i+1], err
	}
	begins := func(c store.Conversation) bool { return strings.HasPrefix(id(c), who) }
	return present(names.Match(all, who, func(c store.Conversation) string { return c.Name }, begins)), err
}

// present returns those of several groups that we are in, if there are any: one that we
// have left does not stand in the way of another one of that name.
func present(found []store.Conversation) []store.Conversation {
	var in []store.Conversation
	for _, c := range found {
		if c.Status == group.StatusIn {
			in = append(in, c)
		}
	}
	if len(in) > 0 {
		return in
	}
	return found
}

// target is whom a message goes to: a contact, or a group.
type target struct {
	conversation [16]byte
	contact      store.Contact
	group        bool
	name         string
}

// id is the identity of the person, or the id of the group.
func (t target) id() string {
	if t.group {
		return hex.EncodeToString(t.conversation[:])
	}
	return text(t.contact.Identity)
}

// aim finds the contact or the group that a word means. Where there are groups that it
// can mean, find is not asked for people whom we do not know.
func (f *Front) aim(ctx context.Context, who string, find func(context.Context, string) (store.Contact, error)) (t target, err error) {
	groups, err := f.matchGroups(ctx, who)
	if err != nil {
		return t, err
	}
	if len(groups) == 0 {
		c, err := find(ctx, who)
		if e := localapi.AsError(err); err != nil && e.Hint == unknownHint && e.Exit == localapi.ExitContact {
			err = &localapi.Error{
				Message: fmt.Sprintf("no contact and no group is called %q", who),
				Hint:    "qpc list lists them; qpc contact add LINK adds a person", Exit: e.Exit,
			}
		}
		return f.person(c), err
	}
	all, err := f.contacts(ctx)
	if err != nil {
		return t, err
	}
	can := append(targets(groups, crowd), targets(f.among(all, who), f.person)...)
	// No name stands for what is an id: people choose their own.
	if i := slices.IndexFunc(can, func(t target) bool { return t.id() == who }); i >= 0 {
		return can[i], nil
	}
	can = names.Match(can, who, func(t target) string { return t.name }, func(t target) bool { return strings.HasPrefix(t.id(), who) })
	if len(can) == 1 {
		return can[0], nil
	}
	return t, ambiguous(who, can)
}

func (f *Front) person(c store.Contact) target {
	return target{conversation: pair.ID(f.self, c.Identity), contact: c, name: c.Name}
}

func crowd(g store.Conversation) target {
	return target{conversation: g.ID, group: true, name: g.Name}
}

func targets[T any](all []T, of func(T) target) (list []target) {
	for _, v := range all {
		list = append(list, of(v))
	}
	return list
}

// ambiguous says what a word can mean.
func ambiguous(who string, can []target) error {
	var which []string
	for _, t := range can[:min(len(can), 10)] {
		kind := ""
		if t.group {
			kind = "the group "
		}
		which = append(which, fmt.Sprintf("%s%s (%s)", kind, t.name, t.id()))
	}
	return &localapi.Error{
		Message: fmt.Sprintf("%q could be several", who),
		Hint:    "say which: " + strings.Join(which, ", "),
		Exit:    localapi.ExitContact,
	}
}
