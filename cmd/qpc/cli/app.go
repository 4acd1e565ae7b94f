package cli

import "io"

// App is one run of the program.
type App struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// HomeFlag and JSON are the flags of every command.
	HomeFlag string
	JSON     bool
}
