package chat

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
)

// askName asks a person who begins in a new home what to be called; "" means that the
// node makes a name.
func (a *Commands) askName(ctx context.Context, h cli.Home) (string, error) {
	if !isNew(h) {
		return "", nil // node.New says what is wrong with it
	}
	return terminal.AskName(ctx, a.Stdin, a.Stdout)
}

// isNew reports whether nothing was ever kept in a home.
func isNew(h cli.Home) bool {
	_, err := os.Stat(h.Paths().Store)
	return errors.Is(err, fs.ErrNotExist)
}

// isKnownName reports whether a word can only mean who is known already: it is neither a
// link nor NAME@RELAY.
func isKnownName(word string) bool {
	return !strings.HasPrefix(word, "qpc:") && !strings.Contains(word, "@")
}
