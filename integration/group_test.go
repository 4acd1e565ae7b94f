package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// group makes a group and waits until all who are invited are in it.
func (n *simNode) group(name string, invite ...*simNode) {
	n.w.t.Helper()
	var names []string
	for _, o := range invite {
		names = append(names, o.name)
	}
	if _, err := n.CreateGroup(context.Background(), name, names); err != nil {
		n.w.t.Fatal(err)
	}
	agree(n.w, time.Minute, name, append(invite, n)...)
}

// change changes a group.
func (n *simNode) change(group string, action localapi.GroupAction, about ...*simNode) {
	n.w.t.Helper()
	if err := n.tryChange(group, action, about...); err != nil {
		n.w.t.Fatalf("%s: %s: %v", n.name, action, err)
	}
}

func (n *simNode) tryChange(group string, action localapi.GroupAction, about ...*simNode) error {
	change := localapi.GroupChange{Group: group, Action: action}
	for _, o := range about {
		change.Contacts = append(change.Contacts, o.id)
	}
	_, err := n.ChangeGroup(context.Background(), change)
	return err
}

// rename gives a group another name.
func (n *simNode) rename(group, name string) {
	n.w.t.Helper()
	_, err := n.ChangeGroup(context.Background(), localapi.GroupChange{Group: group, Action: localapi.GroupRename, Name: name})
	if err != nil {
		n.w.t.Fatal(err)
	}
}

// say sends to a group.
func (n *simNode) say(group, text string) (id string) {
	n.w.t.Helper()
	d, err := n.Send(context.Background(), group, text)
	if err != nil {
		n.w.t.Fatalf("%s: %v", n.name, err)
	}
	return d.ID
}

// said is the texts of a group as shown.
func (n *simNode) said(group string) (all []string) {
	n.w.t.Helper()
	err := n.History(context.Background(), group, 0, "", func(m localapi.Message) error {
		all = append(all, m.Text)
		return nil
	})
	if err != nil {
		n.w.t.Fatalf("%s: %v", n.name, err)
	}
	return all
}

// state is what a node says of a group, in one line; "-" if it does not know it.
func (n *simNode) state(group string) string {
	info, err := n.Group(context.Background(), group)
	if err != nil {
		return "-"
	}
	var members []string
	for _, m := range info.Members {
		members = append(members, m.Identity[len(m.Identity)-4:]+" "+m.Role)
	}
	return fmt.Sprintf("%s, epoch %d, %.8s, %s: %s", info.Status, info.Epoch, info.Authenticator, info.Name, strings.Join(members, ", "))
}

// agree waits until all nodes are in one epoch of a group whose members they are.
func agree(w *world, most time.Duration, group string, nodes ...*simNode) {
	w.t.Helper()
	agreeOf(w, most, group, len(nodes), nodes...)
}

// agreeOf is agree for those who are there of so many members.
func agreeOf(w *world, most time.Duration, group string, members int, nodes ...*simNode) {
	w.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(100 * time.Millisecond) {
		states := make(map[string]bool)
		ok := true
		for _, n := range nodes {
			states[n.state(group)] = true
			info, err := n.Group(context.Background(), group)
			ok = ok && err == nil && info.Status == "in" && len(info.Members) == members
		}
		if ok && len(states) == 1 {
			return
		}
		if time.Now().After(end) {
			for _, n := range nodes {
				w.t.Errorf("%s: %s", n.name, n.state(group))
			}
			w.t.Fatalf("the members of %s do not agree after %v", group, most)
		}
	}
}

// knowEachOther makes everybody a contact of the first.
func knowEachOther(nodes ...*simNode) {
	for _, n := range nodes[1:] {
		nodes[0].add(n)
	}
	for _, n := range nodes[1:] {
		nodes[0].await(nodes[0].send(n, "hello "+n.name), localapi.Delivered, time.Minute)
	}
}

// TestGroup is the life of a group in which the members know only who made it.
func TestGroup(t *testing.T) {
	simulate(t, func(w *world) {
		a, b, c, d := w.node("alice"), w.node("bob"), w.node("carol"), w.node("dave")
		knowEachOther(a, b, c, d)
		a.group("friends", b, c)
		a.await(a.say("friends", "one"), localapi.Delivered, time.Minute)
		b.await(b.say("friends", "two"), localapi.Delivered, time.Minute)
		c.await(c.say("friends", "three"), localapi.Delivered, time.Minute)
		a.change("friends", localapi.GroupInvite, d)
		agree(w, time.Minute, "friends", a, b, c, d)
		d.await(d.say("friends", "four"), localapi.Delivered, time.Minute)
		a.rename("friends", "family")
		agree(w, time.Minute, "family", a, b, c, d)
		left, err := b.ChangeGroup(context.Background(), localapi.GroupChange{Group: "family", Action: localapi.GroupLeave})
		if err != nil || left.Status != "left" {
			t.Errorf("bob leaves: got %q, %v, want left", left.Status, err)
		}
		agree(w, time.Minute, "family", a, c, d)
		a.change("family", localapi.GroupRemove, c)
		agree(w, time.Minute, "family", a, d)
		d.await(d.say("family", "five"), localapi.Delivered, time.Minute)
		for _, tt := range []struct {
			n    *simNode
			want []string
		}{
			{a, []string{"one", "two", "three", "four", "five"}},
			{b, []string{"one", "two", "three", "four"}},
			{c, []string{"one", "two", "three", "four"}},
			{d, []string{"four", "five"}},
		} {
			if got := tt.n.said("family"); !slices.Equal(got, tt.want) {
				t.Errorf("%s shows %q, want %q", tt.n.name, got, tt.want)
			}
		}
		if got := b.state("family"); !strings.HasPrefix(got, "left") {
			t.Errorf("bob: %s, want left", got)
		}
		if got := c.state("family"); !strings.HasPrefix(got, "removed") {
			t.Errorf("carol: %s, want removed", got)
		}
		if _, err := c.Send(context.Background(), "family", "let me in"); exitCode(err) != localapi.ExitUsage {
			t.Errorf("carol sends: got %v, want to be told that she is removed", err)
		}
	})
}

// TestFellowMember lets somebody add a fellow member of a group, whom it knew from
// there alone, and make a group with that one.
func TestFellowMember(t *testing.T) {
	simulate(t, func(w *world) {
		a, b, c := w.node("alice"), w.node("bob"), w.node("carol")
		knowEachOther(a, b, c)
		a.group("friends", b, c)
		time.Sleep(10 * time.Second)
		if c.tryChange("friends", localapi.GroupLeave) != nil {
			t.Fatal("carol cannot leave")
		}
		c.add(b)
		c.group("two", b)
		b.await(b.say("two", "here"), localapi.Delivered, time.Minute)
	})
}
