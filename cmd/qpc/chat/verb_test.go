package chat

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
)

// TestVerbs holds the table against the tree of commands and the help.
func TestVerbs(t *testing.T) {
	commands := New(&cli.App{})
	root := &cobra.Command{Use: "qpc"}
	root.AddCommand(commands.Contact(), commands.Group(), &cobra.Command{Use: "backup"}, &cobra.Command{Use: "relay"})
	commands.AddVerbs(root)
	slashes := map[string]bool{}
	for _, v := range verbs() {
		if v.command == "" && v.slash == "" || v.do == nil || !strings.HasSuffix(v.short, ".") {
			t.Errorf("got %+v, want a name, a deed and a sentence", v)
		}
		if v.command != "" {
			cmd, rest, err := root.Find(strings.Fields(v.command))
			if err != nil || len(rest) > 0 || cmd.Short != v.short && !cmd.HasSubCommands() {
				t.Errorf("qpc %s: got %v, %q, %v", v.command, cmd.Name(), rest, err)
			}
		}
		if v.slash == "" {
			continue
		}
		if slashes[v.slash] {
			t.Errorf("/%s is there twice", v.slash)
		}
		slashes[v.slash] = true
		if own, rest, err := root.Find([]string{v.slash}); v.slash != "help" && v.slash != "quit" && (err != nil || len(rest) > 0 || own == root) {
			t.Errorf("there is no qpc %s: %v", v.slash, err)
		}
		if !strings.Contains(Help(), cli.HelpLine(v.usage(), v.short)) {
			t.Errorf("/help says nothing of /%s", v.slash)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		typed usage.Line
		rest  string
		ok    bool
	}{
		{"", "", true},
		{"", "more", false},
		{"NAME", " Anna  Smith ", true},
		{"NAME", " ", false},
		{"CONTACT...", "a  b c", true},
		{"CONTACT...", strings.Repeat("a ", usage.Most+1), false},
		{"[N]", "", true},
	} {
		if got, err := (verb{slash: "v", typed: c.typed}).split(c.rest); (err == nil) != c.ok {
			t.Errorf("%q of %q: got %q, %v", c.rest, c.typed, got, err)
		}
	}
}

func TestInChat(t *testing.T) {
	const hint = "qpc rename CONVERSATION NAME; qpc accept CONTACT takes it; qpc group GROUP; qpc group info GROUP; qpc contacts lists them; qpc contact add LINK adds one; see: qpc group info X, qpc up, qpc statuses"
	const want = "/rename NAME; /accept CONTACT takes it; /group GROUP; /members; /contacts lists them; /add LINK adds one; see: /members X, qpc up, qpc statuses"
	if got := inChat(hint); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
