package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"quicnprotochat/node/localapi"
)

const (
	starts   = 7
	messages = 300
	// startGoal is the goal for a start of the node.
	startGoal = 150 * time.Millisecond
	// decisionGoal is the longest that a message may wait for the decision to use
	// the relay.
	decisionGoal = 300 * time.Millisecond
)

func (m *measurement) size(context.Context) error {
	info, err := os.Stat(m.bin)
	if err != nil {
		return err
	}
	m.row("size of the binary, stripped", mib(info.Size()), "–", "–")
	return nil
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// start times a node from exec to its ready line, on a home that exists.
func (m *measurement) start(ctx context.Context) error {
	var times []time.Duration
	var memory int64
	for range starts + 1 {
		p, err := m.node(ctx, "start")
		if err != nil {
			return err
		}
		times = append(times, p.took)
		time.Sleep(500 * time.Millisecond)
		if memory, err = p.memory(); err != nil {
			return err
		}
		p.end()
	}
	m.against("start of a node to ready, first time", times[0], "goal", startGoal)
	m.against("start of a node to ready, p50", quantile(times[1:], 0.5), "goal", startGoal)
	m.row("memory of an idle node, resident", mib(memory), "–", "–")
	return nil
}

// messages times what a user waits for between two nodes on loopback.
func (m *measurement) messages(ctx context.Context) error {
	a, err := m.node(ctx, "alice")
	if err != nil {
		return err
	}
	defer a.end()
	b, err := m.node(ctx, "bob")
	if err != nil {
		return err
	}
	defer b.end()
	api, err := acquaint(ctx, a, b)
	if err != nil {
		return err
	}
	first, err := timeSend(ctx, api, "bob", localapi.Direct)
	if err != nil {
		return err
	}
	m.against("first message, typed to acknowledged by their node", first, "round trip + 2 syncs", m.roundTrip+2*m.sync)
	for _, want := range []localapi.State{localapi.Direct, localapi.Delivered} {
		if err := m.warm(ctx, api, want); err != nil {
			return err
		}
	}
	return nil
}

// acquaint makes the person of b a contact of a, and returns the API of a.
func acquaint(ctx context.Context, a, b *process) (*localapi.Client, error) {
	invite, err := b.api().Invite(ctx)
	if err != nil {
		return nil, err
	}
	api := a.api()
	_, err = api.AddContact(ctx, invite.Link, "")
	return api, err
}

// warm times messages over an open connection, one after the other, with pauses
// as people make them.
func (m *measurement) warm(ctx context.Context, api *localapi.Client, want localapi.State) error {
	n, pause := messages, 5*time.Millisecond
	if want == localapi.Delivered {
		n, pause = 30, 2*time.Second // receipts go every 2 s in the long run
	}
	var times []time.Duration
	for range n {
		d, err := timeSend(ctx, api, "bob", want)
		if err != nil {
			return err
		}
		times = append(times, d)
		time.Sleep(pause)
	}
	name := map[localapi.State]string{
		localapi.Direct: "acknowledged by their node", localapi.Delivered: "receipt back",
	}[want]
	bound := m.roundTrip + 2*m.sync
	m.against("message when connected, typed to "+name+", p50", quantile(times, 0.5), "round trip + 2 syncs", bound)
	m.against("message when connected, typed to "+name+", p99", quantile(times, 0.99), "round trip + 2 syncs", bound)
	return nil
}

func timeSend(ctx context.Context, api *localapi.Client, to string, want localapi.State) (time.Duration, error) {
	began := time.Now()
	d, err := api.Send(ctx, to, "a message of a length that people write", want, 30*time.Second)
	took := time.Since(began)
	if err == nil && !d.State.Reaches(want) {
		err = fmt.Errorf("message is %s (%s), want %s", d.State, d.Why, want)
	}
	return took, err
}

// fallback times messages to a node that has gone, from typed to kept by its
// relay.
func (m *measurement) fallback(ctx context.Context) error {
	r, err := m.begin(ctx, "relay", "relay", "run", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1")
	if err != nil {
		return err
	}
	defer r.end()
	a, err := m.node(ctx, "anna", "--relay", r.ready.URL)
	if err != nil {
		return err
	}
	defer a.end()
	b, err := m.node(ctx, "ben", "--relay", r.ready.URL)
	if err != nil {
		return err
	}
	defer b.end()
	api, err := acquaint(ctx, a, b)
	if err != nil {
		return err
	}
	if _, err := timeSend(ctx, api, "ben", localapi.Delivered); err != nil {
		return err
	}
	_ = b.cmd.Process.Kill() // as a machine goes that loses power: it says nothing
	_ = b.cmd.Wait()
	var times []time.Duration
	for range 20 {
		d, err := timeSend(ctx, api, "ben", localapi.Stored)
		if err != nil {
			return err
		}
		times = append(times, d)
	}
	m.against("message to a machine that has just gone, typed to kept by its relay, first", times[0], "goal", decisionGoal)
	m.against("the same, slowest of the 20 after it", quantile(times[1:], 1), "goal", decisionGoal)
	return nil
}
