package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

func TestDefuse(t *testing.T) {
	for in, want := range map[string]string{
		"Zoë 李 👩‍💻":        "Zoë 李 👩‍💻",
		"\x1b[31mred\x07":  "<U+001B>[31mred<U+0007>",
		"a\u202egpj.exe":   "a<U+202E>gpj.exe",
		"\u009b2Jclear":    "<U+009B>2Jclear",
		"one\nbob: two":    "one\n    bob: two",
		"one\r\ntwo\rover": "one\n    two<U+000D>over",
		"tab\there":        "tab    here",
		"\u2028line":       "<U+2028>line",
		"broken \xff":      "broken \ufffd",
	} {
		if got := defuse(in); got != want {
			t.Errorf("defuse(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestJSONLine(t *testing.T) {
	in := map[string]string{"text": "<a href=\"x\">\x1b\u009b\u202e\U000e0041 Zoë 👩‍💻\n"}
	line, err := jsonLine(in)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"text":"<a href=\"x\">\u001b\u009b\u202e\udb40\udc41 Zoë 👩‍💻\n"}` + "\n"; string(line) != want {
		t.Errorf("got %s, want %s", line, want)
	}
	var out map[string]string
	if err := json.Unmarshal(line, &out); err != nil || out["text"] != in["text"] {
		t.Errorf("got %q back, %v", out["text"], err)
	}
}

func TestFail(t *testing.T) {
	e := &localapi.Error{Message: "the link was \x1bchanged", Hint: "ask for it again", Exit: localapi.ExitSignature}
	var errs bytes.Buffer
	a := &app{stderr: &errs}
	if got := a.fail(e); got != localapi.ExitSignature {
		t.Errorf("got exit %d, want 6", got)
	}
	if want := "qpc: the link was <U+001B>changed\nask for it again\n"; errs.String() != want {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
}

func TestTextFromStdin(t *testing.T) {
	for _, tt := range []struct {
		in   string
		exit int
	}{
		{"hello\n", localapi.ExitOK},
		{strings.Repeat("x", localapi.MaxText), localapi.ExitOK},
		{strings.Repeat("x", localapi.MaxText+1), localapi.ExitUsage},
		{strings.Repeat("x", 70_000), localapi.ExitUsage},
		{"", localapi.ExitUsage},
		{"\xff", localapi.ExitUsage},
	} {
		a := &app{stdin: strings.NewReader(tt.in)}
		text, err := a.text("-")
		exit := localapi.ExitOK
		if err != nil {
			exit = localapi.AsError(err).Exit
		}
		if exit != tt.exit || exit == localapi.ExitOK && text != tt.in {
			t.Errorf("%d bytes: got %d bytes, %v, want exit %d", len(tt.in), len(text), err, tt.exit)
		}
	}
}
