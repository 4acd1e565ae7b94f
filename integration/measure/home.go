package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store/home"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	largeTalks = 1000
	// The goals for a home of 1,000 conversations and 1,000,000 messages.
	largeStart  = time.Second
	largeLook   = 50 * time.Millisecond
	largeMemory = 150 << 20
	// largeSearch is the goal for a search of 100,000 messages.
	largeSearch = 20 * time.Millisecond
	// largeLooks is how often each thing is looked at.
	largeLooks = 100
)

// large times a node whose home has much in it: 1,000 conversations, and messages in
// them as people write them, all in the index of the search.
func (m *measurement) large(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, *largeTime)
	defer cancel()
	p, err := m.node(ctx, "large") // makes the home
	if err != nil {
		return err
	}
	self, err := transport.ParseKey(p.ready.Identity)
	p.end()
	if err != nil {
		return err
	}
	dir := filepath.Join(m.dir, "large")
	began := time.Now()
	if err := fillHome(ctx, dir, rpc.Identity(self), largeTalks, *largeMessages/largeTalks); err != nil {
		return fmt.Errorf("fill a home: %w", err)
	}
	m.row(fmt.Sprintf("home of %d conversations and %d messages: written in", largeTalks, *largeMessages), show(time.Since(began)), "–", "–")
	if info, err := os.Stat(filepath.Join(dir, home.DBFile)); err == nil {
		m.row("the same: its file", mib(info.Size()), "–", "–")
	}
	l := &looks{each: *largeMessages / largeTalks}
	for range 5 {
		if p, err = m.node(ctx, "large"); err != nil {
			return err
		}
		l.start = append(l.start, p.took)
		if err := l.look(ctx, p); err != nil {
			return err
		}
		p.end()
	}
	m.showLooks(l)
	return nil
}

// looks are how long what a user looks at took.
type looks struct {
	each                              int // messages of a conversation
	start, list, unread, open, search []time.Duration
	memory                            int64
}

// look begins as soon as the node is ready, when it has most to do beside.
func (l *looks) look(ctx context.Context, p *process) error {
	api := p.api()
	timed := func(times *[]time.Duration, what string, do func() error) error {
		began := time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		*times = append(*times, time.Since(began))
		return nil
	}
	for i := range largeLooks {
		who := fmt.Sprintf("person %d", i*17%largeTalks)
		err := errors.Join(
			timed(&l.list, "list conversations", func() error { _, err := api.Contacts(ctx); return err }),
			timed(&l.unread, "list what is unread", func() error { _, err := api.Unread(ctx); return err }),
			timed(&l.open, "open a conversation", func() error {
				lines := 0
				err := api.History(ctx, who, 50, "", func(localapi.Message) error { lines++; return nil })
				if err == nil && lines == 0 {
					err = errors.New("it is empty")
				}
				return err
			}),
			timed(&l.search, "search", func() error {
				found, err := api.Search(ctx, fmt.Sprintf("line %d people", i*7%l.each), "", 20)
				if err == nil && len(found) == 0 {
					err = errors.New("nothing is found")
				}
				return err
			}))
		if err != nil {
			return err
		}
	}
	memory, err := p.memory()
	l.memory = max(l.memory, memory)
	return err
}

func (m *measurement) showLooks(l *looks) {
	for _, row := range []struct {
		what  string
		times []time.Duration
		goal  time.Duration
	}{
		{"start to ready", l.start, largeStart},
		{"list of conversations", l.list, largeLook},
		{"list of what is unread", l.unread, largeLook},
		{"last 50 of a conversation, by name", l.open, largeLook},
		{"search for three words in all (goal for 100,000 messages)", l.search, largeSearch},
	} {
		for _, q := range []float64{0.5, 0.99} {
			m.against(fmt.Sprintf("the same: %s, p%.0f", row.what, 100*q), quantile(row.times, q), "goal", row.goal)
		}
	}
	m.row("the same: memory of the node, resident", mib(l.memory), "goal = "+mib(largeMemory), fmt.Sprintf("%.1f", float64(l.memory)/largeMemory))
}
