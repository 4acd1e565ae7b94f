package chat

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// completionTime bounds how long typing waits for names of contacts.
const completionTime = 300 * time.Millisecond

// completeArgument offers what an argument of that name can be, behind others. Where no
// node runs there is nothing to offer.
func (a *Commands) completeArgument(cmd *cobra.Command, argument string, before []string) ([]string, cobra.ShellCompDirective) {
	if argument == "FILE" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	c, _, err := a.Client(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer c.Close()
	group := ""
	if len(before) > 0 {
		group = before[0]
	}
	return names(context.Background(), c, argument, group), cobra.ShellCompDirectiveNoFileComp
}

// CompleteContact offers the names of contacts and groups for the first argument.
func (a *Commands) CompleteContact(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeArgument(cmd, "CONVERSATION", nil)
}

// names lists what an argument of that name in a usage line can be; MEMBER is one of a
// group.
func names(ctx context.Context, c *localapi.Client, argument, group string) (list []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	for kind := range strings.SplitSeq(argument, "|") {
		list = append(list, namesOf(ctx, c, kind, group)...)
	}
	list = append(list, usage.Choices(argument)...)
	// A name that is more than letters on one line would act on the shell.
	return slices.DeleteFunc(list, func(name string) bool {
		return cli.Defuse(name) != name || strings.ContainsAny(name, "\n\t\r")
	})
}

// namesOf is names for one of what an argument can be.
func namesOf(ctx context.Context, c *localapi.Client, kind, group string) (list []string) {
	if kind == "CONTACT" || kind == "CONVERSATION" {
		contacts, _ := c.Contacts(ctx)
		for _, contact := range contacts {
			list = append(list, contact.Name)
		}
	}
	switch kind {
	case "GROUP", "CONVERSATION":
		groups, _ := c.Groups(ctx)
		for _, g := range groups {
			list = append(list, g.Name)
		}
	case "COMMAND":
		for _, v := range verbs() {
			if v.slash != "" {
				list = append(list, v.slash)
			}
		}
	case "MEMBER":
		info, _ := c.Group(ctx, group)
		for _, m := range info.Members {
			list = append(list, m.Name)
		}
	case "URL":
		st, _ := c.Status(ctx)
		for _, r := range st.Relays {
			list = append(list, r.URL)
		}
	case "MESSAGE":
		list = []string{"last"}
	}
	return list
}
