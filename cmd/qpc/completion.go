package main

import (
	"bytes"
	"strings"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/cli"
)

// bashWords is what the script for bash asks of the package bash-completion, for who has
// it not: the words of the line, with those together that bash parts at = and :.
const bashWords = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref() {
        local i word joined=
        words=() cword=0
        for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
            word=${COMP_WORDS[i]}
            if ((${#words[@]} > 1)) && [[ -n $joined || $word == [=:] ]]; then
                words[${#words[@]} - 1]+=$word
            else
                words+=("$word")
            fi
            joined=
            [[ $word == [=:] ]] && joined=yes
            ((i == COMP_CWORD)) && cword=$((${#words[@]} - 1))
        done
        cur=${words[cword]} prev=${words[cword - 1]}
    }
fi
`

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
				b.WriteString(bashWords)
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
