package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app is one run of the program.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	// homeFlag and json are the flags of every command.
	homeFlag string
	json     bool
}

// run runs one command and returns its exit code. Signals that ask the program
// to end end the command's context; a second one ends the program at once.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, json: asksForJSON(args)}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return localapi.ExitOK
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = &localapi.Error{Message: "interrupted", Exit: localapi.ExitOther}
	}
	return a.fail(err)
}

// asksForJSON finds --json before the flags are parsed, so that an error of the
// parsing too is written as asked for.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// root is the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "qpc",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE:              group,
	}
	root.PersistentFlags().StringVar(&a.homeFlag, "home", "", "keep everything in this `directory` (default $QPC_HOME, else qpc in $XDG_DATA_HOME or ~/.local/share)")
	root.PersistentFlags().BoolVar(&a.json, "json", a.json, "write one JSON object a line")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misused(cmd, err.Error())
	})
	root.SetHelpFunc(a.help)
	root.SetHelpCommand(a.helpCommand())
	// In the order of the help, which is made from this.
	cobra.EnableCommandSorting = false
	root.AddCommand(a.chatCommand(), a.upCommand(), a.downCommand(), a.contactCommand(), a.groupCommand())
	a.addVerbs(root)
	root.AddCommand(
		a.sendCommand(), a.accountCommand(), a.relayCommand(), a.demoCommand(), a.serviceCommand(), a.pathsCommand(),
		a.doctorCommand(), a.bugReportCommand(), a.completionCommand(), a.manCommand(), a.versionCommand(),
	)
	return root
}

// group is what a command does that only has commands below it.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return misused(cmd, cmd.CommandPath()+" needs a command")
	}
	return misused(cmd, "there is no command "+cmd.CommandPath()+" "+args[0])
}

// exactly takes n arguments.
func exactly(n int) cobra.PositionalArgs {
	return between(n, n)
}

// between takes least to most arguments.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return misused(cmd, "too few arguments")
		case len(args) > most:
			return misused(cmd, "too many arguments: a text of several words needs quotes")
		default:
			return nil
		}
	}
}

// misused is a usage error of a command.
func misused(cmd *cobra.Command, message string) error {
	hint := "see: qpc help"
	if cmd.HasParent() {
		hint = "usage: " + cmd.UseLine()
	}
	return usageError(message, hint)
}

func usageError(message, hint string) error {
	return &localapi.Error{Message: message, Hint: hint, Exit: localapi.ExitUsage}
}
