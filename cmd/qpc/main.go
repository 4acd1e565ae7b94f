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

	"quicnprotochat/cmd/qpc/chat"
	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/cmd/qpc/relaycmd"
	"quicnprotochat/node/localapi"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app makes the commands of one run of the program that are not of a package below.
type app struct{ *cli.App }

// run runs one command and returns its exit code. Signals that ask the program
// to end end the command's context; a second one ends the program at once.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	a := &app{&cli.App{Stdin: stdin, Stdout: stdout, Stderr: stderr, JSON: asksForJSON(args)}}
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
	return a.Fail(err)
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
		RunE:              cli.NeedsCommand,
	}
	root.PersistentFlags().StringVar(&a.HomeFlag, "home", "", "keep everything in this `directory` (default $QPC_HOME, else qpc in $XDG_DATA_HOME or ~/.local/share)")
	root.PersistentFlags().BoolVar(&a.JSON, "json", a.JSON, "write one JSON object a line")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return cli.Misused(cmd, err.Error())
	})
	root.SetHelpFunc(a.help)
	root.SetHelpCommand(a.helpCommand())
	// In the order of the help, which is made from this.
	cobra.EnableCommandSorting = false
	c := chat.New(a.App)
	root.AddCommand(c.Chat(), a.upCommand(), a.downCommand(), c.Contact(), a.sendCommand(c), c.Group(), a.backupCommand(), relaycmd.New(a.App))
	c.AddVerbs(root)
	root.AddCommand(
		a.accountCommand(), a.demoCommand(), a.passwordCommand(), a.serviceCommand(), a.pathsCommand(),
		a.doctorCommand(), a.bugReportCommand(), a.completionCommand(), a.manCommand(), a.versionCommand(),
	)
	return root
}
