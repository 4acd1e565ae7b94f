package relaycmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/relay/admin"
)

func (a *commands) usersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "users",
		Short: "List the accounts of a relay, one a line.",
		Args:  cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				users, err := o.Users(ctx)
				if err != nil {
					return err
				}
				for _, u := range users {
					state := "not proved"
					if u.Bound {
						state = "proved"
					}
					if u.Banned {
						state += ", banned"
					}
					if err := a.Print(u, fmt.Sprintf("%s  %s (%s)  since %s", cli.Defuse(u.Name), u.Identity, state, u.Created)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "delete NAME",
		Short: "Delete an account, and all that is kept for its identity.",
		Args:  cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				if err := o.RemoveUser(ctx, args[0]); err != nil {
					return err
				}
				return a.Print(struct {
					Deleted string `json:"deleted"`
				}{args[0]}, "deleted "+cli.Defuse(args[0]))
			})
		},
	})
	cmd.AddCommand(a.banCommand(true), a.banCommand(false))
	return cmd
}

// banCommand keeps an account out, or lets it in again.
func (a *commands) banCommand(ban bool) *cobra.Command {
	verb, short, text := "ban", "Keep an account out: it can use the relay no longer.", "banned "
	long := `Keep an account out: it can use the relay no longer, whatever its password and its
key prove. Its sessions end at once. Others may go on writing to it, and what waits
for it waits as long as any message, in case it is let in again.`
	if !ban {
		verb, short, text = "unban", "Let an account in again.", "let in again: "
		long = "Let an account in again. It has to log in anew."
	}
	return &cobra.Command{
		Use:   verb + " NAME",
		Short: short,
		Long:  long,
		Args:  cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				if err := o.Ban(ctx, args[0], ban); err != nil {
					return err
				}
				return a.Print(struct {
					Name   string `json:"name"`
					Banned bool   `json:"banned"`
				}{args[0], ban}, text+cli.Defuse(args[0]))
			})
		},
	}
}

func (a *commands) inviteCommand() *cobra.Command {
	var count int
	var expires time.Duration
	var note string
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Make codes with which people make accounts at a relay.",
		Long: `Make codes with which people make accounts at a relay, one account each. A code is
shown once: the relay keeps its hash. With --access invite an account takes one.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 1 || count > admin.MaxInvites || expires <= 0 {
				return cli.Misused(cmd, fmt.Sprintf("--count is 1 to %d, and --expires a time above zero, like 48h", admin.MaxInvites))
			}
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				invites, err := o.Invite(ctx, count, expires, note)
				return a.printInvites(invites, err)
			})
		},
	}
	cmd.Flags().IntVar(&count, "count", 1, "make `N` codes")
	cmd.Flags().DurationVar(&expires, "expires", 7*24*time.Hour, "for how long they are good, at most a year")
	cmd.Flags().StringVar(&note, "note", "", "a `TEXT` for yourself, to tell them apart")
	cmd.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the codes that are open, by their ids.",
		Args:  cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				invites, err := o.Invites(ctx)
				return a.printInvites(invites, err)
			})
		},
	}, &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a code, by itself or by the beginning of its id.",
		Args:  cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				if err := o.Revoke(ctx, args[0]); err != nil {
					return err
				}
				return a.Print(struct {
					Revoked string `json:"revoked"`
				}{args[0]}, "revoked "+cli.Defuse(args[0]))
			})
		},
	})
	return cmd
}

// printInvites writes invites, one a line. Those made before an error are shown.
func (a *commands) printInvites(invites []admin.Invite, err error) error {
	for _, i := range invites {
		text := fmt.Sprintf("%s  good until %s", i.ID, i.Expires)
		if i.Code != "" {
			text = fmt.Sprintf("%s  good until %s  (id %s)", i.Code, i.Expires, i.ID)
		}
		if i.Note != "" {
			text += "  " + cli.Defuse(i.Note)
		}
		if err := a.Print(i, text); err != nil {
			return err
		}
	}
	return err
}
