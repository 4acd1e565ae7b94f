package chat

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// verb is one thing that can be asked of a node: a command of qpc, a line of the
// chat that begins with a slash, or both. CONTACT, MEMBER, GROUP, CONVERSATION and other
// arguments are completed, see names.
type verb struct {
	// slash is its name in the chat and typed its arguments there; without a name
	// the chat has it not.
	slash string
	typed usage.Line
	// command is its path below qpc and args its arguments there; without a path
	// qpc has it not. Of its slash there is a command, too, that does the same.
	command string
	args    usage.Line
	// about is what it is about: on the command line the first of args, in the chat
	// the conversation that is written to.
	about subject
	// short is one sentence; long, if it is not empty, takes its place in the help
	// of the verb itself.
	short, long string
	// flags adds the flags of the command line, kept in the request.
	flags func(cmd *cobra.Command, r *request)
	// opens is whether its command opens the chat, and begins there with what it does.
	opens bool
	do    func(c *chat, ctx context.Context, r request) error
}

// subject is what kind of conversation a verb is about.
type subject int

const (
	aboutNothing subject = iota
	aboutAnybody         // a person or a group
	aboutGroup
	aboutNamed   // a contact that is named, in the chat too
	aboutMessage // the first of args is one of a person or a group
)

// request is what was asked for with a verb.
type request struct {
	// with is the conversation that it is about: an id, or what people call it.
	with string
	args []string
	// The rest are flags of the command line.
	limit       uint32
	after, name string
	in, format  string
	qr          bool
	password    cli.PasswordSource
}

// commandOf makes the command of a verb by one of its names.
func (a *Commands) commandOf(v verb, name string) *cobra.Command {
	if v.opens {
		cmd := a.opening(name, v.args, v.do)
		cmd.Short, cmd.Long = v.short, v.short+" It opens the chat: see qpc help chat."
		return cmd
	}
	least, limit := v.args.Arity()
	var flags request
	cmd := &cobra.Command{
		Use:   strings.TrimSpace(name + " " + string(v.args)),
		Short: v.short,
		Long:  v.long,
		Args:  cli.Between(least, limit),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.completeArgument(cmd, v.args.At(len(args)), args)
		},
	}
	if v.flags != nil {
		v.flags(cmd, &flags)
	}
	if cmd.Flags().Lookup(inFlag) != nil {
		_ = cmd.RegisterFlagCompletionFunc(inFlag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.completeArgument(cmd, "CONVERSATION", nil)
		})
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("name") && strings.TrimSpace(flags.name) == "" {
			return cli.Misused(cmd, "--name is empty")
		}
		r := flags
		if v.about != aboutNothing {
			if r.with, args = args[0], args[1:]; r.with == "" {
				return Nobody()
			}
		}
		r.args = args
		client, h, err := a.Client(cmd)
		if err != nil {
			return err
		}
		defer client.Close()
		return h.Explain(v.do(&chat{Commands: a, client: client}, cmd.Context(), r))
	}
	return cmd
}

// AddVerbs puts the commands of all verbs below root.
func (a *Commands) AddVerbs(root *cobra.Command) {
	for _, v := range verbs() {
		if v.command == "" {
			continue
		}
		path := strings.Fields(v.command)
		parent, name := root, path[len(path)-1]
		if len(path) > 1 {
			parent = below(root, path[0])
		}
		if below(parent, name) == nil {
			parent.AddCommand(a.commandOf(v, name))
		}
	}
	for _, v := range verbs() {
		if v.slash == "" || v.command == "" || below(root, v.slash) != nil {
			continue
		}
		cmd := a.commandOf(v, v.slash)
		cmd.Long = cmp.Or(v.long, v.short) + "\n\nThe same as: qpc " + v.command
		cmd.Annotations = map[string]string{Alias: v.command}
		root.AddCommand(cmd)
	}
}

// Alias marks a command that is there by its name in the chat, too; its value is the
// command that it is the same as.
const Alias = "alias"

// below is the command of a name that is right below another one, nil if there is none.
func below(parent *cobra.Command, name string) *cobra.Command {
	for _, cmd := range parent.Commands() {
		if cmd.Name() == name {
			return cmd
		}
	}
	return nil
}

