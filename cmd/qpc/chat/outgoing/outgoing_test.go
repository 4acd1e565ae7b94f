package outgoing

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestStates tells a person of a message that goes well when its receipt is back, of a slow
// one that it is on its way, and nothing twice.
func TestStates(t *testing.T) {
	var o Messages
	d := localapi.Delivery{ID: "1", State: localapi.Queued, Path: "none"}
	if line := o.Sending(d, "#1 ", "hello", true); line != "" || o.Here() != 1 {
		t.Errorf("got %q and %d here, want nothing to tell yet and 1", line, o.Here())
	}
	if lines := o.Due(time.Now()); len(lines) > 0 {
		t.Errorf("got %q at once", lines)
	}
	late := time.Now().Add(2 * Delay)
	if lines := o.Due(late); len(lines) != 1 || lines[0] != "  #1 (on its way) hello" {
		t.Errorf("got %q, want that it is on its way", lines)
	}
	for _, step := range []struct {
		state localapi.State
		want  string
		here  int
	}{
		{localapi.Stored, "  #1 (stored, path mailbox) hello", 0},
		{localapi.Stored, "", 0},
		{localapi.Delivered, "  #1 (delivered, path mailbox) hello", 0},
		{localapi.Read, "", 0}, // it is not followed any more
	} {
		line := o.State(localapi.Delivery{ID: "1", State: step.state, Path: "mailbox"})
		if line != step.want || o.Here() != step.here {
			t.Errorf("%s: got %q and %d here, want %q and %d", step.state, line, o.Here(), step.want, step.here)
		}
	}
	if lines := o.Due(late); len(lines) > 0 {
		t.Errorf("got %q of a message that is delivered", lines)
	}
}

// TestProgram tells a program of each message as it is sent, however many there are.
func TestProgram(t *testing.T) {
	var o Messages
	for i := range tracked + 1 {
		d := localapi.Delivery{ID: strings.Repeat("x", i), State: localapi.Queued, Path: "none"}
		if line := o.Sending(d, "", "hello", false); line != "  (queued, path none) hello" {
			t.Errorf("message %d: got %q", i, line)
		}
	}
	if o.Here() != tracked+1 {
		t.Errorf("got %d here, want all", o.Here())
	}
}

// TestOrder tells of those that are on their way in the order in which they were sent.
func TestOrder(t *testing.T) {
	var o Messages
	var want []string
	for i := range 20 {
		text := strconv.Itoa(i)
		o.Sending(localapi.Delivery{ID: text, State: localapi.Queued, Path: "none"}, "", text, true)
		want = append(want, "  (on its way) "+text)
	}
	if got := o.Due(time.Now().Add(2 * Delay)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
