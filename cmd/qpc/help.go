package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const helpText = `qpc is encrypted chat that goes straight to the other person's machine. When
that machine is away, a relay that anyone can host keeps the sealed message.

  qpc chat [LINK]               type and read; the quickest way to begin
  qpc up                        run the node of this home until it is stopped
  qpc down                      stop the node that runs for this home
  qpc id                        who this node is
  qpc invite                    a contact link to give to people
  qpc contact add LINK          take somebody's link
  qpc contacts                  the people this node knows
  qpc group                     conversations of any number: see qpc help group
  qpc send CONTACT TEXT         send a message; TEXT - reads it from stdin
  qpc history CONTACT           read a conversation
  qpc status                    connections, relays, and what waits
  qpc relay init                make the home of a relay, with a file of settings
  qpc relay run                 host a relay
  qpc relay status              how the relay does, and how much it keeps
  qpc relay users               its accounts
  qpc relay invite              codes with which people make accounts there
  qpc relay check               read all that it keeps, and name what is damaged
  qpc relay backup FILE         write all of it to a file, while it runs
  qpc relay restore FILE        make a new home of such a file
  qpc relay compact             give free room in its file back to the disk
  qpc relay forget URL          use a relay no longer
  qpc account register NAME     make an account at a relay that asks for one; also
                                login, logout, status, password, delete
  qpc demo                      two people and a relay on this machine
  qpc service install           let systemd run the node, from now on
  qpc paths                     where everything of this home lies
  qpc completion SHELL          complete commands and contacts in bash, zsh, fish
  qpc version                   which version this is
  qpc help [COMMAND]            this, or more about a command

Every command takes:
  --home DIR    keep everything in DIR (default $QPC_HOME, else qpc in
                $XDG_DATA_HOME or ~/.local/share); a home belongs to
                one node or one relay
  --json        write one JSON object a line, for scripts
Flags stand before or after the arguments; -- ends them.

CONTACT is an identity, an exact name, or a unique beginning of either. send and
history take a group in its place, by id or name.
id, invite, contact, contacts, group, account, send, history, status and relay forget
talk to the node that "qpc up" or "qpc chat" runs. relay status, users, invite,
check and backup ask the relay that "qpc relay run" runs, or work on the files of one
that is stopped.

Exit codes:
  0  done
  1  anything that is none of the following
  2  wrong usage, or a malformed link, URL or text
  3  no daemon is running for this home
  4  contact unknown or ambiguous; no such account or invite at a relay
  5  the awaited state was not reached in time; delivery goes on
  6  a signature or key is wrong: a changed link, or not the relay that was named
  7  network: address in use, cannot listen
  8  home in use, damaged, of the other kind, or from a newer qpc
`

// help writes the help of a command to stdout.
func (a *app) help(cmd *cobra.Command, _ []string) {
	text := helpText
	if cmd.HasParent() {
		text = commandHelp(cmd)
	}
	_ = a.print(helpObject{text}, strings.TrimSuffix(text, "\n"))
}

// helpObject is help as JSON.
type helpObject struct {
	Help string `json:"help"`
}

func commandHelp(cmd *cobra.Command) string {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	fmt.Fprintf(&b, "%s\n\nUsage:\n", about)
	if cmd.HasAvailableSubCommands() {
		for _, sub := range cmd.Commands() {
			fmt.Fprintf(&b, "  %-32s %s\n", strings.TrimSuffix(sub.UseLine(), " [flags]"), sub.Short)
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

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say how to use the program, or one command.",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return misused(cmd, "there is no command qpc "+strings.Join(args, " "))
			}
			a.help(about, nil)
			return nil
		},
	}
}
