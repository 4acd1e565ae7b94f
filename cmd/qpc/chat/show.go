package chat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node/localapi"
)

// event shows what happened.
func (c *chat) event(e localapi.Event) error {
	text := ""
	if e.Event == localapi.EventContact && e.Contact != nil {
		delete(c.asked, e.Contact.Identity)
	}
	switch {
	case e.Event == localapi.EventMessage && e.Message != nil && e.Contact != nil:
		text = c.cameIn(e)
	case e.Event == localapi.EventSent && e.Message != nil:
		text = c.written(*e.Message, e)
	case e.Event == localapi.EventChanged && e.Message != nil && e.Contact != nil:
		text = c.changed(e)
	case e.Event == localapi.EventRequest && e.Contact != nil && !c.asked[e.Contact.Identity]:
		c.asked[e.Contact.Identity] = true
		text = fmt.Sprintf("Somebody who calls itself %s asks to write to you: /requests shows it, /accept NAME or /refuse NAME answers", words.Inviter(*e.Contact))
	case e.Event == localapi.EventTrust && e.Contact != nil && e.Contact.Changed != "":
		text = words.Contact(*e.Contact)
	case e.Event == localapi.EventTyping && e.Contact != nil:
		return c.isTyping(e)
	case e.Event == localapi.EventGroup && e.Group != nil && e.Contact != nil:
		text = fmt.Sprintf("%s added you to the group %s: %s; /group writes to it", words.Inviter(*e.Contact), cli.Defuse(e.Group.Name), words.Count(e.Group.Members, "member", "members"))
	case e.Event == localapi.EventGroup && e.Group != nil:
		text = fmt.Sprintf("The group %s: %s, %s", cli.Defuse(e.Group.Name), e.Group.Status, words.Count(e.Group.Members, "member", "members"))
		if e.Group.Status == "in" && (c.with == nil || c.with.id != e.Group.ID) {
			text += "; /group writes to it"
		}
	case e.Event == localapi.EventUnfit && e.Group != nil && e.Contact != nil:
		text = fmt.Sprintf("%s cannot join the group %s: their program lacks its cipher suite, which cannot be changed; start a new group with them",
			cli.Defuse(e.Contact.Name), cli.Defuse(e.Group.Name))
	case e.Event == localapi.EventContact && e.Contact != nil && c.with == nil && c.terminal != nil:
		text = fmt.Sprintf("%s is a contact now, by %s: what you type goes to them", cli.Defuse(e.Contact.Name), e.Contact.Via)
		c.turn(chatPartner{id: e.Contact.Identity, name: e.Contact.Name})
	case e.Event == localapi.EventContact && e.Contact != nil && (c.with == nil || c.with.id != e.Contact.Identity):
		text = fmt.Sprintf("%s is a contact now, by %s; /dm writes to them", cli.Defuse(e.Contact.Name), e.Contact.Via)
	case e.Event == localapi.EventState && e.Delivery != nil:
		text = c.out.State(*e.Delivery)
	case e.Event == localapi.EventNearby && e.Nearby != nil && !c.heard[e.Nearby.Identity]:
		text = words.Nearby(*e.Nearby) + "; /dm " + cli.Defuse(e.Nearby.Claim) + " asks to write"
	case e.Event == localapi.EventMissed:
		text = "Some events were missed here; /history shows all messages."
	}
	c.countUnread(e)
	if text == "" && !c.JSON {
		return c.prompt()
	}
	if err := c.Print(e, c.oneLine(text)); err != nil {
		return err
	}
	return c.prompt()
}

// cameIn is how a message that came in is shown: not at all, to a person, if it is of
// a muted conversation that is not written to.
func (c *chat) cameIn(e localapi.Event) string {
	m, who := *e.Message, cli.Defuse(e.Contact.Name)
	with := place(m, c.self.Identity)
	delete(c.typing, typist(e))
	if e.Muted && c.terminal != nil && (c.with == nil || c.with.id != with) {
		return ""
	}
	c.saw(with, m.ID)
	if e.Group != nil {
		who = "[" + cli.Defuse(e.Group.Name) + "] " + who
	}
	return fmt.Sprintf("%s%s  %s: %s", c.number(m.ID, with), cli.Shown(m.Time), who, words.Body(m))
}

// written is how a message is shown that the user wrote in another front end.
func (c *chat) written(m localapi.Message, e localapi.Event) string {
	with, to := place(m, c.self.Identity), ""
	if c.numbers.Has(m.ID) {
		return "" // written here
	}
	switch {
	case c.with != nil && c.with.id == with:
	case e.Group != nil:
		to = " to the group " + cli.Defuse(e.Group.Name)
	case with == c.self.Identity:
		to = " to yourself"
	case e.Contact != nil:
		to = " to " + cli.Defuse(e.Contact.Name)
	}
	number := c.number(m.ID, with)
	if c.terminal != nil {
		c.out.Follow(m, number, "")
	}
	return fmt.Sprintf("%s%s  you%s: %s", number, cli.Shown(m.Time), to, words.Body(m))
}

// typist is who types where, by name.
func typist(e localapi.Event) string {
	if e.Group != nil {
		return cli.Defuse(e.Contact.Name) + " in " + cli.Defuse(e.Group.Name)
	}
	return cli.Defuse(e.Contact.Name)
}

const (
	// typingTime is how long somebody is shown as typing, and typingShown how many are.
	typingTime  = 10 * time.Second
	typingShown = 256
)

// isTyping shows in the prompt that somebody is typing.
func (c *chat) isTyping(e localapi.Event) error {
	if len(c.typing) < typingShown {
		c.typing[typist(e)] = time.Now().Add(typingTime)
	}
	if c.JSON {
		return c.Print(e, "")
	}
	return c.prompt()
}

// oneLine returns a text as one line where no person reads it.
func (c *chat) oneLine(text string) string {
	if c.terminal != nil {
		return text
	}
	return strings.ReplaceAll(text, "\n    ", `\n`)
}

// prompt says to whom a line would go.
func (c *chat) prompt() error {
	if c.terminal == nil {
		return nil
	}
	name := ""
	if c.with != nil {
		name = cli.Defuse(c.with.name)
	}
	var notes []string
	unread := 0
	for _, n := range c.unread {
		unread += n
	}
	if unread > 0 {
		notes = append(notes, fmt.Sprintf("(%d unread)", unread))
	}
	for _, who := range slices.Sorted(maps.Keys(c.typing)) {
		notes = append(notes, fmt.Sprintf("(%s is typing)", who))
	}
	c.terminal.Prompt(name, strings.Join(notes, " "))
	return nil
}

// showDue tells of messages that are still on their way.
func (c *chat) showDue(now time.Time) error {
	for who, until := range c.typing {
		if now.After(until) {
			delete(c.typing, who)
			if err := c.prompt(); err != nil {
				return err
			}
		}
	}
	for _, line := range c.out.Due(now) {
		if err := c.Print(nil, line); err != nil {
			return err
		}
	}
	return nil
}
