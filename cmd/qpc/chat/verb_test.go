package chat

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

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
			if err != nil || len(rest) > 0 || cmd.Short != v.short {
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
		if own, rest, err := root.Find([]string{v.slash}); v.command != "" && (err != nil || len(rest) > 0 || own == root) {
			t.Errorf("there is no qpc %s: %v", v.slash, err)
		}
		if !strings.Contains(Help(), cli.HelpLine(v.usage(), v.short)) {
			t.Errorf("/help says nothing of /%s", v.slash)
		}
	}
}

func TestArity(t *testing.T) {
	for usage, want := range map[string][2]int{
		"": {0, 0}, "NAME": {1, 1}, "[N]": {0, 1}, "LINK [NAME]": {1, 2},
		"GROUP CONTACT...": {2, most}, "NAME [CONTACT...]": {1, most},
	} {
		if least, limit := arity(usage); least != want[0] || limit != want[1] {
			t.Errorf("%q: got %d to %d, want %v", usage, least, limit, want)
		}
	}
	if got := argumentAt("NAME [CONTACT...]", 7); got != "CONTACT" {
		t.Errorf("got %q, want CONTACT", got)
	}
	if got := argumentAt("LINK [NAME]", 2); got != "" {
		t.Errorf("got %q, want none", got)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		typed, rest string
		want        []string
		ok          bool
	}{
		{"", "", nil, true},
		{"", "more", nil, false},
		{"NAME", " Anna  Smith ", []string{"Anna  Smith"}, true},
		{"NAME", " ", nil, false},
		{"LINK [NAME]", "qpc:A Anna Smith", []string{"qpc:A", "Anna Smith"}, true},
		{"CONTACT...", "a  b c", []string{"a", "b", "c"}, true},
		{"[N]", "", nil, true},
	} {
		got, err := verb{slash: "v", typed: c.typed}.split(c.rest)
		if !slices.Equal(got, c.want) || (err == nil) != c.ok {
			t.Errorf("%q of %q: got %q, %v, want %q", c.typed, c.rest, got, err, c.want)
		}
	}
}

func TestInChat(t *testing.T) {
	const hint = "qpc contacts lists them; qpc contact add LINK adds one; see: qpc group info X, qpc up, qpc statuses"
	const want = "/contacts lists them; /add LINK adds one; see: /members X, qpc up, qpc statuses"
	if got := inChat(hint); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
