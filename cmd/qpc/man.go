package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quicnprotochat/cmd/qpc/chat"
	"quicnprotochat/cmd/qpc/cli"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "Write the manual page.",
		Long: `Write the manual page, made from the same help:

  qpc man | man -l -
  qpc man > ~/.local/share/man/man1/qpc.1`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			page := strings.TrimSuffix(manPage(cmd.Root()), "\n")
			return a.Print(map[string]string{"man": page}, page)
		},
	}
}

// manPage is the manual page of all commands, in the macros of man(7).
func manPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(".TH QPC 1\n.SH NAME\nqpc \\- encrypted chat from machine to machine\n.SH SYNOPSIS\n.B qpc\nCOMMAND [ARGUMENTS] [FLAGS]\n.SH DESCRIPTION\n")
	b.WriteString(roff(helpIntro))
	b.WriteString(".SH COMMANDS\n")
	manCommands(&b, root)
	b.WriteString(".SH FLAGS OF EVERY COMMAND\n")
	manFlags(&b, root.PersistentFlags())
	for _, t := range topics() {
		fmt.Fprintf(&b, ".SH %s\n%s\n.PP\n.nf\n%s.fi\n", roffLine(strings.ToUpper(strings.ReplaceAll(t.name, "-", " "))), roffLine(t.short), roff(t.text))
	}
	return b.String()
}

// manCommands writes all commands below cmd that do something.
func manCommands(b *strings.Builder, cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		if sub.Annotations[chat.Alias] != "" {
			continue
		}
		if worksAlone(sub) {
			manCommand(b, sub)
		}
		manCommands(b, sub)
	}
}

// manCommand writes one command.
func manCommand(b *strings.Builder, cmd *cobra.Command) {
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	fmt.Fprintf(b, ".SS %s\n.nf\n%s.fi\n", roffLine(usageOf(cmd)), roff(about))
	manFlags(b, cmd.LocalNonPersistentFlags())
}

// manFlags writes flags with what they do.
func manFlags(b *strings.Builder, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		value, about := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roffLine(strings.TrimSpace("--"+f.Name+" "+value)), roffLine(about))
	})
}

// roff returns text as lines that roff shows as they are.
func roff(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString(roffLine(line) + "\n")
	}
	return b.String()
}

// roffLine escapes what would be a request to roff.
func roffLine(line string) string {
	line = strings.ReplaceAll(strings.ReplaceAll(line, `\`, `\e`), "-", `\-`)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}
