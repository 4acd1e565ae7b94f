package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/localapi"
)

// simGroup is what the oracle knows of a group: what was wished, and what was said.
type simGroup struct {
	s       *simulation
	name    string
	creator *machine
	first   []string // who is invited at first

	mu     sync.Mutex
	id     string // as the creator was told; empty before
	wishes []wish
	said   []*groupSaying
}

// wish is a change of who is in that somebody asked for.
type wish struct {
	at    time.Time
	by    *machine
	about *machine
	in    bool // or out
	maybe bool // it failed, or nothing was said
}

// groupSaying is a text to a group.
type groupSaying struct {
	saying
	at time.Time
	// audience are the members, by name, as the author saw them just before and just
	// after; nil if the two differ.
	audience []string
}

var (
	errNoGroup = errors.New("there is no such group yet")
	// errStranger is why a user does not invite somebody: whoever knows another from a
	// group alone does not follow its Welcome to another one.
	errStranger = errors.New("they have not met")
)

// act does what a user does in a group. The creator makes it first, again if that
// failed.
func (g *simGroup) act(ctx context.Context, m *machine, s step) error {
	g.mu.Lock()
	id := g.id
	g.mu.Unlock()
	switch {
	case id == "" && m == g.creator:
		return g.create(ctx, m)
	case id == "":
		return errNoGroup
	case s.verb == doSay:
		return g.say(ctx, m, id, s.text)
	}
	change := localapi.GroupChange{Group: id, Action: localapi.GroupAction(s.verb), Name: s.text}
	about := m
	if s.peer != "" {
		about = g.s.machines[s.peer]
		if s.verb == doInvite && !g.s.oracle.know(m, about) {
			return errStranger
		}
		change.Contacts = []string{about.node.id}
	}
	_, err := m.node.ChangeGroup(ctx, change)
	switch s.verb {
	case doInvite, doRemove, doLeave:
		g.wish(wish{by: m, about: about, in: s.verb == doInvite, maybe: err != nil})
	}
	return err
}

func (g *simGroup) wish(w wish) {
	w.at = time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wishes = append(g.wishes, w)
}

