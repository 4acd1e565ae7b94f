package transport

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// TestCloseWhileDialling closes hosts just when they begin to dial.
func TestCloseWhileDialling(t *testing.T) {
	for i := range 100 {
		h, err := New(Config{PrivateKey: testKey(1), Listen: []Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}})
		if err != nil {
			t.Fatal(err)
		}
		k := keyFor(byte(2 + i%100))
		h.Learn(k, SourceLink, []Addr{"/ip4/127.0.0.1/udp/9/quic-v1"})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = h.Open(context.Background(), k)
		}()
		time.Sleep(rand.N(400 * time.Microsecond))
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		<-ended
	}
}
