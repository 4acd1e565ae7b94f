package main

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTime bounds how long typing waits for names of contacts.
const completionTime = 300 * time.Millisecond

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write what makes a shell complete commands and contacts.",
		Long: `Write what makes a shell complete commands, flags and the names of contacts:

  bash   source <(qpc completion bash)
  zsh    source <(qpc completion zsh)
  fish   qpc completion fish | source

The line belongs into the shell's own start file.`,
		Args:      exactly(1),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			var b bytes.Buffer
			var err error
			switch root := cmd.Root(); args[0] {
			case "bash":
				err = root.GenBashCompletionV2(&b, true)
			case "zsh":
				// Sourced, the script has to register itself.
				if err = root.GenZshCompletion(&b); err == nil {
					b.WriteString("compdef _qpc qpc\n")
				}
			case "fish":
				err = root.GenFishCompletion(&b, true)
			default:
				return misused(cmd, "there is completion for bash, zsh and fish")
			}
			if err != nil {
				return err
			}
			return a.print(map[string]string{"completion": b.String()}, strings.TrimSuffix(b.String(), "\n"))
		},
	}
}

// completeContact offers the names of contacts for the first argument. Where no
// node runs there is nothing to offer.
func (a *app) completeContact(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, _, err := a.client(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	list, _ := c.Contacts(ctx)
	var names []string
	for _, contact := range list {
		// A name that is more than letters on one line would act on the shell.
		if name := contact.Name; defuse(name) == name && !strings.ContainsAny(name, "\n\t\r") {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
