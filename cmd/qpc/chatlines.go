package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"quicnprotochat/node/localapi"
)

const chatHelp = `  text               send it to the person of the last /dm, or the only one
  //text             send /text
  /dm NAME           write to that person from now on
  /invite            make a contact link to give to people
  /add LINK [NAME]   take somebody's link
  /list              the people this node knows
  /history [N]       the newest N messages with that person (default 20)
  /status            connections, relays, and what waits
  /help              this
  /quit              end`

// line does what one line asks for. Only errQuit and errors of the output end
// the chat: all others are told and the chat goes on.
func (c *chat) line(ctx context.Context, line inputLine) error {
	err := line.err
	if err == nil {
		err = c.do(ctx, line.text)
	}
	var told *localapi.Error
	switch {
	case errors.As(err, &told):
		c.fail(err)
	case err != nil:
		return err
	}
	return c.prompt()
}

func (c *chat) do(ctx context.Context, text string) error {
	command, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.TrimSpace(text) == "":
		return nil
	case strings.HasPrefix(text, "//"):
		return c.send(ctx, text[1:])
	case !strings.HasPrefix(text, "/"):
		return c.send(ctx, text)
	case command == "/quit":
		return errQuit
	case command == "/help":
		return c.print(helpObject{chatHelp}, chatHelp)
	case command == "/invite":
		return c.invite(ctx)
	case command == "/add":
		link, name, _ := strings.Cut(rest, " ")
		return c.take(ctx, link, strings.TrimSpace(name))
	case command == "/dm":
		return c.dm(ctx, rest)
	case command == "/list":
		return c.list(ctx)
	case command == "/history":
		return c.history(ctx, rest)
	case command == "/status":
		return c.status(ctx)
	default:
		return usageError("there is no "+command, "/help lists what there is; //text sends a text that begins with a slash")
	}
}

func (c *chat) send(ctx context.Context, text string) error {
	if err := c.pick(ctx); err != nil {
		return err
	}
	if err := localapi.CheckText(text); err != nil {
		return err
	}
	d, err := c.client.Send(ctx, c.with.Identity, text, "", 0)
	if err != nil {
		return err
	}
	line := fmt.Sprintf("  (%s, path %s) %s", d.State, d.Path, excerpt(text))
	if len(c.sent) < chatTracked {
		c.sent[d.ID] = sentText{text: text, shown: line}
	}
	if !d.State.Reaches(localapi.Stored) {
		c.here[d.ID] = true
	}
	return c.print(d, line)
}

// pick begins to write to the only contact if nobody was picked.
func (c *chat) pick(ctx context.Context) error {
	if c.with != nil {
		return nil
	}
	list, err := c.client.Contacts(ctx)
	switch {
	case err != nil:
		return err
	case len(list) == 1:
		return c.open(list[0])
	case len(list) == 0:
		return usageError("there is nobody to write to yet", "give your link (/invite), or take one (/add LINK)")
	default:
		return usageError("to whom?", "/list shows the people, /dm NAME picks one")
	}
}

func (c *chat) invite(ctx context.Context) error {
	inv, err := c.client.Invite(ctx)
	if err != nil {
		return err
	}
	return c.print(inv, inv.Link)
}

func (c *chat) status(ctx context.Context) error {
	st, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	return c.print(st, statusText(st))
}

func (c *chat) dm(ctx context.Context, who string) error {
	if who == "" {
		return usageError("/dm needs a name", "/list shows the people, /dm NAME picks one")
	}
	contact, err := c.client.Contact(ctx, who)
	if err != nil {
		return err
	}
	return c.open(contact)
}

// take adds a contact and begins to write to it.
func (c *chat) take(ctx context.Context, link, name string) error {
	if link == "" {
		return usageError("/add needs a link", "/add LINK [NAME]")
	}
	added, err := c.client.AddContact(ctx, link, name)
	if err != nil {
		return err
	}
	if err := c.print(added, addedText(added)); err != nil {
		return err
	}
	contact, err := c.client.Contact(ctx, added.Identity)
	if err != nil {
		return err
	}
	return c.open(contact)
}

// open begins to write to a contact.
func (c *chat) open(contact localapi.Contact) error {
	c.with = &contact
	return c.print(contact, "Writing to "+defuse(contact.Name)+"; /history shows what was said.")
}

