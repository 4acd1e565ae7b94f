package inbox

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// slow opens a payload in a while.
type slow struct {
	store  *store.Store
	mu     sync.Mutex
	opened []store.Incoming
	broken bool
}

var errBroken = errors.New("no room on the disk")

func (s *slow) Receive(ctx context.Context, in store.Incoming) error {
	time.Sleep(10 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errBroken
	}
	s.opened = append(s.opened, in)
	return s.store.UpdateLazily(ctx, func(tx *store.Tx) error { return tx.DoneIncoming(in.ID) })
}

func (s *slow) count() (mail, direct int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.opened {
		if in.Depositor == (rpc.Identity{}) {
			mail++
		} else {
			direct++
		}
	}
	return mail, direct
}

// TestFloodOfMail lets two relays pour out mail faster than it can be opened: it waits there,
// and what comes directly meanwhile is opened at once.
func TestFloodOfMail(t *testing.T) {
	run(t, func(t *testing.T, b *Inbox, s *slow) {
		var relays sync.WaitGroup
		const each, answers = 100, 12
		for relay := range byte(2) {
			relays.Go(func() {
				for i := range answers {
					if err := b.TakeMail(t.Context(), mailOf(relay, i, each)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(5 * time.Second)
		for i := range 20 {
			began := time.Now()
			if _, err := b.Take(t.Context(), rpc.Identity{1}, "direct", []byte{1, byte(i)}); err != nil {
				t.Fatal(err)
			}
			for {
				if _, direct := s.count(); direct > i {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("payload %d that came directly was opened after %v", i, took)
			}
			fresh := 0
			view(t, s.store, func(tx *store.Tx) (err error) { fresh, _, _, err = tx.CountIncoming(); return err })
			if fresh > maxMail+2*each {
				t.Errorf("%d payloads of mail are here", fresh)
			}
		}
		if mail, _ := s.count(); mail == 0 || mail == 2*answers*each {
			t.Errorf("%d payloads of mail were opened meanwhile: this tests nothing", mail)
		}
		relays.Wait()
		time.Sleep(10 * time.Second)
		if mail, _ := s.count(); mail != 2*answers*each {
			t.Errorf("%d payloads of mail were opened, want all %d", mail, 2*answers*each)
		}
		last := map[byte]uint64{}
		for _, in := range s.opened {
			if in.Depositor != (rpc.Identity{}) {
				continue
			}
			relay, n := in.Payload[0], binary.BigEndian.Uint64(in.Payload[1:])
			if n < last[relay] {
				t.Fatalf("relay %d: %d was opened behind %d", relay, n, last[relay])
			}
			last[relay] = n
		}
	})
}

// TestRoomAfterFullDisk: mail that could not be applied is tried again, although nothing
// new comes.
func TestRoomAfterFullDisk(t *testing.T) {
	run(t, func(t *testing.T, b *Inbox, s *slow) {
		s.mu.Lock()
		s.broken = true
		s.mu.Unlock()
		taken := make(chan error, 1)
		go func() {
			var err error
			for i := range 8 {
				err = errors.Join(err, b.TakeMail(t.Context(), mailOf(0, i, 100)))
			}
			taken <- err
		}()
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.broken = false
		s.mu.Unlock()
		select {
		case err := <-taken:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("mail is not taken any more")
		}
	})
}

// mailOf is an answer of a relay with so many payloads, numbered on.
func mailOf(relay byte, answer, each int) (mail []rpc.Envelope) {
	for i := range each {
		n := uint64(answer*each + i + 1)
		mail = append(mail, rpc.Envelope{Seq: n, Data: binary.BigEndian.AppendUint64([]byte{relay}, n)})
	}
	return mail
}

func view(t *testing.T, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Error(err)
	}
}

// run runs fn with an inbox that works, in virtual time.
func run(t *testing.T, fn func(t *testing.T, b *Inbox, s *slow)) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(store.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s := &slow{store: db}
		b := New(Config{Store: db, Engine: s, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		wg.Go(func() { b.Write(ctx) })
		wg.Go(func() { b.Process(ctx) })
		fn(t, b, s)
	})
}
