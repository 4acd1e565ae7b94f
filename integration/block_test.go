package integration

import (
	"context"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestBlockedTakesNothing blocks somebody who is connected: this machine acknowledges
// nothing of theirs any more, so that they are not told that it took what is never shown.
func TestBlockedTakesNothing(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("anna"), w.node("bob")
		a.add(b)
		a.await(a.send(b, "hello"), localapi.Delivered, time.Minute)
		b.await(b.send(a, "hello too"), localapi.Delivered, time.Minute)
		_, err := a.Decide(context.Background(), localapi.TrustRequest{Contact: "bob", Action: localapi.TrustBlock})
		must(t, err)
		id := b.send(a, "let me in")
		time.Sleep(time.Minute)
		if x := b.why(id); x.State != localapi.Queued {
			t.Errorf("the message of who is blocked is %s: %s", x.State, x.Why)
		}
		if got := a.texts(b); len(got) != 2 {
			t.Errorf("anna is shown %q", got)
		}
	})
}
