package integration

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestUnused lets two who are connected say nothing for a day: after that no packet goes
// from one to the other. When there is something to say again, it is there at once.
func TestUnused(t *testing.T) {
	simulate(t, func(w *world) {
		a, b := w.node("anna"), w.node("bob")
		a.meet(b, "hello")
		var mu sync.Mutex
		between := 0
		ends := []netip.Addr{netip.MustParseAddr(a.ip), netip.MustParseAddr(b.ip)}
		w.net.Tap(func(from, to netip.Addr, _ []byte) {
			mu.Lock()
			defer mu.Unlock()
			if slices.Contains(ends, from) && slices.Contains(ends, to) {
				between++
			}
		})
		count := func(d time.Duration) int {
			mu.Lock()
			between = 0
			mu.Unlock()
			time.Sleep(d)
			mu.Lock()
			defer mu.Unlock()
			return between
		}
		if n := count(22 * time.Hour); n == 0 {
			t.Error("nobody keeps the connection for a day")
		}
		time.Sleep(4 * time.Hour)
		if n := count(2 * time.Hour); n > 0 {
			t.Errorf("%d packets went between two who have not talked for a day", n)
		}
		a.await(a.send(b, "still there?"), localapi.Delivered, time.Second)
		b.await(b.send(a, "yes"), localapi.Direct, 5*time.Second)
	})
}
