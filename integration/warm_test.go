package integration

import (
	"context"
	"testing"

	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// BenchmarkWarm is one message after the other between two connected nodes on
// loopback, from the local API's method to the acknowledgement of the other
// node, with real disks. integration/measure puts it beside its bounds.
func BenchmarkWarm(b *testing.B) {
	begin := func(name string) *node.Node {
		ready := make(chan struct{})
		n, err := node.New(b.Context(), node.Config{
			Dir: b.TempDir(), Name: name, Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, LAN: "off",
			OnReady: func(node.Ready) { close(ready) },
		})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		b.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
		<-ready
		return n
	}
	alice, bob := begin("alice"), begin("bob")
	invite, err := bob.Invite(b.Context())
	if err == nil {
		_, err = alice.AddContact(b.Context(), invite.Link, "")
	}
	if err != nil {
		b.Fatal(err)
	}
	send := func() {
		d, err := alice.Send(b.Context(), "bob", "a message of a length that people write")
		if err == nil {
			d, err = alice.Await(b.Context(), d.ID, localapi.Direct)
		}
		if err != nil || !d.State.Reaches(localapi.Direct) {
			b.Fatal(d, err)
		}
	}
	send()
	for b.Loop() {
		send()
	}
}
