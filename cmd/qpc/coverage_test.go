package main

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"quicnprotochat/cmd/qpc/chat"
	"quicnprotochat/cmd/qpc/chat/usage"
	"quicnprotochat/cmd/qpc/cli"
)

// tried is what the scripts do with a command.
type tried struct {
	fields, refuses, lacks bool
	flags                  map[string]bool
}

// scripts reads the scripts of TestScripts.
func scripts(t *testing.T) (all []*txtar.Archive) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %q, %v", paths, err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// word is one word of a script, with quotes where it has spaces.
var word = regexp.MustCompile(`(?:'[^']*'|[^\s'])+`)

// argsOf is what qpc gets in a line of a script, as words, and the file that has its
// output; nil if the line does not run it.
func argsOf(words []string) (args []string, output string) {
	switch at := slices.Index(words, "qpc"); words[0] {
	case "refuses", "lacks":
		return words[1:], ""
	case "start":
		return words[2:], words[1] + ".out"
	case "exec", "exits", "eventually":
		if at > 0 {
			return words[at+1:], "stdout"
		}
	}
	return nil, ""
}

// readScript notes what a script does with each command.
func readScript(root *cobra.Command, script string, did map[*cobra.Command]*tried) {
	outputs := map[string]*tried{} // of whom JSON is in a file
	for line := range strings.Lines(script) {
		words := word.FindAllString(line, -1)
		if len(words) < 2 {
			continue
		}
		if of := outputs[words[1]]; words[0] == "fields" && of != nil {
			of.fields = true
		}
		args, output := argsOf(words)
		cmd, _, err := root.Find(args)
		if args == nil || err != nil {
			continue
		}
		if did[cmd] == nil {
			did[cmd] = &tried{flags: map[string]bool{}}
		}
		of := did[cmd]
		of.refuses = of.refuses || words[0] == "refuses"
		of.lacks = of.lacks || words[0] == "lacks"
		outputs[output] = nil
		if slices.Contains(args, "--json") {
			outputs[output] = of
		}
		for _, arg := range args {
			if name, ok := strings.CutPrefix(arg, "--"); ok {
				name, _, _ = strings.Cut(name, "=")
				of.flags[name] = true
			}
		}
	}
}

const (
	// onLAN says nothing without a LAN: TestLAN of package integration has one.
	onLAN = "qpc lan"
	// hosting has a flag for each setting of a relay: package relay/settings tries them.
	hosting = "qpc relay run"
)

// TestScriptsTryAll: for each command of the program there is a script that runs it rightly
// and checks each field of its JSON, one that gives it too much, and one that gives it too
// little where it needs anything; and each flag is in a script.
func TestScriptsTryAll(t *testing.T) {
	root := (&app{&cli.App{}}).root()
	root.InitDefaultHelpCmd()
	did := map[*cobra.Command]*tried{}
	for _, a := range scripts(t) {
		readScript(root, string(a.Comment), did)
	}
	given := map[string]bool{}
	for _, d := range did {
		maps.Copy(given, d.flags)
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		if cmd == root {
			return
		}
		got := did[cmd]
		if got == nil {
			got = new(tried)
		}
		needs := !worksAlone(cmd) || cmd.Args(cmd, nil) != nil
		if worksAlone(cmd) && cmd.Annotations[chat.Alias] == "" && !got.fields && cmd.CommandPath() != onLAN {
			t.Errorf("no script checks the fields of %s --json", cmd.CommandPath())
		}
		if !got.refuses {
			t.Errorf("no script refuses %s with too many arguments", cmd.CommandPath())
		}
		if needs && !got.lacks {
			t.Errorf("no script tries that %s lacks an argument", cmd.CommandPath())
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if !given[f.Name] && cmd.CommandPath() != hosting {
				t.Errorf("no script gives --%s, as to %s", f.Name, cmd.CommandPath())
			}
		})
	}
	visit(root)
}

// TestScriptsTryVerbs: a script types each verb of the chat rightly, and one wrongly.
func TestScriptsTryVerbs(t *testing.T) {
	right, wrong := map[string]bool{}, map[string]bool{}
	verbs := map[string]usage.Line{}
	for _, m := range regexp.MustCompile(`(?m)^  /([a-z]+)((?: \S+)*)`).FindAllStringSubmatch(chat.Help(), -1) {
		verbs[m[1]] = usage.Line(m[2])
	}
	if len(verbs) < 40 {
		t.Fatalf("/help lists %d verbs", len(verbs))
	}
	typed := regexp.MustCompile(`(?m)^\s*(?:echo )?'?/([a-z]+)([^'\n]*)'?$`)
	for _, a := range scripts(t) {
		for _, f := range a.Files {
			for _, m := range typed.FindAllStringSubmatch(string(f.Data), -1) {
				line := verbs[m[1]]
				least, limit := line.Arity()
				if n := len(line.Split(m[2])); n < least || limit == 0 && n > 0 {
					wrong[m[1]] = true
				} else {
					right[m[1]] = true
				}
			}
		}
	}
	for verb, line := range verbs {
		if !right[verb] {
			t.Errorf("no script types /%s %s", verb, line)
		}
		if least, limit := line.Arity(); !wrong[verb] && (least > 0 || limit == 0) {
			t.Errorf("no script types /%s %s wrongly", verb, line)
		}
	}
}
