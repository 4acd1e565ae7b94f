package chat

import (
	"bytes"
	"fmt"
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

// TestWrittenElsewhere shows what the user writes in another front end, once and with
// whom it is for if that is not who is written to; what was written here is there already.
func TestWrittenElsewhere(t *testing.T) {
	var out bytes.Buffer
	c := &chat{
		Commands: New(&cli.App{Stdout: &out}), repl: true, self: localapi.Identity{Identity: "me"},
		with: &chatPartner{id: "bob", name: "bob"},
	}
	if err := c.sending(localapi.Delivery{ID: "1", State: localapi.Queued}, "here"); err != nil {
		t.Fatal(err)
	}
	bob, group := localapi.Contact{Identity: "bob", Name: "bob"}, localapi.Group{ID: "g", Name: "all"}
	for _, step := range []struct {
		message localapi.Message
		contact *localapi.Contact
		group   *localapi.Group
		want    string
	}{
		{localapi.Message{ID: "1", To: "bob", Text: "here"}, &bob, nil, ""},
		{localapi.Message{ID: "2", To: "bob", Text: "there"}, &bob, nil, "  you: there\n"},
		{localapi.Message{ID: "2", To: "bob", Text: "there"}, &bob, nil, ""},
		{localapi.Message{ID: "3", To: "carl", Text: "hi"}, &localapi.Contact{Identity: "carl", Name: "carl"}, nil, "  you to carl: hi\n"},
		{localapi.Message{ID: "4", To: "g", Group: "g", Text: "you all"}, nil, &group, "  you to the group all: you all\n"},
		{localapi.Message{ID: "5", To: "me", Text: "milk"}, &localapi.Contact{Identity: "me"}, nil, "  you to yourself: milk\n"},
	} {
		out.Reset()
		step.message.From = "me"
		if err := c.event(localapi.Event{Event: localapi.EventSent, Message: &step.message, Contact: step.contact, Group: step.group}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.HasSuffix(got, step.want) || step.want == "" && got != "" {
			t.Errorf("%q: got %q, want %q", step.message.Text, got, step.want)
		}
	}
}

// TestGreet names the first who wrote and counts the others.
func TestGreet(t *testing.T) {
	var out bytes.Buffer
	c := &chat{Commands: New(&cli.App{Stderr: &out}), unread: map[string]int{}}
	var list []localapi.Conversation
	for i := range 12 {
		list = append(list, localapi.Conversation{ID: fmt.Sprint(i), Name: fmt.Sprintf("bob%d", i), Unread: 2})
	}
	c.greet(list)
	got := out.String()
	if strings.Count(got, "unread; /switch") != 10 || !strings.Contains(got, "bob9 ") || !strings.Contains(got, "and 2 more") || len(c.unread) != 12 {
		t.Errorf("got %q, %v", got, c.unread)
	}
}
