package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"quicnprotochat/node/localapi"
)

const chatHelp = `  text               send it to the person of the last /dm, or the only one
  //text             send /text
  /dm NAME           write to that person from now on
  /group NAME        write to that group from now on
  /invite            make a contact link to give to people
  /add LINK [NAME]   take somebody's link
  /list              the people and groups this node knows
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
	case command == "/group":
		return c.group(ctx, rest)
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
	d, err := c.client.Send(ctx, c.with.id, text, "", 0)
	if err != nil {
		return err
	}
	if !d.State.Reaches(localapi.Stored) {
		c.here[d.ID] = true
	}
	line := stateLine(d, text)
	if c.terminal != nil && len(c.sent) < chatTracked {
		c.sent[d.ID] = sentText{text: text, due: time.Now().Add(stateDelay)}
		return nil
	}
	if len(c.sent) < chatTracked {
		c.sent[d.ID] = sentText{text: text, shown: line}
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

// group begins to write to a group.
func (c *chat) group(ctx context.Context, name string) error {
	if name == "" {
		return usageError("/group needs a name", "/list shows the groups, /group NAME picks one")
	}
	g, err := c.client.Group(ctx, name)
	if err != nil {
		return err
	}
	c.with = &chatPartner{id: g.ID, name: g.Name}
	return c.print(g, "Writing to the group "+defuse(g.Name)+"; /history shows what was said.")
}

// open begins to write to a contact.
func (c *chat) open(contact localapi.Contact) error {
	c.with = &chatPartner{id: contact.Identity, name: contact.Name}
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
	groups, err := c.client.Groups(ctx)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := c.print(g, groupText(g)); err != nil {
			return err
		}
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
	return c.client.History(ctx, c.with.id, limit, "", func(m localapi.Message) error {
		return c.print(m, messageText(m, c.self.Identity))
	})
}

// lines are what is typed, or what stdin gives.
func (c *chat) lines(ctx context.Context) <-chan inputLine {
	if c.terminal != nil {
		return c.terminal.lines
	}
	return readLines(ctx, c.stdin)
}

// complete returns what a line could become: a command, or a command with a
// person's name. It runs beside the chat.
func (c *chat) complete(ctx context.Context, line string) (offers []string) {
	command, rest, named := strings.Cut(line, " ")
	switch {
	case !strings.HasPrefix(line, "/"):
	case !named:
		for _, about := range strings.Split(chatHelp, "\n") {
			if word, _, _ := strings.Cut(strings.TrimSpace(about), " "); strings.HasPrefix(word, line) && !strings.HasPrefix(word, "//") {
				offers = append(offers, word+" ")
			}
		}
	case command == "/dm":
		ctx, cancel := context.WithTimeout(ctx, completionTime)
		defer cancel()
		list, _ := c.client.Contacts(ctx)
		for _, contact := range list {
			if strings.HasPrefix(contact.Name, rest) && defuse(contact.Name) == contact.Name {
				offers = append(offers, command+" "+contact.Name)
			}
		}
	case command == "/group":
		ctx, cancel := context.WithTimeout(ctx, completionTime)
		defer cancel()
		list, _ := c.client.Groups(ctx)
		for _, g := range list {
			if strings.HasPrefix(g.Name, rest) && defuse(g.Name) == g.Name {
				offers = append(offers, command+" "+g.Name)
			}
		}
	}
	return offers
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
