package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// refuses ARGS are the most arguments of a command, several where the last ends with
// three dots: with a flag that there is not it is exit 2, nothing is on stdout, and
// stderr says what is wrong; so it is with an argument too many and --json, in one line.
func refuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: refuses ARGS")
	}
	more := append(slices.Clone(args), "surplus")
	if last := len(args) - 1; strings.HasSuffix(args[last], "...") {
		more = append(args[:last:last], slices.Repeat([]string{args[last]}, 102)...)
	}
	misused(ts, `unknown flag: --nonsense`, append(slices.Clone(args), "--nonsense"))
	misused(ts, `too many arguments: .*|there is no command qpc .*`, append(more, "--json"))
}

// lacks ARGS are too few arguments of a command, or name one that is none without
// another one below it: refused likewise, with --json.
func lacks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: lacks ARGS")
	}
	misused(ts, `too few arguments|qpc .* needs a command`, append(slices.Clone(args), "--json"))
}

// misused runs a command that is to be refused, once as people do and once with --json,
// and checks what it says.
func misused(ts *testscript.TestScript, what string, args []string) {
	if got := exitCode(ts, append([]string{"qpc"}, args...)); got != 2 {
		ts.Fatalf("qpc %q: got exit %d, want 2", args, got)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("qpc %q: got %q on stdout, want nothing", args, out)
	}
	said, hint := "", ""
	stderr := ts.ReadFile("stderr")
	if slices.Contains(args, "--json") {
		var e struct {
			Error, Hint string
			Exit        int
		}
		if err := json.Unmarshal([]byte(stderr), &e); err != nil || strings.Count(stderr, "\n") != 1 || e.Exit != 2 {
			ts.Fatalf("qpc %q: got %q, want one line of JSON with exit 2", args, stderr)
		}
		said, hint = e.Error, e.Hint
	} else {
		said, hint, _ = strings.Cut(strings.TrimPrefix(stderr, "qpc: "), "\n")
	}
	if !regexp.MustCompile(`^(`+what+`)$`).MatchString(said) || !regexp.MustCompile(`^(usage: qpc |see: qpc help)`).MatchString(hint) {
		ts.Fatalf("qpc %q: got %q and %q", args, said, hint)
	}
}

// fields FILE FIELD... checks that all lines of a file or of stdout are objects of JSON
// that have exactly those fields: one inside another is named by both with a dot, and one
// that may be absent ends with a question mark, and one with any fields in it with .* Of a
// list, and of several lines, each field of each element counts.
func fields(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fields FILE FIELD...")
	}
	got := map[string]bool{}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("not an object: %q: %v", line, err)
		}
		gather(got, "", object)
	}
	for _, name := range args[1:] {
		name, optional := strings.CutSuffix(name, "?")
		name, open := strings.CutSuffix(name, ".*")
		if !got[name] && !optional {
			ts.Fatalf("there is no field %s, but %q", name, slices.Sorted(maps.Keys(got)))
		}
		delete(got, name)
		maps.DeleteFunc(got, func(other string, _ bool) bool { return open && strings.HasPrefix(other, name+".") })
	}
	if len(got) > 0 {
		ts.Fatalf("the script does not name %q", slices.Sorted(maps.Keys(got)))
	}
}

// gather notes the fields of a value.
func gather(got map[string]bool, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, v := range v {
			got[strings.TrimPrefix(name+"."+key, ".")] = true
			gather(got, name+"."+key, v)
		}
	case []any:
		for _, v := range v {
			gather(got, name, v)
		}
	}
}
