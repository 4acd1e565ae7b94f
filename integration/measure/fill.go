package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/known"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// burst is how many messages two people write at a time: then it is the turn of
	// another conversation, so that the lines of one are spread over the file.
	burst = 10
	// roundTalks is how many conversations get a burst in one transaction.
	roundTalks = 1000
)

// filling puts conversations into a home, as years of use would.
type filling struct {
	s     *store.Store
	self  rpc.Identity
	talks []store.Conversation
	each  int // messages of a conversation
	start time.Time
	done  int // messages so far
}

// fillHome puts so many conversations with so many messages each into a home, and shows
// how far it is.
func fillHome(ctx context.Context, dir string, self rpc.Identity, talks, each int) error {
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	f := &filling{s: s, self: self, each: each, start: time.Now().Add(-365 * 24 * time.Hour)}
	if err := f.people(ctx, talks); err != nil {
		return err
	}
	began, shown := time.Now(), 0
	for from := 0; from < each; from += burst {
		for at := 0; at < talks; at += roundTalks {
			if err := f.round(ctx, f.talks[at:min(at+roundTalks, talks)], from); err != nil {
				return fmt.Errorf("after %d messages: %w", f.done, err)
			}
		}
		if tenth := 10 * f.done / (talks * each); tenth > shown {
			shown = tenth
			fmt.Fprintf(os.Stderr, "measure: %d of %d messages after %s\n", f.done, talks*each, show(time.Since(began)))
		}
	}
	return nil
}

// people writes contacts and their conversations.
func (f *filling) people(ctx context.Context, n int) error {
	return f.s.UpdateLazily(ctx, func(tx *store.Tx) error {
		for i := range n {
			name := fmt.Sprintf("person %d", i)
			peer, card, err := stranger(name, f.start)
			if err != nil {
				return err
			}
			if err := tx.PutContact(store.Contact{Identity: peer, Name: name, Via: known.ViaLink, Card: card, Introduced: true, Added: f.start}); err != nil {
				return err
			}
			c := store.Conversation{ID: pair.ID(f.self, peer), Peer: peer, Counter: uint64(f.each), Lamport: uint64(f.each), Created: f.start}
			if err := tx.PutConversation(c); err != nil {
				return err
			}
			f.talks = append(f.talks, c)
		}
		return nil
	})
}

// round writes a burst of messages into each of some conversations.
func (f *filling) round(ctx context.Context, talks []store.Conversation, from int) error {
	return f.s.UpdateLazily(ctx, func(tx *store.Tx) error {
		for _, c := range talks {
			for n := from; n < min(from+burst, f.each); n++ {
				if err := f.write(tx, c, n); err != nil {
					return err
				}
			}
		}
		return nil
	})
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

// id is the next id. Ids are spread over their whole range as random ones are, but they
// grow: then an index is filled from one end and not everywhere at once, which takes
// ten times as long.
func (f *filling) id() (id [16]byte) {
	_, _ = rand.Read(id[:])
	step := uint64(math.MaxUint64) / uint64(len(f.talks)*f.each)
	binary.BigEndian.PutUint64(id[:], uint64(f.done)*step)
	return id
}

// write puts the nth message into a conversation, by turns of each side.
func (f *filling) write(tx *store.Tx, c store.Conversation, n int) error {
	what := message.Message{Type: message.Chat, ID: f.id(), Text: fmt.Sprintf("line %d of what two people have to say to each other on such a day", n)}
	body, err := what.Encode()
	if err != nil {
		return err
	}
	f.done++
	at := f.start.Add(time.Duration(n) * time.Hour / 2)
	line := store.Message{
		Conversation: c.ID, Author: f.self, ID: what.ID, Type: byte(what.Type), Body: body,
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
