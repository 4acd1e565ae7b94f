package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"quicnprotochat/node/localapi"
)

// PasswordSource says where a password comes from that does not stand on the command
// line: others see that on the list of processes, and in the history of the shell.
type PasswordSource struct {
	// What it is called at the prompt.
	What string
	// Flag names the file, Env the variable.
	Flag, Env string
	File      string
	// Twice asks for it again: nobody sees what is typed.
	Twice bool
}

// BackupPassword is where the password of a backup comes from.
func BackupPassword(twice bool) PasswordSource {
	return PasswordSource{What: "password of the backup", Flag: "password-file", Env: "QPC_BACKUP_PASSWORD", Twice: twice}
}

// AddFlag gives a command the flag that names the file.
func (s *PasswordSource) AddFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.File, s.Flag, "", fmt.Sprintf("read the %s from `FILE`, - for stdin (default $%s, else ask)", s.What, s.Env))
}

// Password returns the password of a source: the file that was named, else the
// variable, else what is typed until ctx ends. The caller wipes it.
func (a *App) Password(ctx context.Context, s PasswordSource) ([]byte, error) {
	if s.File != "" {
		return a.passwordFile(s)
	}
	if text, found := os.LookupEnv(s.Env); found {
		_ = os.Unsetenv(s.Env) // what is started from here does not inherit it
		return s.check([]byte(text))
	}
	ask := a.Secret
	if in, ok := a.Stdin.(*os.File); ask == nil && ok && term.IsTerminal(int(in.Fd())) {
		ask = func(ctx context.Context, what string) ([]byte, error) { return a.prompt(ctx, in, what) }
	}
	if ask == nil {
		return nil, UsageError("no "+s.What, fmt.Sprintf("type it at a terminal, or use --%s FILE or %s", s.Flag, s.Env))
	}
	password, err := ask(ctx, s.What)
	if err == nil {
		password, err = s.check(password)
	}
	if err != nil || !s.Twice {
		return password, err
	}
	again, err := ask(ctx, s.What+", again")
	defer clear(again)
	if err == nil && !bytes.Equal(password, again) {
		err = UsageError("the two are not the same", "type it again")
	}
	if err != nil {
		clear(password)
		return nil, err
	}
	return password, nil
}

func (a *App) passwordFile(s PasswordSource) ([]byte, error) {
	f := a.Stdin
	if s.File != "-" {
		file, err := os.Open(s.File)
		if err != nil {
			return nil, UsageError(fmt.Sprintf("the %s is not in its file: %v", s.What, err), "")
		}
		defer file.Close()
		f = file
	}
	// One byte more than is good, and room for the end of the line.
	buf := make([]byte, localapi.MaxPassword+3)
	n, err := io.ReadFull(f, buf)
	if err != nil && n == 0 && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", s.What, err)
	}
	line, rest, _ := bytes.Cut(buf[:n], []byte("\n"))
	if len(bytes.TrimSpace(rest)) > 0 {
		clear(buf)
		return nil, UsageError("the file of the "+s.What+" has more than one line", "")
	}
	return s.check(bytes.TrimSuffix(line, []byte("\r")))
}

func (s PasswordSource) check(password []byte) ([]byte, error) {
	switch {
	case len(password) == 0:
		return nil, UsageError("the "+s.What+" is empty", "")
	case len(password) > localapi.MaxPassword:
		clear(password)
		return nil, UsageError(fmt.Sprintf("the %s is longer than %d bytes", s.What, localapi.MaxPassword), "")
	}
	return password, nil
}

// prompt reads a line from a terminal that does not show it.
func (a *App) prompt(ctx context.Context, in *os.File, what string) ([]byte, error) {
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	// A signal ends the program by its context, and must not leave the terminal mute.
	defer func() { _ = term.Restore(int(in.Fd()), before) }()
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	// A read of a terminal can't be broken off: after ctx it ends with the program.
	go func() {
		text, err := term.ReadPassword(int(in.Fd()))
		typed <- line{text, err}
	}()
	awaitMute(in, before)
	fmt.Fprintf(a.Stderr, "%s: ", what)
	var got line
	select {
	case got = <-typed:
	case <-ctx.Done():
		got.err = ctx.Err()
	}
	fmt.Fprintln(a.Stderr)
	if got.err != nil {
		clear(got.text)
		return nil, fmt.Errorf("read %s: %w", what, got.err)
	}
	return got.text, nil
}

// awaitMute waits until a terminal is set to show nothing, for at most a second: one
// that was before looks the same. Who types as soon as there is a prompt must not see
// it.
func awaitMute(in *os.File, before *term.State) {
	for range 200 {
		if now, err := term.GetState(int(in.Fd())); err != nil || *now != *before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
