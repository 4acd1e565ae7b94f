package chat

import (
	"context"
	"path/filepath"

	"quicnprotochat/cmd/qpc/words"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
)

func backupFlags(cmd *cobra.Command, r *request) {
	r.password = cli.BackupPassword(true)
	r.password.AddFlag(cmd)
}

// backup writes a backup of the node.
func (c *chat) backup(ctx context.Context, r request) error {
	if _, err := c.client.Identity(ctx); err != nil {
		return err // before anybody types for nothing
	}
	source := r.password
	if c.repl {
		source = cli.BackupPassword(true)
	}
	path, err := filepath.Abs(r.args[0])
	if err != nil {
		return err
	}
	return c.meanwhile(ctx, func() (func() error, error) {
		password, err := c.App.Password(ctx, source)
		if err != nil {
			return nil, err
		}
		defer clear(password)
		c.Note("Writing and verifying…")
		b, err := c.client.Backup(ctx, path, password)
		return func() error { return c.Print(b, "Wrote and verified "+words.Backup(b)) }, err
	})
}

// export writes the store in clear.
func (c *chat) export(ctx context.Context, r request) error {
	path, err := filepath.Abs(r.args[0])
	if err != nil {
		return err
	}
	return c.meanwhile(ctx, func() (func() error, error) {
		b, err := c.client.Export(ctx, path)
		return func() error { return c.Print(b, "Wrote, in clear, "+words.Backup(b)) }, err
	})
}
