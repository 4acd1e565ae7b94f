package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
)

// maxAnswer bounds a line that answers a question, in bytes.
const maxAnswer = 4096

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
	answer, err := a.ask(ctx, question)
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

// ask puts a question to the person at the terminal and reads a line, and nothing
// beyond it. It ends with ctx too; then the reading lasts as long as the program.
func (a *Commands) ask(ctx context.Context, question string) (string, error) {
	if _, err := io.WriteString(a.Stdout, question); err != nil {
		return "", fmt.Errorf("write output: %w", err)
	}
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := readAnswer(a.Stdin)
		got <- line{text, err}
	}()
	select {
	case l := <-got:
		return l.text, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// readAnswer reads to the end of a line, byte by byte: what is typed after it is
// for somebody else.
func readAnswer(r io.Reader) (string, error) {
	var text []byte
	for b := make([]byte, 1); ; {
		_, err := io.ReadFull(r, b)
		switch {
		case errors.Is(err, io.EOF) || err == nil && b[0] == '\n':
			return string(text), nil
		case err != nil:
			return "", fmt.Errorf("read answer: %w", err)
		case len(text) == maxAnswer:
			return "", cli.UsageError("the answer is too long", "")
		}
		text = append(text, b[0])
	}
}