func (g *simGroup) create(ctx context.Context, m *machine) error {
	var ids, invited []string
	for _, name := range g.first {
		if other := g.s.machines[name]; g.s.oracle.know(m, other) {
			ids, invited = append(ids, other.node.id), append(invited, name)
		}
	}
	if len(ids) == 0 {
		return errStranger
	}
	made, err := m.node.CreateGroup(ctx, g.name, ids)
	if err != nil {
		return err
	}
	for _, name := range append(invited, m.name) {
		g.wish(wish{by: m, about: g.s.machines[name], in: true})
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id = made.ID
	return nil
}

// members are the names of the members of a group, as a node sees them.
func (g *simGroup) members(ctx context.Context, m *machine, id string) (names []string) {
	info, err := m.node.Group(ctx, id)
	if err != nil {
		return nil
	}
	for _, member := range info.Members {
		names = append(names, g.s.nameOf(member.Identity))
	}
	slices.Sort(names)
	return names
}

func (g *simGroup) say(ctx context.Context, m *machine, id, text string) error {
	said := &groupSaying{saying: saying{from: m, text: text, maybe: true}, at: time.Now(), audience: g.members(ctx, m, id)}
	g.mu.Lock()
	g.said = append(g.said, said)
	g.mu.Unlock()
	d, err := m.node.Send(ctx, id, text)
	g.s.oracle.saidSo(&said.saying, d, err)
	if !slices.Equal(said.audience, g.members(ctx, m, id)) {
		said.audience = nil
	}
	return err
}

// open says what is not yet as it must become: all who are in see one group, whose
// members they are, and what they wrote is delivered.
func (g *simGroup) open() (open []string) {
	if g.id == "" {
		return nil
	}
	views := make(map[string][]string)
	var in, members []string
	for _, m := range g.s.nodes {
		info, err := m.node.Group(context.Background(), g.id)
		if err != nil || info.Status != "in" {
			if g.invited(m) {
				open = append(open, fmt.Sprintf("%s: %s was invited and is not in", g.name, m.name))
			}
			continue
		}
		in = append(in, m.name)
		members = g.members(context.Background(), m, g.id)
		view := fmt.Sprintf("epoch %d, %.8s, %q, members %v, admins", info.Epoch, info.Authenticator, info.Name, members)
		for _, a := range info.Admins {
			view += " " + g.s.nameOf(a)
		}
		views[view] = append(views[view], m.name)
		all, err := g.s.oracle.history(m, g.id)
		for _, msg := range all {
			if msg.State != localapi.Received && !msg.State.Reaches(localapi.Delivered) {
				open = append(open, fmt.Sprintf("%s: %s: %s is %s", g.name, m.name, msg.Text, msg.State))
			}
		}
		if err != nil {
			open = append(open, err.Error())
		}
	}
	slices.Sort(in)
	if len(views) > 1 || !slices.Equal(in, members) {
		open = append(open, fmt.Sprintf("%s: in it are %v, who see %v", g.name, in, views))
	}
	return open
}

// check checks who is in, and what each user sees.
func (g *simGroup) check() {
	if g.id == "" {
		return
	}
	for _, m := range g.s.nodes {
		g.checkMember(m)
		shown, err := g.s.oracle.history(m, g.id)
		if err != nil {
			g.s.found("%s: %s: history: %v", g.name, m.name, err)
		}
		g.checkShown(m, texts(shown))
	}
	g.checkOrder()
}

// isIn reports whether somebody takes itself for a member. Who was invited on a branch
// that lost does not, and sends nothing again.
func (g *simGroup) isIn(m *machine) bool {
	info, err := m.node.Group(context.Background(), g.id)
	return err == nil && info.Status == "in"
}

// stays reports whether nobody ever asked that somebody goes.
func (g *simGroup) stays(m *machine) bool {
	return !slices.ContainsFunc(g.wishes, func(w wish) bool { return w.about == m && !w.in })
}

// checkMember compares who is in with what was wished, where that is plain.
func (g *simGroup) checkMember(m *machine) {
	status := "out"
	if info, err := m.node.Group(context.Background(), g.id); err == nil {
		status = info.Status
	}
	for i, w := range g.wishes {
		if w.about != m || w.maybe {
			continue
		}
		later := slices.ContainsFunc(g.wishes[i+1:], func(l wish) bool { return l.about == m && l.in != w.in })
		if !w.in && w.by == g.creator && g.stays(g.creator) && !later && status == "in" {
			g.s.found("%s: %s was removed and is in", g.name, m.name)
		}
	}
}

// invited reports whether somebody has to get in, be it late: the creator invited it,
// and both stay.
func (g *simGroup) invited(m *machine) bool {
	return g.stays(g.creator) && g.stays(m) && slices.ContainsFunc(g.wishes, func(w wish) bool {
		return w.in && w.about == m && w.by == g.creator && !w.maybe
	})
}

// checkShown checks what one user sees of the group.
func (g *simGroup) checkShown(m *machine, shown []string) {
	order := make(map[*machine][]string) // of texts that are shown, by author
	for _, said := range g.said {
		n := 0
		for _, text := range shown {
			if text == said.text {
				n++
			}
		}
		heard := slices.Contains(said.audience, m.name)
		must := !said.maybe && heard && g.stays(m) && g.stays(said.from) && g.isIn(said.from)
		if n > 1 || must && n == 0 {
			g.s.found("%s: %s shows %s of %s %d times; it was for %v", g.name, m.name, said.text, said.from.name, n, said.audience)
		}
		if n > 0 && said.audience != nil && !heard && g.gone(m, said.at) {
			g.s.found("%s: %s is out and reads %s of %s", g.name, m.name, said.text, said.from.name)
		}
		if n > 0 {
			order[said.from] = append(order[said.from], said.text)
		}
	}
	for author, want := range order {
		got := slices.DeleteFunc(slices.Clone(shown), func(text string) bool { return !slices.Contains(want, text) })
		if !slices.Equal(got, want) {
			g.s.found("%s: %s shows %v of %s, want %v", g.name, m.name, got, author.name, want)
		}
	}
	all := 0
	for _, texts := range order {
		all += len(texts)
	}
	if all < len(shown) {
		g.s.found("%s: %s shows what nobody said: %v", g.name, m.name, shown)
	}
}

// gone reports whether somebody was told to be out before a time, and was never
// asked in after.
func (g *simGroup) gone(m *machine, at time.Time) bool {
	out := false
	for _, w := range g.wishes {
		switch {
		case w.about != m:
		case w.in:
			out = false
		case w.at.Before(at) && !w.maybe:
			out = true
		}
	}
	return out
}

// checkOrder compares the order of what each two show.
func (g *simGroup) checkOrder() {
	var all [][]string
	for _, m := range g.s.nodes {
		shown, _ := g.s.oracle.history(m, g.id)
		all = append(all, texts(shown))
	}
	common := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(text string) bool { return !slices.Contains(b, text) })
	}
	for i, a := range all {
		for j, b := range all[:i] {
			if one, other := common(a, b), common(b, a); !slices.Equal(one, other) {
				g.s.found("%s: %s shows %v, %s %v", g.name, g.s.nodes[i].name, one, g.s.nodes[j].name, other)
			}
		}
	}
}
