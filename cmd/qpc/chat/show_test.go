package chat

import (
	"bytes"
	"strings"
	"testing"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// TestAskedTwice has somebody ask, and then ask with a text, which is another event: it is
// told once, until that person was a contact.
func TestAskedTwice(t *testing.T) {
	var out bytes.Buffer
	c := &chat{Commands: New(&cli.App{Stdout: &out}), repl: true, asked: map[string]bool{}}
	ask := localapi.Event{Event: localapi.EventRequest, Contact: &localapi.Contact{Identity: "12D3KooW", Name: "bob"}}
	for _, step := range []struct {
		kind localapi.Kind
		want int
	}{
		{localapi.EventRequest, 1},
		{localapi.EventRequest, 1},
		{localapi.EventContact, 1},
		{localapi.EventRequest, 2},
	} {
		e := ask
		e.Event = step.kind
		if err := c.event(e); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "asks to write to you"); got != step.want {
			t.Errorf("after %s: told %d times, want %d", step.kind, got, step.want)
		}
	}
}
