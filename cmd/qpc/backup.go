package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

func (a *app) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Keep a copy of this node in one encrypted file.",
		Long: `Keep a copy of this node in one encrypted file: who you are, your contacts, and what
was said. Its password is asked for and not shown; for scripts it comes from
--password-file FILE (- is stdin) or from QPC_BACKUP_PASSWORD. Without it the file is of
no use to anybody.

A backup has no keys that may be used once only: a restored node enters its
conversations and groups anew, by itself. Never run the old home again beside the
restored one.`,
		Args: cobra.ArbitraryArgs,
		RunE: cli.NeedsCommand,
	}
	cmd.AddCommand(a.backupCreateCommand(), a.backupVerifyCommand(), a.backupRestoreCommand())
	return cmd
}

// backupPassword is the flag of a command that needs the password of a backup.
func backupPassword(cmd *cobra.Command, twice bool) *cli.PasswordSource {
	s := &cli.PasswordSource{What: "password of the backup", Flag: "password-file", Env: "QPC_BACKUP_PASSWORD", Twice: twice}
	cmd.Flags().StringVar(&s.File, s.Flag, "", "read the password from `FILE`, - for stdin (default $QPC_BACKUP_PASSWORD, else ask)")
	return s
}

func (a *app) backupCreateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Write a backup of the running node, and verify it.",
		Args:  cli.Exactly(1),
	}
	source := backupPassword(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, h, err := a.Client(cmd)
		if err != nil {
			return err
		}
		defer client.Close()
		if _, err := client.Identity(cmd.Context()); err != nil {
			return h.Explain(err) // before anybody types for nothing
		}
		path, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		password, err := a.Password(cmd.Context(), *source)
		if err != nil {
			return err
		}
		defer clear(password)
		a.Note("Writing and verifying…")
		b, err := client.Backup(cmd.Context(), path, password)
		if err != nil {
			return h.Explain(err)
		}
		return a.Print(b, "Wrote and verified "+copyText(b))
	}
	return cmd
}

func (a *app) backupVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Restore a backup into a scratch home, and say what is in it.",
		Args:  cli.Exactly(1),
	}
	source := backupPassword(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		password, err := a.Password(cmd.Context(), *source)
		if err != nil {
			return err
		}
		b, err := node.VerifyBackup(args[0], password)
		if err != nil {
			return err
		}
		return a.Print(b, "It is whole: "+copyText(b))
	}
	return cmd
}

func (a *app) backupRestoreCommand() *cobra.Command {
	state := cli.StatePassword()
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make this home, which must not be there, of a backup.",
		Args:  cli.Exactly(1),
	}
	source := backupPassword(cmd, false)
	cmd.Flags().StringVar(&state.File, state.Flag, "", "lock the home with the state password in `FILE`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		h, err := a.Home(cmd)
		if err != nil {
			return err
		}
		password, err := a.Password(cmd.Context(), *source)
		if err != nil {
			return err
		}
		var lock []byte
		if state.File != "" {
			if lock, err = a.Password(cmd.Context(), state); err != nil {
				return err
			}
		}
		if err := node.RestoreBackup(args[0], password, h.Dir, lock); err != nil {
			return err
		}
		return a.Print(h.Paths(), "Restored into "+h.Dir+". Start it with: qpc up"+h.Flag)
	}
	return cmd
}

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export FILE",
		Short: "Write the store of the running node as an SQLite database in clear.",
		Long: `Write the store of the running node as an SQLite database in clear, for other
programs. It has all your messages and keys, and nothing protects it: whoever reads it
has you. What was said in one conversation: qpc history CONVERSATION, with --json for
programs.

Put in the place of node.db, it is encrypted when the node starts.`,
		Args: cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, h, err := a.Client(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			b, err := client.Export(cmd.Context(), path)
			if err != nil {
				return h.Explain(err)
			}
			return a.Print(b, "Wrote, in clear, "+copyText(b))
		},
	}
}

// copyText says what is in a copy of a node.
func copyText(b localapi.Backup) string {
	return fmt.Sprintf("%s: %d contacts, %d conversations, %d messages", cli.Defuse(b.Path), b.Contacts, b.Conversations, b.Messages)
}
