package words

import (
	"cmp"
	"fmt"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// Message is one line of a conversation for the person whose identity is
// self; in a group it names the author.
func Message(m localapi.Message, self string, authors map[string]string) string {
	if m.From == self {
		return fmt.Sprintf("%s  > %s  (%s)", cli.Shown(m.Time), Body(m), m.State)
	}
	if m.Group != "" {
		return fmt.Sprintf("%s  < %s: %s", cli.Shown(m.Time), cli.Defuse(cmp.Or(authors[m.From], m.From)), Body(m))
	}
	return fmt.Sprintf("%s  < %s", cli.Shown(m.Time), Body(m))
}

// Body is what is shown of a message behind its author.
func Body(m localapi.Message) string {
	var b strings.Builder
	if m.Reply != nil {
		fmt.Fprintf(&b, "(to %q) ", Excerpt(cmp.Or(m.Reply.Text, "a message that is not here")))
	}
	if m.Deleted {
		b.WriteString("(deleted)")
	} else {
		b.WriteString(cli.Defuse(strings.TrimRight(m.Text, "\r\n")))
	}
	if m.Edited != nil {
		b.WriteString(" (edited)")
	}
	for i, r := range m.Reactions {
		if i == 0 {
			b.WriteString("  ")
		}
		b.WriteString(cli.Defuse(r.Emoji))
	}
	return b.String()
}

// Excerpt returns the beginning of a text, on one line.
func Excerpt(text string) string {
	const most = 40
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	return cli.Defuse(string(runes))
}

// Delivery says how far a message came, and why.
func Delivery(d localapi.Delivery) string {
	return fmt.Sprintf("%s, path %s: %s\nid %s", d.State, d.Path, Places(d.Why), d.ID) + newRelay(d.NewRelay)
}

// Count is a number of things.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
