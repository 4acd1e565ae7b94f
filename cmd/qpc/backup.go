package main

import (
	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
	"quicnprotochat/node"
)

// backupCommand has the commands about backups below it.
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
	cmd.AddCommand(a.backupVerifyCommand(), a.backupRestoreCommand())
	return cmd
}

func (a *app) backupVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Restore a backup into a scratch home, and say what is in it.",
		Args:  cli.Exactly(1),
	}
	source := cli.BackupPassword(false)
	source.AddFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		password, err := a.Password(cmd.Context(), source)
		if err != nil {
			return err
		}
		b, err := node.VerifyBackup(args[0], password)
		if err != nil {
			return err
		}
		return a.Print(b, "It is whole: "+words.Backup(b))
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
	source := cli.BackupPassword(false)
	source.AddFlag(cmd)
	cmd.Flags().StringVar(&state.File, state.Flag, "", "lock the home with the state password in `FILE`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		h, err := a.Home(cmd)
		if err != nil {
			return err
		}
		password, err := a.Password(cmd.Context(), source)
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
