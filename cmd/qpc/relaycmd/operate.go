package relaycmd

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
	"quicnprotochat/relay/admin"
)

// operate is a command that does something with the relay of a home, whether it
// runs or not.
func (a *commands) operate(cmd *cobra.Command, do func(ctx context.Context, o *admin.Operator) error) error {
	h, err := a.Home(cmd)
	if err != nil {
		return err
	}
	o, err := admin.Open(cmd.Context(), h.Dir)
	if err != nil {
		return relayError(h, err)
	}
	defer o.Close()
	return relayError(h, do(cmd.Context(), o))
}

func (a *commands) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how a relay does, and how much it keeps.",
		Args:  cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				st, err := o.Status(ctx)
				if err != nil {
					return err
				}
				return a.Print(st, statusText(st))
			})
		},
	}
}

func statusText(st admin.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "relay %s\n", st.Identity)
	if st.Running {
		fmt.Fprintf(&b, "runs since %s at %s\n", st.Started, st.URL)
		fmt.Fprintf(&b, "%d connections, %d calls at the moment, %d of them waiting for mail\n", st.Connections, st.Calls, st.Waiters)
		fmt.Fprintf(&b, "keeps %s of at most %s, in a file of %s", bytesText(st.Bytes), bytesText(uint64(st.MaxBytes)), bytesText(uint64(st.FileBytes)))
		return b.String()
	}
	fmt.Fprintf(&b, "is stopped; run it with: qpc relay run\nkeeps %s in a file of %s", bytesText(st.Bytes), bytesText(uint64(st.FileBytes)))
	return b.String()
}

// bytesText writes a number of bytes for people.
func bytesText(n uint64) string {
	for _, unit := range []struct {
		name string
		size uint64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

func (a *commands) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read all that a relay keeps, and name what is damaged.",
		Long: `Read all that a relay keeps, and name what is damaged: exit 8 if anything is. It
changes nothing. Of a relay that runs it reads the records, beside its work; of one
that is stopped the structure of the file too. Damaged records are never served to
anybody; their senders still have the messages, and their owners the keys.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				c, err := o.Check(ctx)
				if err != nil {
					return err
				}
				var b strings.Builder
				for _, d := range c.Damages {
					fmt.Fprintf(&b, "damaged: %s %s: %s\n", d.Table, d.Key, cli.Defuse(d.What))
				}
				fmt.Fprintf(&b, "%d records, %s, %d damaged", c.Records, bytesText(c.Bytes), c.Damaged)
				if err := a.Print(c, b.String()); err != nil || c.OK {
					return err
				}
				return &localapi.Error{
					Message: "the store of the relay is damaged",
					Hint:    "look at the disk; qpc relay restore makes a new home of a backup",
					Exit:    localapi.ExitHome,
				}
			})
		},
	}
}

func (a *commands) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all of a relay to a new file, while it runs or not.",
		Long: `Write all of a relay to a new file, while it runs or not: one moment of its store,
its key, its port and its settings. The file is complete and was read back when it
has its name. Keep it secret: whoever has it can pass for the relay. It is a tar
file, with the list of its sums at the end.`,
		Args: cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				path, err := filepath.Abs(args[0])
				if err != nil {
					return err
				}
				size, err := o.Backup(ctx, path)
				if err != nil {
					return err
				}
				return a.Print(struct {
					File  string `json:"file"`
					Bytes int64  `json:"bytes"`
				}{path, size}, fmt.Sprintf("%s holds the relay, %s. Keep it secret: its key is in it.", path, bytesText(uint64(size))))
			})
		},
	}
}

func (a *commands) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a new home of a backup.",
		Long: `Make a new home of a backup: the same relay, with the same key, as it was when the
backup was made. The home must be absent or empty. All of the file is read before
anything is made. A restore that was cut off is run again; no relay runs on half of
one. Do not run the old home again beside the new one: there would be two relays with
one key, and what the one keeps the other does not have. Single-use key packages of
the backup are not handed out again; the people's nodes bring new ones.`,
		Args: cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.Home(cmd)
			if err != nil {
				return err
			}
			r, err := admin.Restore(cmd.Context(), args[0], h.Dir)
			if err != nil {
				return relayError(h, err)
			}
			if !r.Check.OK {
				a.Note("%d records were damaged when the backup was made: see qpc relay check%s", r.Check.Damaged, h.Flag)
			}
			return a.Print(r, fmt.Sprintf("The relay %s is back in %s, %d records.\nRun it with: qpc relay run%s", r.Identity, r.Home, r.Check.Records, h.Flag))
		},
	}
}

// progressTime is the time between two lines about the progress of something.
const progressTime = time.Second

func (a *commands) compactCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Give the free room in the file of a relay back to the disk.",
		Long: `Give the free room in the file of a relay back to the disk, while it runs or not. The
file never shrinks by itself: it uses its free room again. A new file is written
beside the old one, so the disk needs room for both, and takes its place when it is
complete and read back. Of a relay that runs, people go on reading their mail
meanwhile; who writes waits, some seconds for a GiB, or is told to try again later.`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd, func(ctx context.Context, o *admin.Operator) error {
				st, err := o.Status(ctx)
				if err != nil {
					return err
				}
				told := time.Now()
				before, after, err := o.Compact(ctx, func(n int64) {
					if time.Since(told) > progressTime {
						told = time.Now()
						a.Note("copied %s of about %s", bytesText(uint64(n)), bytesText(st.Bytes))
					}
				})
				if err != nil {
					return err
				}
				return a.Print(admin.Compacted{Before: before, After: after}, fmt.Sprintf("The file has %s now, it had %s.", bytesText(uint64(after)), bytesText(uint64(before))))
			})
		},
	}
}
