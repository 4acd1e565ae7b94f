package chat

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat/numbers"
	"quicnprotochat/cmd/qpc/chat/outgoing"
	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/login"
	"quicnprotochat/cmd/qpc/terminal"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// Commands makes the commands that ask something of a node.
type Commands struct{ *cli.App }

// New returns the commands of one run of the program.
func New(a *cli.App) *Commands { return &Commands{a} }

const (
	// chatLinger is how long a chat with a node of its own stays, after the last
	// line, for messages that are still only here.
	chatLinger = 5 * time.Second
	// chatPatience is how long a person at a terminal waits in a chat for a node that
	// ended, as it does when it is started again.
	chatPatience = 5 * time.Minute
)

// chat is one session of typing and reading.
type chat struct {
	*Commands
	client *localapi.Client
	self   localapi.Identity
	// with is whom a line without a slash goes to; nil for nobody yet. where is its id,
	// for what completes the line that is typed.
	with  *chatPartner
	where atomic.Value
	// out are the own messages that are not delivered yet.
	out outgoing.Messages
	// unread counts the messages of the other conversations since they were written
	// to last, by id.
	unread map[string]int
	// numbers name messages, toRead is up to which one a conversation was shown to a
	// person, and typing who is typing until when.
	numbers numbers.Numbers
	toRead  map[string]string
	typing  map[string]time.Time
	// asked are the identities of those who ask to be contacts, of whom it was told: what
	// they write with that comes as a second event.
	asked map[string]bool
	// heard are those on the LAN whose names were told when the chat began.
	heard map[string]bool
	// told is when the node was last told that the user is typing.
	told time.Time
	// repl is whether this is a chat at all, and not one command.
	repl bool
	// finished are what was asked for and took a while.
	finished chan result
	// terminal is where a person types; nil for lines from a file or another
	// program.
	terminal *terminal.Terminal
}

// chatPartner is whom one writes to: a contact, held by identity, or a group, by
// id, so that one who comes later cannot take its place.
type chatPartner struct {
	id, name string
	group    bool
}

// Chat is the command of the chat itself.
func (a *Commands) Chat() *cobra.Command {
	cmd := a.opening("chat", "[LINK|CONVERSATION]", (*chat).switchTo)
	cmd.Short = "Type and read."
	cmd.Long = `Type and read. With a LINK or a CONVERSATION the chat begins there. Where no node runs
for this home, chat runs one itself until it ends, and the other commands work
beside it; in a new home it asks for your name first. Without a terminal it takes
its lines from stdin, and writes one line for each thing that happens.

With --relay URL --username NAME it sees to it that you are logged in there: with the
session that is kept, else with the password. If the relay refuses, it asks once
whether to make a new account; --register says yes before.

` + Help()
	return cmd
}

// opening makes a command that opens the chat and begins there with do.
func (a *Commands) opening(name string, args usage.Line, do func(*chat, context.Context, request) error) *cobra.Command {
	var flags cli.NodeFlags
	var login login.Flags
	cmd := &cobra.Command{
		Use:  name + " " + string(args),
		Args: cli.Between(args.Arity()),
		ValidArgsFunction: func(cmd *cobra.Command, before []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.completeArgument(cmd, args.At(len(before)), before)
		},
	}
	flags.Add(cmd, "error")
	login.Add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		begin := func(ctx context.Context, c *chat) error {
			if len(args) == 0 && (name == "chat" || c.terminal != nil) {
				return nil // a person was told already what is unread
			}
			return do(c, ctx, request{args: args})
		}
		return a.chat(cmd, args, begin, &flags, &login)
	}
	return cmd
}

