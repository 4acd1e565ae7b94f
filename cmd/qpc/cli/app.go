package cli

import (
	"context"
	"io"
)

// App is one run of the program.
type App struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// HomeFlag and JSON are the flags of every command.
	HomeFlag string
	JSON     bool

	// Secret asks the person at the terminal for something that is not shown; nil
	// means at Stdin, if that is a terminal.
	Secret func(ctx context.Context, question string) ([]byte, error)
}
