package chat

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// addBackupPassword is the flag of a command that needs the password of a backup.
func addBackupPassword(cmd *cobra.Command, s *cli.PasswordSource, twice bool) {
	*s = backupPassword(twice)
	cmd.Flags().StringVar(&s.File, s.Flag, "", "read the password from `FILE`, - for stdin (default $QPC_BACKUP_PASSWORD, else ask)")
}

func backupPassword(twice bool) cli.PasswordSource {
	return cli.PasswordSource{What: "password of the backup", Flag: "password-file", Env: "QPC_BACKUP_PASSWORD", Twice: twice}
}

func backupFlags(cmd *cobra.Command, r *request) { addBackupPassword(cmd, &r.password, true) }

// backup writes a backup of the node.
func (c *chat) backup(ctx context.Context, r request) error {
	if _, err := c.client.Identity(ctx); err != nil {
		return err // before anybody types for nothing
	}
	source := r.password
	if c.repl {
		source = backupPassword(true)
		if os.Getenv(source.Env) == "" {
			return cli.UsageError("a password cannot be typed here unseen", "set "+source.Env+", or use another terminal: qpc backup create FILE")
		}
	}
	path, err := filepath.Abs(r.args[0])
	if err != nil {
		return err
	}
	password, err := c.App.Password(ctx, source)
	if err != nil {
		return err
	}
	defer clear(password)
	c.Note("Writing and verifying…")
	b, err := c.client.Backup(ctx, path, password)
	if err != nil {
		return err
	}
	return c.Print(b, "Wrote and verified "+copyText(b))
}

// export writes the store in clear.
func (c *chat) export(ctx context.Context, r request) error {
	path, err := filepath.Abs(r.args[0])
	if err != nil {
		return err
	}
	b, err := c.client.Export(ctx, path)
	if err != nil {
		return err
	}
	return c.Print(b, "Wrote, in clear, "+copyText(b))
}

// copyText says what is in a copy of a node.
func copyText(b localapi.Backup) string {
	return fmt.Sprintf("%s: %d contacts, %d conversations, %d messages", cli.Defuse(b.Path), b.Contacts, b.Conversations, b.Messages)
}
