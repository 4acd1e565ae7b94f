package words

import (
	"fmt"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Group is a line about a group.
func Group(g localapi.Group) string {
	text := fmt.Sprintf("%-20s %s  %s", cli.Defuse(g.Name), g.ID, Count(g.Members, "member", "members"))
	if g.Status != "in" {
		text += ", " + g.Status
	}
	if g.Archived {
		text += ", archived"
	}
	return text
}

// GroupInfo is what a group is: its members and the state of its keys.
func GroupInfo(g localapi.GroupInfo) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", cli.Defuse(g.Name), g.ID)
	switch {
	case g.RemovedBy != "":
		fmt.Fprintf(&b, "removed by %s\n", g.RemovedBy)
	case g.Status != "in":
		fmt.Fprintf(&b, "%s\n", g.Status)
	}
	for _, m := range g.Members {
		fmt.Fprintf(&b, "%-7s %-16s %s\n", m.Role, cli.Defuse(m.Name), m.Identity)
	}
	for _, i := range g.Invited {
		fmt.Fprintf(&b, "invited %-16s %s  since %s: %s\n", cli.Defuse(i.Name), i.Identity, cli.Shown(i.Since), i.Waits)
	}
	if g.Status == "in" && g.SilentSince != nil {
		fmt.Fprintf(&b, "no admin was heard of since %s, and without one nobody can be invited or removed\n", cli.Shown(*g.SilentSince))
		b.WriteString("to go on without them, make a new group of those who are there: qpc group create NAME CONTACT...\n")
	}
	for _, id := range g.Equivocators {
		fmt.Fprintf(&b, "%s told the others two different things at once: it runs two copies of its home, or means to split this group\n", id)
	}
	fmt.Fprintf(&b, "epoch %d, %s", g.Epoch, suiteNote(g.Suite, g.PostQuantum))
	if g.Authenticator != "" {
		fmt.Fprintf(&b, "\nauthenticator %s", g.Authenticator)
	}
	return b.String()
}
