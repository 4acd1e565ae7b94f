package chat

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
)

// askName asks a person who begins in a new home what to be called; "" means that the
// node makes a name.
func (a *Commands) askName(ctx context.Context, h cli.Home) (string, error) {
	if _, err := os.Stat(h.Paths().Store); !errors.Is(err, fs.ErrNotExist) {
		return "", nil // node.New says what is wrong with it
	}
	return terminal.AskName(ctx, a.Stdin, a.Stdout)
}
