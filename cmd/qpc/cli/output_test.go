package cli

import (
	"bytes"
	"encoding/json"
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
		if got := Defuse(in); got != want {
			t.Errorf("defuse(%q): got %q, want %q", in, got, want)
		}
	}
}

func TestJSONLine(t *testing.T) {
	in := map[string]string{"text": "<a href=\"x\">\x1b\u009b\u202e\U000e0041 Zoë 👩‍💻\n"}
	line, err := JSONLine(in)
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
	a := &App{Stderr: &errs}
	if got := a.Fail(e); got != localapi.ExitSignature {
		t.Errorf("got exit %d, want 6", got)
	}
	if want := "qpc: the link was <U+001B>changed\nask for it again\n"; errs.String() != want {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
}