func (c *chat) list(ctx context.Context) error {
	list, err := c.client.Contacts(ctx)
	if err != nil {
		return err
	}
	for _, contact := range list {
		if err := c.print(contact, contactText(contact)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		c.note("No contacts yet: give your link (/invite), or take one (/add LINK).")
	}
	return nil
}

func (c *chat) history(ctx context.Context, count string) error {
	if err := c.pick(ctx); err != nil {
		return err
	}
	limit := 20
	if count != "" {
		n, err := strconv.ParseUint(count, 10, 31)
		if err != nil {
			return usageError("/history takes a number", "/history 20")
		}
		limit = int(n)
	}
	return c.client.History(ctx, c.with.Identity, limit, "", func(m localapi.Message) error {
		return c.print(m, messageText(m, c.self.Identity))
	})
}

// event shows what happened.
func (c *chat) event(e localapi.Event) error {
	text := ""
	switch {
	case e.Event == localapi.EventMessage && e.Message != nil && e.Contact != nil:
		text = fmt.Sprintf("%s  %s: %s", shown(e.Message.Time), defuse(e.Contact.Name), defuse(e.Message.Text))
	case e.Event == localapi.EventContact && e.Contact != nil && (c.with == nil || c.with.Identity != e.Contact.Identity):
		text = fmt.Sprintf("%s is a contact now, by %s; /dm writes to them", defuse(e.Contact.Name), e.Contact.Via)
	case e.Event == localapi.EventState && e.Delivery != nil:
		text = c.state(*e.Delivery)
	case e.Event == localapi.EventMissed:
		text = "Some events were missed here; /history shows all messages."
	}
	if text == "" && !c.json {
		return nil
	}
	if c.prompts {
		// What is being typed stays in the terminal's line; only its echo goes.
		text = "\r\x1b[K" + text
	}
	if err := c.print(e, text); err != nil {
		return err
	}
	return c.prompt()
}

// state notes a new state of an own message and returns what to show of it:
// nothing for one that was not sent here.
func (c *chat) state(d localapi.Delivery) string {
	if d.State.Reaches(localapi.Stored) || d.State == localapi.Failed {
		delete(c.here, d.ID)
	}
	sent, ok := c.sent[d.ID]
	if !ok {
		return ""
	}
	if d.State.Reaches(localapi.Delivered) || d.State == localapi.Failed {
		delete(c.sent, d.ID)
	}
	line := fmt.Sprintf("  (%s, path %s) %s", d.State, d.Path, excerpt(sent.text))
	if d.State == localapi.Failed {
		line += ": " + defuse(d.Why)
	}
	if line == sent.shown {
		return "" // only the reason is another one
	}
	if _, ok := c.sent[d.ID]; ok {
		c.sent[d.ID] = sentText{text: sent.text, shown: line}
	}
	return line
}

// excerpt returns the beginning of a text, on one line.
func excerpt(text string) string {
	const most = 40
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	return defuse(string(runes))
}

// prompt says to whom a line would go.
func (c *chat) prompt() error {
	if !c.prompts {
		return nil
	}
	name := ""
	if c.with != nil {
		name = defuse(c.with.Name)
	}
	_, err := io.WriteString(c.stdout, name+"> ")
	return err
}

// inputLine is a line of input, or why there is none.
type inputLine struct {
	text string
	err  error
}

// readLines hands out the lines of r until it ends, ctx ends, or a read fails.
// A line that is too long to be sent is an error and skipped. The reading itself
// cannot be ended: it lasts as long as r gives nothing.
func readLines(ctx context.Context, r io.Reader) <-chan inputLine {
	lines := make(chan inputLine)
	go func() {
		defer close(lines)
		in := bufio.NewReaderSize(r, 2*localapi.MaxText)
		for {
			raw, err := in.ReadSlice('\n')
			line := inputLine{text: strings.TrimRight(string(raw), "\r\n")}
			if errors.Is(err, bufio.ErrBufferFull) {
				line = inputLine{err: localapi.CheckText(string(raw))}
				for errors.Is(err, bufio.ErrBufferFull) {
					_, err = in.ReadSlice('\n')
				}
			}
			if line.text != "" || line.err != nil || err == nil {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}
