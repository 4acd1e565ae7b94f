package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat"
	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
)

const helpIntro = `qpc is encrypted chat that goes straight to the other person's machine. When
that machine is away, a relay that anyone can host keeps the sealed message.

`

const helpRest = `
Every command takes:
  --home DIR    keep everything in DIR (default $QPC_HOME, else qpc in
                $XDG_DATA_HOME or ~/.local/share); a home belongs to
                one node or one relay
  --json        write one JSON object a line, for scripts
Flags stand before or after the arguments; -- ends them.

CONTACT is an identity, an exact name, or a unique beginning of either; case counts only
where it makes a difference. GROUP is the same of a group, and CONVERSATION, and the
CONTACT of send, is either.
What is about people, messages and the node asks the node that "qpc up" or "qpc chat"
runs. relay status, users, invite, check and backup ask the relay that "qpc relay run"
runs, or work on the files of one that is stopped.

Topics: qpc help `

// help writes the help of a command to stdout.
func (a *app) help(cmd *cobra.Command, _ []string) {
	text := wholeHelp(cmd.Root())
	if cmd.HasParent() {
		text = commandHelp(cmd)
	}
	_ = a.Print(cli.HelpObject{Help: text}, strings.TrimSuffix(text, "\n"))
}

// wholeHelp says what commands there are.
func wholeHelp(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(helpIntro)
	var again []string
	for _, cmd := range root.Commands() {
		switch subs := cmd.Commands(); {
		case cmd.Annotations[chat.Alias] != "":
			again = append(again, cmd.Name())
		case len(subs) > 1:
			b.WriteString(cli.HelpLine("qpc "+cmd.Name()+" COMMAND", cmd.Short+" See: qpc help "+cmd.Name()) + "\n")
		case len(subs) == 1:
			b.WriteString(cli.HelpLine(usageOf(subs[0]), subs[0].Short) + "\n")
		default:
			b.WriteString(cli.HelpLine(usageOf(cmd), cmd.Short) + "\n")
		}
	}
	fmt.Fprintf(&b, "\nWhat a chat calls otherwise goes by that name as well:\n  qpc %s\n", strings.Join(again, " | "))
	b.WriteString(helpRest)
	for i, t := range topics() {
		if i > 0 {
			b.WriteString(" | ")
		}
		b.WriteString(t.name)
	}
	b.WriteString("\n\nExit codes:\n" + exitCodes + "\n")
	return b.String()
}

// usageOf is how a command is typed, without its flags.
func usageOf(cmd *cobra.Command) string { return strings.TrimSuffix(cmd.UseLine(), " [flags]") }

// worksAlone reports whether a command does something without another one below it. One
// that does not takes any number of arguments, and says that there is no such command.
func worksAlone(cmd *cobra.Command) bool {
	return !cmd.HasSubCommands() || cmd.Args(cmd, make([]string, 1+usage.Most)) != nil
}

func commandHelp(cmd *cobra.Command) string {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	fmt.Fprintf(&b, "%s\n\nUsage:\n", about)
	if cmd.HasAvailableSubCommands() {
		if worksAlone(cmd) {
			fmt.Fprintf(&b, "  %s\n", usageOf(cmd))
		}
		for _, sub := range cmd.Commands() {
			b.WriteString(cli.HelpLine(usageOf(sub), sub.Short) + "\n")
		}
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if flags := cmd.LocalNonPersistentFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(&b, "\nFlags:\n%s", flags)
	}
	fmt.Fprintf(&b, "\nFlags of every command:\n%s", cmd.InheritedFlags().FlagUsages())
	return b.String()
}

// completeHelp offers the commands, or those below one, and the topics.
func completeHelp(cmd *cobra.Command, args []string, _ string) (offers []string, _ cobra.ShellCompDirective) {
	about, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, sub := range about.Commands() {
		offers = append(offers, sub.Name()+"\t"+sub.Short)
	}
	if !about.HasParent() {
		for _, t := range topics() {
			offers = append(offers, t.name+"\t"+t.short)
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND|TOPIC]",
		Short:             "Say how to use the program, or more about a command or topic.",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if t, ok := topicOf(args[0]); ok {
					return a.Print(cli.HelpObject{Help: t.text}, t.text)
				}
			}
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return cli.Misused(cmd, "there is no command qpc "+strings.Join(args, " "))
			}
			a.help(about, nil)
			return nil
		},
	}
}
