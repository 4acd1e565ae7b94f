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
	// largeStarts is how often the node is started, largeLooks how often each thing is
	// looked at each time.
	largeStarts = 5
	largeLooks  = 100
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
	l, err := m.looksAt(ctx, (*process).end)
	if err != nil {
		return err
	}
	m.showLooks(l, "the same")
	if p, err = m.node(ctx, "large"); err != nil {
		return err
	}
	p.kill()
	if l, err = m.looksAt(ctx, (*process).kill); err != nil {
		return err
	}
	m.showLooks(l, "the same, killed before")
	return nil
}

// looksAt starts a node some times, and each time looks at what is in its home.
func (m *measurement) looksAt(ctx context.Context, end func(*process)) (*looks, error) {
	l := &looks{each: *largeMessages / largeTalks, search: make([][]time.Duration, len(searches))}
	for range largeStarts {
		p, err := m.node(ctx, "large")
		if err != nil {
			return nil, err
		}
		l.start = append(l.start, p.took)
		if err := l.look(ctx, p); err != nil {
			return nil, err
		}
		end(p)
	}
	return l, nil
}

// looks are how long what a user looks at took.
type looks struct {
	each                      int // messages of a conversation
	start, list, unread, open []time.Duration
	search                    [][]time.Duration // as searches
	memory                    int64
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
			}))
		for n, search := range searches {
			err = errors.Join(err, timed(&l.search[n], "search", func() error {
				words, in := search.words(i*7%l.each), ""
				if search.one {
					in = who
				}
				found, err := api.Search(ctx, words, in, 20)
				if err == nil && len(found) == 0 {
					err = fmt.Errorf("nothing is found of %q", words)
				}
				return err
			}))
		}
		if err != nil {
			return err
		}
	}
	memory, err := p.memory()
	l.memory = max(l.memory, memory)
	return err
}

// searches are what is looked for, the goals being those for 100,000 messages.
var searches = []struct {
	what  string
	words func(line int) string
	one   bool // in one conversation
}{
	{"a rare word", func(n int) string { return fmt.Sprint(n) }, false},
	{"a word of every line", func(int) string { return "people" }, false},
	{"two words of every line, the second begun", func(int) string { return "two peop" }, false},
	{"three words, one rare", func(n int) string { return fmt.Sprintf("line %d people", n) }, false},
	{"two words of every line, in one conversation", func(int) string { return "two people" }, true},
}

func (m *measurement) showLooks(l *looks, home string) {
	type row struct {
		what  string
		times []time.Duration
		goal  time.Duration
	}
	rows := []row{
		{"start to ready", l.start, largeStart},
		{"list of conversations", l.list, largeLook},
		{"list of what is unread", l.unread, largeLook},
		{"last 50 of a conversation, by name", l.open, largeLook},
	}
	for n, search := range searches {
		rows = append(rows, row{"search for " + search.what + " (goal for 100,000 messages)", l.search[n], largeSearch})
	}
	for _, r := range rows {
		for _, q := range []float64{0.5, 0.99} {
			m.against(fmt.Sprintf("%s: %s, p%.0f", home, r.what, 100*q), quantile(r.times, q), "goal", r.goal)
		}
	}
	m.row(home+": memory of the node, resident", mib(l.memory), "goal = "+mib(largeMemory), fmt.Sprintf("%.1f", float64(l.memory)/largeMemory))
}