// verbOf finds the verb of a word that begins with a slash.
func verbOf(word string) (verb, bool) {
	for _, v := range verbs() {
		if v.slash != "" && "/"+v.slash == word {
			return v, true
		}
	}
	return verb{}, false
}

// usage is how a verb is typed in the chat.
func (v verb) usage() string { return strings.TrimSpace("/" + v.slash + " " + string(v.typed)) }

// split takes the arguments of a verb apart as they were typed.
func (v verb) split(rest string) (args []string, err error) {
	least, limit := v.typed.Arity()
	args = v.typed.Split(rest)
	switch {
	case len(args) < least:
		return nil, cli.UsageError("/"+v.slash+" needs "+v.typed.At(len(args)), v.usage()+": "+v.short)
	case limit == 0 && len(args) > 0:
		return nil, cli.UsageError("/"+v.slash+" takes no argument", v.usage()+": "+v.short)
	case len(args) > limit:
		return nil, cli.UsageError("too many at once", "name them in several lines")
	}
	return args, nil
}

// ask does what a line that begins with a slash asks for.
func (c *chat) ask(ctx context.Context, line string) error {
	word, rest, _ := strings.Cut(line, " ")
	v, ok := verbOf(word)
	if !ok {
		return cli.UsageError("there is no "+word, "/help lists what there is; //text sends a text that begins with a slash")
	}
	args, err := v.split(rest)
	if err != nil {
		return err
	}
	r := request{args: args}
	if v.about == aboutNamed && len(args) > 0 {
		r.with, r.args = args[0], args[1:]
		return v.do(c, ctx, r)
	}
	if v.about == aboutMessage {
		if args[0], r.with, err = c.message(args[0]); err != nil {
			return err
		}
		if r.with != "" {
			return v.do(c, ctx, r)
		}
	}
	if v.about != aboutNothing {
		if err := c.pick(ctx); err != nil {
			return err
		}
		if v.about == aboutGroup && !c.with.group {
			return cli.UsageError("/"+v.slash+" is about a group, and you write to "+c.with.name, "/group GROUP picks one")
		}
		r.with = c.with.id
	}
	return v.do(c, ctx, r)
}

// Help lists what can be typed in a chat.
func Help() string {
	var b strings.Builder
	b.WriteString(cli.HelpLine("text", "Send it to whom the prompt names."))
	b.WriteString("\n" + cli.HelpLine("//text", "Send /text."))
	for _, v := range verbs() {
		if v.slash != "" {
			b.WriteString("\n" + cli.HelpLine(v.usage(), v.short))
		}
	}
	return b.String()
}

// inChat puts what a hint says of commands into words of the chat, where what a verb is
// about is not named.
func inChat(hint string) string {
	return ofQPC().ReplaceAllStringFunc(hint, func(found string) string {
		command, about := strings.TrimPrefix(found, "qpc "), ""
		if i := strings.LastIndex(command, " "); i > 0 && strings.ToUpper(command[i:]) == command[i:] {
			command, about = command[:i], command[i:]
		}
		for _, v := range verbs() {
			switch {
			case v.slash == "" || v.command != command:
			case v.about == aboutNothing || v.about == aboutNamed:
				return "/" + v.slash + about
			default:
				return "/" + v.slash
			}
		}
		return found
	})
}

// ofQPC finds commands of verbs in a text, the longest that fit, with what they are about.
func ofQPC() *regexp.Regexp {
	var all []string
	for _, v := range verbs() {
		if v.command != "" {
			all = append(all, regexp.QuoteMeta(v.command))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return regexp.MustCompile(`\bqpc (` + strings.Join(all, "|") + `)\b( (CONVERSATION|CONTACT|GROUP)\b)?`)
}

// fail writes an error that does not end the chat.
func (c *chat) fail(err error) {
	e := *localapi.AsError(err)
	e.Hint = inChat(e.Hint)
	c.App.Fail(&e)
}

// remark writes a remark for people, in words of the command line where it is one.
func (c *chat) remark(text string) {
	if c.repl {
		text = inChat(text)
	}
	c.Note("%s", text)
}
