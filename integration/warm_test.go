package integration

import (
	"context"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// commits are the times at which a node's store has committed.
type commits struct {
	// mu guards the fields below.
	mu    sync.Mutex
	times []time.Time
}

// fault is the node's Config.Fault.
func (c *commits) fault(step string) error {
	if step == store.FaultAfterCommit {
		c.mu.Lock()
		c.times = append(c.times, time.Now())
		c.mu.Unlock()
	}
	return nil
}

// take returns the times since the last call.
func (c *commits) take() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	times := c.times
	c.times = nil
	return times
}

// BenchmarkWarm is one message after the other between two connected nodes on
// loopback, from the local API's method to the acknowledgement of the other
// node, with real disks. integration/measure puts it beside its bounds.
//
// Beside the whole it shows where the time goes: until the message is on the disk,
// from there until it is on the disk of the other node (which has to get it), from
// there until the sender has noted that, and until it is told.
func BenchmarkWarm(b *testing.B) {
	begin := func(name string, c *commits) *node.Node {
		ready := make(chan struct{})
		n, err := node.New(b.Context(), node.Config{
			Dir: b.TempDir(), Name: name, Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, LAN: "off",
			Fault: c.fault, OnReady: func(node.Ready) { close(ready) },
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
	var here, there commits
	alice, bob := begin("alice", &here), begin("bob", &there)
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
	var stages [4]time.Duration
	measured := 0
	for b.Loop() {
		b.StopTimer()
		time.Sleep(5 * time.Millisecond) // what follows from the message before is done
		here.take()
		there.take()
		b.StartTimer()
		typed := time.Now()
		send()
		told := time.Now()
		ours, theirs := here.take(), there.take()
		if len(ours) < 2 || len(theirs) < 1 || ours[1].Before(theirs[0]) {
			continue // something else was going on
		}
		measured++
		for i, d := range []time.Duration{ours[0].Sub(typed), theirs[0].Sub(ours[0]), ours[1].Sub(theirs[0]), told.Sub(ours[1])} {
			stages[i] += d
		}
	}
	for i, name := range []string{"persist", "send+commit", "ack+note", "tell"} {
		b.ReportMetric(float64(stages[i].Microseconds())/float64(max(measured, 1)), "µs/"+name)
	}
}
