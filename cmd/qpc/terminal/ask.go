package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"quicnprotochat/cmd/qpc/cli"
)

// maxAnswer bounds a line that answers a question, in bytes.
const maxAnswer = 4096

// Ask puts a question to the person at the terminal and reads a line, and nothing
// beyond it. It ends with ctx too; then the reading lasts as long as the program.
func Ask(ctx context.Context, in io.Reader, out io.Writer, question string) (string, error) {
	if _, err := io.WriteString(out, question); err != nil {
		return "", fmt.Errorf("write output: %w", err)
	}
	type line struct {
		text string
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := readAnswer(in)
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
