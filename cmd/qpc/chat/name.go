package chat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/terminal"
)

// askName asks a person who begins in a new home what to be called. Enter takes
// the name that they log in with; "" means that the node makes one.
func (a *Commands) askName(ctx context.Context, h cli.Home) (string, error) {
	if _, err := os.Stat(h.Paths().Store); !errors.Is(err, fs.ErrNotExist) {
		return "", nil // node.New says what is wrong with it
	}
	offer := loginName()
	question := "What shall people call you? "
	if offer != "" {
		question = fmt.Sprintf("What shall people call you? [%s] ", cli.Defuse(offer))
	}
	answer, err := terminal.Ask(ctx, a.Stdin, a.Stdout, question)
	if answer = strings.TrimSpace(answer); answer == "" {
		answer = offer
	}
	return answer, err
}

// loginName is the name that this user logs in with, "" if the system tells none.
func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return os.Getenv("USER")
}
