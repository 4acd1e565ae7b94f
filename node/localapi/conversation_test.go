package localapi

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func (b *backend) Mark(_ context.Context, r MarkRequest) (Delivery, error) {
	return Delivery{ID: testID, State: Queued, Path: PathNone, Why: string(r.Action) + " " + r.Message + " " + r.Text}, nil
}

func (b *backend) MarkRead(context.Context, string, string, bool) error { return nil }

func (b *backend) Typing(context.Context, string) error { return nil }

func (b *backend) Conversation(_ context.Context, contact string) (Conversation, error) {
	return Conversation{ID: contact, Timer: "0s"}, nil
}

func (b *backend) Set(_ context.Context, r SetRequest) (Conversation, error) {
	return Conversation{ID: r.Contact, Timer: r.Timer, Muted: r.Muted != nil && *r.Muted}, nil
}

func (b *backend) Unread(context.Context) ([]Conversation, error) { return nil, nil }

// TestMark holds what is refused at the door, and what passes it.
func TestMark(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	serve(t, socket, &backend{})
	c := NewClient(socket)
	defer c.Close()
	ctx := t.Context()
	d, err := c.Mark(ctx, MarkRequest{"b", "last", MarkEdit, "better"})
	if err != nil || d.Why != "edit last better" {
		t.Errorf("got %+v, %v", d, err)
	}
	for _, r := range []MarkRequest{
		{"", "last", MarkHide, ""},
		{"b", "", MarkHide, ""},
		{"b", strings.Repeat("a", maxContact+1), MarkHide, ""},
		{"b", "last", MarkReply, ""},
		{"b", "last", MarkEdit, strings.Repeat("a", MaxText+1)},
		{"b", "last", MarkReact, ""},
		{"b", "last", MarkReact, strings.Repeat("a", maxEmoji+1)},
		{"b", "last", "forward", ""},
	} {
		if _, err := c.Mark(ctx, r); exitOf(err) != ExitUsage {
			t.Errorf("%.60v: got %v", r, err)
		}
	}
	for _, timer := range []string{"soon", "-1s", "1.5s", "9000h"} {
		if _, err := c.Set(ctx, SetRequest{Contact: "b", Timer: timer}); exitOf(err) != ExitUsage {
			t.Errorf("timer %s: got %v", timer, err)
		}
	}
	yes := true
	if v, err := c.Set(ctx, SetRequest{Contact: "b", Timer: "24h", Muted: &yes}); err != nil || v.Timer != "24h" || !v.Muted {
		t.Errorf("got %+v, %v", v, err)
	}
	for name, err := range map[string]error{
		"read of nobody":         c.MarkRead(ctx, "", "", true),
		"typing to nobody":       c.Typing(ctx, ""),
		"read of a long id":      c.MarkRead(ctx, "b", strings.Repeat("a", maxContact+1), true),
		"conversation of nobody": func() error { _, err := c.Conversation(ctx, ""); return err }(),
	} {
		if exitOf(err) != ExitUsage {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestFleeting shows what is not kept to those who listen, without moving their place
// in the log.
func TestFleeting(t *testing.T) {
	b := &backend{}
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	serve(t, socket, b)
	c := NewClient(socket)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := []Event{}
	err := c.Events(ctx, 0, func(uint64) { b.Show(Event{Event: EventTyping, Contact: &Contact{Name: "b"}}) }, func(e Event) error {
		got = append(got, e)
		return context.Canceled
	})
	if err == nil || len(got) != 1 || got[0].ID != 0 || got[0].Event != EventTyping {
		t.Errorf("got %+v, %v", got, err)
	}
}
