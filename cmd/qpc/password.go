package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"quicnprotochat/node/localapi"
)

// passwordSource says where a password comes from. It is never an argument: those
// are on the list of processes, and in the history of the shell.
type passwordSource struct {
	// what it is called at the prompt.
	what string
	// flag names the file, env the variable.
	flag, env string
	file      string
	// twice asks for it again: nobody sees what is typed.
	twice bool
}

// password returns the password of a source: the file that was named, else the
// variable, else what is typed. The caller wipes it.
func (a *app) password(s passwordSource) ([]byte, error) {
	if s.file != "" {
		return a.passwordFile(s)
	}
	if text, found := os.LookupEnv(s.env); found {
		_ = os.Unsetenv(s.env) // what is started from here does not inherit it
		return s.check([]byte(text))
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, usageError("no "+s.what, fmt.Sprintf("type it at a terminal, or use --%s FILE or %s", s.flag, s.env))
	}
	password, err := a.prompt(in, s.what)
	if err != nil || !s.twice {
		return password, err
	}
	again, err := a.prompt(in, s.what+", again")
	defer clear(again)
	if err == nil && !bytes.Equal(password, again) {
		err = usageError("the two are not the same", "type it again")
	}
	if err != nil {
		clear(password)
		return nil, err
	}
	return password, nil
}

func (a *app) passwordFile(s passwordSource) ([]byte, error) {
	f := a.stdin
	if s.file != "-" {
		file, err := os.Open(s.file)
		if err != nil {
			return nil, usageError(fmt.Sprintf("the %s is not in its file: %v", s.what, err), "")
		}
		defer file.Close()
		f = file
	}
	// One byte more than is good, and room for the end of the line.
	buf := make([]byte, localapi.MaxPassword+3)
	n, err := io.ReadFull(f, buf)
	if err != nil && n == 0 && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", s.what, err)
	}
	line, rest, _ := bytes.Cut(buf[:n], []byte("\n"))
	if len(bytes.TrimSpace(rest)) > 0 {
		clear(buf)
		return nil, usageError("the file of the "+s.what+" has more than one line", "")
	}
	return s.check(bytes.TrimSuffix(line, []byte("\r")))
}

func (s passwordSource) check(password []byte) ([]byte, error) {
	switch {
	case len(password) == 0:
		return nil, usageError("the "+s.what+" is empty", "")
	case len(password) > localapi.MaxPassword:
		clear(password)
		return nil, usageError(fmt.Sprintf("the %s is longer than %d bytes", s.what, localapi.MaxPassword), "")
	}
	return password, nil
}

// prompt reads a line from a terminal that does not show it.
func (a *app) prompt(in *os.File, what string) ([]byte, error) {
	fmt.Fprintf(a.stderr, "%s: ", what)
	state, err := term.GetState(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	// A signal ends the program by its context, and must not leave the terminal mute.
	defer func() { _ = term.Restore(int(in.Fd()), state) }()
	password, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.stderr)
	if err != nil {
		clear(password)
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return passwordSource{what: what}.check(password)
}
