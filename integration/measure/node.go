package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/node/localapi"
)

const (
	starts   = 7
	messages = 300
	// startGoal is the goal for a start of the node.
	startGoal = 150 * time.Millisecond
	// receiptsRest is after which time several receipts may go at once again.
	receiptsRest = 10 * time.Second
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
	bound := m.roundTrip + 2*m.sync
	m.against("first message of all, typed to acknowledged by their node", first, "round trip + 2 syncs", bound)
	if cold, err := m.cold(ctx, a); err != nil {
		return err
	} else {
		m.against("first message after a start, which dials, typed to acknowledged, p50", cold, "round trip + 2 syncs", bound)
	}
	api = a.api()
	for _, want := range []localapi.State{localapi.Direct, localapi.Delivered} {
		if err := m.warm(ctx, api, want); err != nil {
			return err
		}
	}
	return nil
}

// cold times the first message after a start of a node, to somebody whom it knows: the
// median of a few. It dials.
func (m *measurement) cold(ctx context.Context, a *process) (time.Duration, error) {
	var times []time.Duration
	for range 5 {
		if err := m.again(ctx, a); err != nil {
			return 0, err
		}
		took, err := timeSend(ctx, a.api(), "bob", localapi.Direct)
		if err != nil {
			return 0, err
		}
		times = append(times, took)
		time.Sleep(2 * time.Second) // the receipt
	}
	return quantile(times, 0.5), nil
}

// again restarts a node.
func (m *measurement) again(ctx context.Context, p *process) error {
	p.end()
	next, err := m.node(ctx, filepath.Base(p.home))
	if err == nil {
		*p = *next
	}
	return err
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
		n, pause = 30, 2200*time.Millisecond // receipts go every 2 s in the long run
		time.Sleep(receiptsRest)
	}
	var times, syncs []time.Duration
	for range n {
		d, err := timeSend(ctx, api, "bob", want)
		if err != nil {
			return err
		}
		times = append(times, d)
		time.Sleep(pause)
		// Others use the disk too: what it gives is measured between the messages.
		sync, err := syncTime(m.dir, 1)
		if err != nil {
			return err
		}
		syncs = append(syncs, sync)
	}
	name := map[localapi.State]string{
		localapi.Direct: "acknowledged by their node", localapi.Delivered: "receipt back",
	}[want]
	for _, q := range []float64{0.5, 0.99} {
		bound := m.roundTrip + 2*quantile(syncs, q)
		m.against(fmt.Sprintf("message when connected, typed to %s, p%.0f", name, 100*q), quantile(times, q), "round trip + 2 syncs between them", bound)
	}
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
