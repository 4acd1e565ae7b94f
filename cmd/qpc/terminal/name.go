package terminal

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
)

// AskName asks a person what to be called. Enter takes the name that they log in with, ""
// if the system tells none.
func AskName(ctx context.Context, in io.Reader, out io.Writer) (string, error) {
	offer := loginName()
	question := "What shall people call you? "
	if offer != "" {
		question = fmt.Sprintf("What shall people call you? [%s] ", cli.Defuse(offer))
	}
	answer, err := Ask(ctx, in, out, question)
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
