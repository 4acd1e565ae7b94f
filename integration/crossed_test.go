package integration

import (
	"context"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// crossed lets two who know each other call each other at the same moment, which makes
// two connections between them.
func (w *world) crossed(a, b *simNode) {
	w.t.Helper()
	a.halt()
	b.halt()
	w.net.Delay(a.ip, b.ip, time.Second)
	a.start()
	b.start()
	var both sync.WaitGroup
	both.Go(func() { _, _ = a.Ping(context.Background(), b.name) })
	both.Go(func() { _, _ = b.Ping(context.Background(), a.name) })
	both.Wait()
	w.net.Delay(a.ip, b.ip, 0)
	a.await(a.send(b, "crossed"), localapi.Delivered, 20*time.Second)
}

// TestCrossedDie: of two who called each other at once, one is gone. All connections
// between them are dead, and known to be with the first message that is not answered.
func TestCrossedDie(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "hello")
		w.crossed(a, b)
		time.Sleep(10 * time.Minute)
		w.net.Down(b.ip, true)
		id := a.send(b, "are you there?")
		t.Logf("noticed after %v", a.lost(b, 3*time.Second))
		w.net.Down(b.ip, false)
		a.await(id, localapi.Delivered, 90*time.Second)
		b.wantTexts(a, "hello", "crossed", "are you there?")
	})
}
