package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/known"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	largeTalks = 1000
	// The goals for a home of 1,000 conversations and 1,000,000 messages.
	largeStart  = time.Second
	largeLook   = 50 * time.Millisecond
	largeMemory = 150 << 20
)

// large times a node whose home has much in it: 1,000 conversations, and messages in
// them as people write them, all in the index of the search.
func (m *measurement) large(ctx context.Context) error {
	p, err := m.node(ctx, "large") // makes the home
	if err != nil {
		return err
	}
	self, err := transport.ParseKey(p.ready.Identity)
	p.end()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := fillHome(ctx, filepath.Join(m.dir, "large"), rpc.Identity(self), *largeMessages/largeTalks); err != nil {
		return err
	}
	m.row(fmt.Sprintf("home of %d conversations and %d messages: written in", largeTalks, *largeMessages), show(time.Since(began)), "–", "–")
	var times []time.Duration
	for range 5 {
		if p, err = m.node(ctx, "large"); err != nil {
			return err
		}
		times = append(times, p.took)
		if err := m.look(ctx, p, len(times) == 5); err != nil {
			return err
		}
		p.end()
	}
	m.against("the same: start to ready, p50", quantile(times, 0.5), "goal", largeStart)
	return nil
}

// look times what a user looks at, and says so if tell.
func (m *measurement) look(ctx context.Context, p *process, tell bool) error {
	api := p.api()
	var list, open []time.Duration
	for i := range 50 {
		began := time.Now()
		if _, err := api.Contacts(ctx); err != nil {
			return err
		}
		list = append(list, time.Since(began))
		began = time.Now()
		lines := 0
		err := api.History(ctx, fmt.Sprintf("person %d", i*17), 50, "", func(localapi.Message) error { lines++; return nil })
		if err == nil && lines == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			return fmt.Errorf("open a conversation: %w", err)
		}
		open = append(open, time.Since(began))
	}
	memory, err := p.memory()
	if err != nil || !tell {
		return err
	}
	m.against("the same: list of conversations, p50", quantile(list, 0.5), "goal", largeLook)
	m.against("the same: last 50 of a conversation, p50", quantile(open, 0.5), "goal", largeLook)
	m.row("the same: memory of the node, resident", mib(memory), "goal = "+mib(largeMemory), fmt.Sprintf("%.1f", float64(memory)/largeMemory))
	return nil
}

// fillHome puts conversations with so many messages each into a home.
func fillHome(ctx context.Context, dir string, self rpc.Identity, each int) error {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	start := time.Now().Add(-365 * 24 * time.Hour)
	for i := range largeTalks {
		err := s.UpdateLazily(ctx, func(tx *store.Tx) error {
			name := fmt.Sprintf("person %d", i)
			peer, card, err := stranger(name, start)
			if err != nil {
				return err
			}
			c := store.Conversation{ID: pair.ID(self, peer), Peer: peer, Counter: uint64(each), Lamport: uint64(each), Created: start}
			if err := tx.PutContact(store.Contact{Identity: peer, Name: name, Via: known.ViaLink, Card: card, Introduced: true, Added: start}); err != nil {
				return err
			}
			if err := tx.PutConversation(c); err != nil {
				return err
			}
			for n := range each {
				if err := writeLine(tx, c, self, n, start.Add(time.Duration(n)*time.Hour)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stranger makes somebody whose machine is nowhere.
func stranger(name string, now time.Time) (rpc.Identity, []byte, error) {
	id, err := identity.Generate()
	if err != nil {
		return rpc.Identity{}, nil, err
	}
	who := id.ID()
	card := contact.Card{Identity: who, Name: name, HostKeys: []transport.Key{transport.Key(who)}, Issued: now}
	b, err := card.Encode(id.Sign)
	return who, b, err
}

// writeLine puts the nth message into a conversation, by turns of each side.
func writeLine(tx *store.Tx, c store.Conversation, self rpc.Identity, n int, at time.Time) error {
	what := message.Message{Type: message.Chat, ID: message.NewID(), Text: fmt.Sprintf("line %d of what two people have to say to each other on such a day", n)}
	body, err := what.Encode()
	if err != nil {
		return err
	}
	line := store.Message{
		Conversation: c.ID, Author: self, ID: what.ID, Type: byte(what.Type), Body: body,
		Lamport: uint64(n + 1), Counter: uint64(n/2 + 1), Sent: at, Stored: at, Read: at, State: convo.StateDelivered,
	}
	if n%2 == 0 {
		line.Author, line.State = c.Peer, convo.StateReceived
	}
	if err := tx.InsertMessage(line); err != nil {
		return err
	}
	return tx.Index(c.ID, line.Author, line.ID, what.Text)
}
