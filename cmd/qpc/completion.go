package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
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

// completeArgument offers what an argument of that name can be. Where no node runs
// there is nothing to offer.
func (a *app) completeArgument(cmd *cobra.Command, argument string) ([]string, cobra.ShellCompDirective) {
	c, _, err := a.client(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer c.Close()
	return names(context.Background(), c, argument), cobra.ShellCompDirectiveNoFileComp
}

// completeContact offers the names of contacts and groups for the first argument.
func (a *app) completeContact(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeArgument(cmd, "CONVERSATION")
}

// names lists what an argument of that name in a usage line can be.
func names(ctx context.Context, c *localapi.Client, argument string) (list []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	switch argument {
	case "COMMAND":
		for _, v := range verbs() {
			if v.slash != "" {
				list = append(list, v.slash)
			}
		}
	case "CONTACT", "CONVERSATION":
		contacts, _ := c.Contacts(ctx)
		for _, contact := range contacts {
			list = append(list, contact.Name)
		}
	}
	if argument == "GROUP" || argument == "CONVERSATION" {
		groups, _ := c.Groups(ctx)
		for _, g := range groups {
			list = append(list, g.Name)
		}
	}
	// A name that is more than letters on one line would act on the shell.
	return slices.DeleteFunc(list, func(name string) bool {
		return defuse(name) != name || strings.ContainsAny(name, "\n\t\r")
	})
}