// chat runs a chat that begins with what args name, and a node for it if none runs.
func (a *Commands) chat(cmd *cobra.Command, args []string, begin func(context.Context, *chat) error, flags *cli.NodeFlags, login *login.Flags) error {
	if err := login.Check(cmd); err != nil {
		return err
	}
	client, h, err := a.Client(cmd)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Identity(cmd.Context())
	alone := err != nil
	relay := ""
	if login.Username != "" && len(flags.Relays) > 0 {
		if relay = flags.Relays[0]; len(flags.Relays) > 1 {
			return cli.Misused(cmd, "--username is at one relay: give --relay once")
		}
	}
	switch {
	case !alone && flags.Given(cmd, relay != ""):
		return cli.Misused(cmd, "a node runs for this home already: its flags belong to qpc up")
	case alone && localapi.AsError(err).Exit != localapi.ExitNoDaemon:
		return err
	case alone && isNew(h) && slices.ContainsFunc(args, isKnownName):
		return &localapi.Error{Message: "nobody is known in this new home", Hint: "qpc chat LINK begins with a link, qpc chat with nobody yet", Exit: localapi.ExitContact}
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	cmd.SetContext(ctx)
	person := !a.JSON && terminal.Is(a.Stdin) && terminal.Is(a.Stdout)
	if person && alone && !cmd.Flags().Changed("name") {
		if flags.Name, err = a.askName(ctx, h); err != nil {
			return err
		}
	}
	errs := terminal.NewSwitch(a.Stderr)
	a.Stderr = errs
	c := &chat{
		Commands: a, client: client, repl: true, finished: make(chan result),
		unread: map[string]int{},
		toRead: map[string]string{}, typing: map[string]time.Time{}, asked: map[string]bool{}, heard: map[string]bool{},
	}
	session := func(ctx context.Context, linger time.Duration) error {
		if login.Username != "" {
			if err := login.In(ctx, a.App, client, relay); err != nil {
				return err
			}
		}
		if person {
			defer c.useTerminal(ctx, errs, cancel)()
		}
		return c.run(ctx, begin, linger)
	}
	if !alone {
		return h.Explain(session(ctx, 0))
	}
	return a.WithNode(cmd, h, flags, func(ctx context.Context, _ node.Ready) error { return session(ctx, chatLinger) })
}

// useTerminal lets a person type and see at the terminal until the returned
// function is called. interrupt is for who cannot wait for the end.
func (c *chat) useTerminal(ctx context.Context, errs *terminal.Switch, interrupt func()) (restore func()) {
	out, before := c.Stdout, errs.Now()
	c.terminal = terminal.Open(c.Stdin.(*os.File), out.(*os.File), func(line string) []string { return c.complete(ctx, line) }, interrupt)
	c.Stdout, c.Secret = c.terminal, c.terminal.Secret
	errs.Turn(c.terminal)
	return func() {
		c.Stdout, c.Secret = out, nil
		errs.Turn(before)
		if err := c.terminal.Close(); err != nil {
			c.Note("The terminal failed: %v", err)
		}
	}
}

// errQuit ends a chat.
var errQuit = errors.New("quit")

// run is the session: it ends with the input, with /quit, or with ctx.
func (c *chat) run(ctx context.Context, begin func(context.Context, *chat) error, linger time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	self, err := c.client.Identity(ctx)
	if err != nil {
		return err
	}
	c.self = self
	var absent cli.Absence
	if c.terminal != nil && linger == 0 {
		absent = cli.Absence{Patience: chatPatience, Tell: c.tellAway}
	}
	events, lost := cli.Listen(ctx, c.client, absent)
	if err := c.begin(ctx, begin); err != nil {
		return err
	}
	lines := c.lines(ctx)
	var typed <-chan struct{}
	if c.terminal != nil {
		typed = c.terminal.Typed()
	}
	var over <-chan time.Time
	look := time.NewTicker(outgoing.Delay)
	defer look.Stop()
	for {
		select {
		case line, ok := <-lines:
			err := errQuit
			if ok {
				err = c.line(ctx, line)
			}
			if errors.Is(err, errQuit) {
				if lines, over = nil, time.After(linger); c.out.Here() == 0 || linger == 0 {
					return nil // a node that runs on its own goes on with them
				}
			} else if err != nil {
				return err
			}
		case e := <-events:
			if err := c.event(e); err != nil {
				return err
			}
			if over != nil && c.out.Here() == 0 {
				return nil
			}
		case r := <-c.finished:
			if err := c.settle(r.show, r.err); err != nil {
				return err
			}
		case <-typed:
			c.tellTyping(ctx)
		case <-look.C:
			if err := c.showDue(time.Now()); err != nil {
				return err
			}
			c.tellRead(ctx)
		case <-over:
			c.Note("%s not left yet: they go on when this node runs again.", words.Count(c.out.Here(), "message has", "messages have"))
			return nil
		case err := <-lost:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// tellAway tells that the node is away, or back.
func (c *chat) tellAway(away bool) {
	if away {
		c.Note("The node has ended. The chat goes on when it runs again: qpc up starts it.")
	} else {
		c.Note("The node runs again.")
	}
}

// begin greets, does what is to be done first, and picks the person if there is only
// one.
func (c *chat) begin(ctx context.Context, first func(context.Context, *chat) error) error {
	c.Note("You are %s, %s.\n/invite makes your link, /join LINK takes one, /help says the rest.", cli.Defuse(c.self.Name), c.self.Identity)
	if err := c.greetLAN(ctx); err != nil {
		return err
	}
	if err := c.greetUnread(ctx); err != nil {
		return err
	}
	if err := first(ctx, c); err != nil {
		return err
	}
	if c.with == nil {
		list, err := c.client.Contacts(ctx)
		if err != nil {
			return err
		}
		if len(list) == 1 {
			if err := c.open(ctx, list[0]); err != nil {
				return err
			}
		}
	}
	return c.prompt()
}
