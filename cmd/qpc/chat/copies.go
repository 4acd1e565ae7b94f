package chat

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat/transcript"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/words"
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

// formatSQLite is a format of an export, beside those of package transcript.
const formatSQLite = "sqlite"

func exportFlags(cmd *cobra.Command, r *request) {
	cmd.Flags().StringVar(&r.format, "format", transcript.Text, "text, json, or sqlite: of `FORMAT` sqlite is all of the store, in clear, and needs a FILE alone")
}

// export writes a conversation to a file, or shows it, and as sqlite the store.
func (c *chat) export(ctx context.Context, r request) error {
	inJSON := r.format == transcript.JSON || c.JSON
	switch {
	case r.format == formatSQLite && len(r.args) > 0:
		return cli.UsageError("an export of format sqlite is the whole store: it takes a FILE alone", "qpc export --format sqlite FILE")
	case r.format == formatSQLite:
		return c.exportStore(ctx, r.with)
	case !slices.Contains([]string{"", transcript.Text, transcript.JSON}, r.format):
		return cli.UsageError("there is no format "+r.format, "--format text, json or sqlite")
	case len(r.args) > 0:
		w, err := transcript.WriteFile(ctx, c.client, r.with, r.args[0], inJSON)
		if err != nil {
			return err
		}
		return c.Print(w, w.String())
	}
	_, err := transcript.Write(ctx, c.client, r.with, c.Stdout, inJSON)
	return err
}

// exportStore writes the store in clear.
func (c *chat) exportStore(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	b, err := c.client.Export(ctx, path)
	if err != nil {
		return err
	}
	return c.Print(b, "Wrote, in clear, "+words.Backup(b))
}
