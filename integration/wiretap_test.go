package integration

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestWiretap lets the network look into each packet of two who chat straight and over
// their relay: it sees no text, no name, and not who they are.
func TestWiretap(t *testing.T) {
	simulate(t, func(w *world) {
		seen := &bytes.Buffer{}
		w.net.Tap(func(_, _ netip.Addr, packet []byte) {
			seen.Write(packet)
			seen.WriteString("|")
		})
		r := &simRelay{w: w, ip: w.ip(), dir: w.t.TempDir(), sealed: true}
		r.start()
		w.stop = append(w.stop, r.halt)
		a, b := w.node("the-name-of-alice", r.url()), w.node("the-name-of-bob", r.url())
		a.meet(b, "a text that goes straight")
		b.halt()
		a.await(a.send(b, "a text that waits at the relay"), localapi.Stored, time.Minute)
		b.start()
		b.await(b.send(a, "an answer"), localapi.Delivered, time.Minute)
		w.net.Tap(nil)
		if seen.Len() < 100_000 {
			w.t.Fatalf("only %d bytes were seen", seen.Len())
		}
		secret := map[string][]byte{
			"a text": []byte("a text that"), "an answer": []byte("an answer"), "a name": []byte("the-name-of-"),
			"the relay's key as text": []byte(r.URL().Key.String()),
		}
		for _, n := range []*simNode{a, b} {
			k := n.Key()
			secret["the key of "+n.name], secret["the key of "+n.name+" as text"] = k[:], []byte(n.id)
		}
		relay := r.URL().Key
		secret["the relay's key"] = relay[:]
		for what, needle := range secret {
			if bytes.Contains(seen.Bytes(), needle) {
				w.t.Errorf("the network sees %s", what)
			}
		}
	})
}

// TestTamper lets the network change a bit in every sixth packet: what was changed counts
// as lost, all texts come through as they were written, and nothing else does.
func TestTamper(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b := w.node("alice", r.url()), w.node("bob", r.url())
		a.meet(b, "0")
		packets := 0
		w.net.Tap(func(_, _ netip.Addr, packet []byte) {
			if packets++; packets%6 == 0 && len(packet) > 0 {
				packet[packets*7919%len(packet)] ^= 1 << (packets / 6 % 8)
			}
		})
		want := []string{"0"}
		for i := range 20 {
			text := fmt.Sprintf("%d: not one character of it is another", i+1)
			want = append(want, text)
			a.await(a.send(b, text), localapi.Delivered, 5*time.Minute)
			if i%5 == 0 {
				b.halt()
				time.Sleep(time.Minute)
				b.start()
			}
		}
		w.net.Tap(nil)
		if packets < 500 {
			w.t.Fatalf("%d packets went by", packets)
		}
		b.wantTexts(a, want...)
		a.wantTexts(b, want...)
		if s, err := b.Status(context.Background()); err != nil || s.Queue != (localapi.Queue{}) {
			w.t.Errorf("what is left in bob's queue: %+v, %v", s.Queue, err)
		}
	})
}
