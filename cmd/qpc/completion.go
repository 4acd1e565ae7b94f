package main

import (
	"bytes"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
)

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write what makes a shell complete commands and contacts.",
		Long: `Write what makes a shell complete commands, flags and the names of contacts:

  bash   source <(qpc completion bash)
  zsh    source <(qpc completion zsh)
  fish   qpc completion fish | source

The line belongs into the shell's own start file.`,
		Args:      cli.Exactly(1),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			var b bytes.Buffer
			var err error
			switch root := cmd.Root(); args[0] {
			case "bash":
				err = root.GenBashCompletionV2(&b, true)
			case "zsh":
				// Sourced, the script has to register itself.
				if err = root.GenZshCompletion(&b); err == nil {
					b.WriteString("compdef _qpc qpc\n")
				}
			case "fish":
				err = root.GenFishCompletion(&b, true)
			default:
				return cli.Misused(cmd, "there is completion for bash, zsh and fish")
			}
			if err != nil {
				return err
			}
			return a.Print(map[string]string{"completion": b.String()}, strings.TrimSuffix(b.String(), "\n"))
		},
	}
}
