package words

import (
	"fmt"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Contact is a line about a person.
func Contact(c localapi.Contact) string {
	text := fmt.Sprintf("%-20s %s  by %s", cli.Defuse(c.Name), c.Identity, c.Via)
	if c.Claim != "" {
		text += ", " + cli.Defuse(c.Claim) + " as that relay claims"
	}
	if c.Verified {
		text += ", verified"
	}
	if c.Blocked {
		text += ", blocked"
	}
	if c.Archived {
		text += ", archived"
	}
	if c.Changed != "" {
		text += "; THE RELAY NOW NAMES " + c.Changed + ": accept or refuse that, nothing is sent until then"
	}
	return text
}

// Added says whether somebody is a new contact.
func Added(added localapi.AddedContact) string {
	text := fmt.Sprintf("%s was a contact already  %s", cli.Defuse(added.Name), added.Identity)
	if added.New {
		text = fmt.Sprintf("Added %s  %s", cli.Defuse(added.Name), added.Identity)
	}
	return text + newRelay(added.NewRelay)
}

// newRelay is what is said behind other words of a relay that is used only from now on; ""
// for none.
func newRelay(url string) string {
	if url == "" {
		return ""
	}
	return "\nThis node had no relay, and uses that one from now on: answers wait there.\nqpc relay forget " + cli.Defuse(url) + " takes that back."
}

// Nearby is a line about a machine on the LAN.
func Nearby(n localapi.Nearby) string {
	switch {
	case n.Name != "":
		return fmt.Sprintf("%-16s %s  on the LAN", cli.Defuse(n.Name), n.Identity)
	case n.Claim != "":
		return fmt.Sprintf("%-16s %s  on the LAN, as it calls itself", cli.Defuse(n.Claim), n.Identity)
	}
	return fmt.Sprintf("%-16s %s  on the LAN", "(no contact)", n.Identity)
}

// Request is a line about somebody who asks to be a contact, and what they wrote.
func Request(r localapi.Request) string {
	text := r.Identity
	if r.Name != "" {
		text = fmt.Sprintf("%-20s %s  so it calls itself", cli.Defuse(r.Name), r.Identity)
	}
	if r.Claim != "" {
		text += ", " + cli.Defuse(r.Claim) + " as that relay claims"
	}
	if r.Via == "group" {
		text += ", from a group"
	}
	if r.Text != "" {
		text += "\n" + cli.Shown(r.Time) + "  < " + cli.Defuse(r.Text)
	}
	return text
}

// Inviter is what somebody is called who began something with us: by name, with whose
// claim that is, else by the end of the key.
func Inviter(c localapi.Contact) string {
	switch {
	case c.Name == c.Identity:
		return shortKey(c.Identity)
	case c.Claim != "":
		return fmt.Sprintf("%s (%s as that relay claims)", cli.Defuse(c.Name), cli.Defuse(c.Claim))
	}
	return cli.Defuse(c.Name)
}
