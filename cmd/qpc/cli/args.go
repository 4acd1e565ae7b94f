package cli

import (
	"github.com/spf13/cobra"

	"quicnprotochat/node/localapi"
)

// NeedsCommand is what a command does that only has commands below it.
func NeedsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return Misused(cmd, cmd.CommandPath()+" needs a command")
	}
	return Misused(cmd, "there is no command "+cmd.CommandPath()+" "+args[0])
}

// Exactly takes n arguments.
func Exactly(n int) cobra.PositionalArgs {
	return Between(n, n)
}

// Between takes least to most arguments.
func Between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Misused(cmd, "too few arguments")
		case len(args) > most && most == 0 && cmd.HasSubCommands():
			return NeedsCommand(cmd, args)
		case len(args) > most:
			return Misused(cmd, "too many arguments: a text of several words needs quotes")
		default:
			return nil
		}
	}
}

// Choices lets a shell complete a flag of a command to one of some words.
func Choices(cmd *cobra.Command, flag string, words ...string) {
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // it has no such flag
	}
}

// Misused is a usage error of a command.
func Misused(cmd *cobra.Command, message string) error {
	hint := "see: qpc help"
	switch {
	case cmd.HasParent() && cmd.HasSubCommands():
		hint = "see: qpc help " + cmd.Name()
	case cmd.HasParent():
		hint = "usage: " + cmd.UseLine()
	}
	return UsageError(message, hint)
}

// UsageError is the error of a command that was not called as it must be.
func UsageError(message, hint string) error {
	return &localapi.Error{Message: message, Hint: hint, Exit: localapi.ExitUsage}
}
