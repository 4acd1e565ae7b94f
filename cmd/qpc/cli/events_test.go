package cli

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/feed"
)

// eventLog is a log of events in memory, which begins behind the id 100.
type eventLog struct {
	mu     sync.Mutex
	events []localapi.Event
}

func (l *eventLog) EventRange() (first, last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 101, 100 + uint64(len(l.events)), nil
}

func (l *eventLog) Events(after, last uint64, limit int) ([]localapi.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := int(max(after, 100) - 100)
	to := min(len(l.events), from+limit, int(min(last, 1<<30)-100))
	return l.events[from:max(from, to)], nil
}

// happen keeps one event more.
func (l *eventLog) happen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, localapi.Event{ID: 101 + uint64(len(l.events)), Event: localapi.EventContact, Contact: &localapi.Contact{Name: "bob"}})
}

// The parts of a node that have a method of their own name.
type (
	people   = localapi.Contacts
	groups   = localapi.Groups
	accounts = localapi.Accounts
)

// eventNode is a node that answers nothing but events.
type eventNode struct {
	localapi.Self
	people
	localapi.Messages
	localapi.Conversations
	localapi.Trust
	groups
	localapi.Relays
	localapi.Reasons
	accounts
	localapi.AccountMaker
	localapi.AccountOwner
	localapi.Copies
}

// serveEvents answers at a socket until the returned function is called.
func serveEvents(t *testing.T, socket string, f *feed.Feed) (end func()) {
	t.Helper()
	n, ready := eventNode{}, make(chan struct{})
	s, err := localapi.New(localapi.Config{
		Socket: socket, Self: n, Contacts: n, Messages: n, Conversations: n, Trust: n, Groups: n, Relays: n, Reasons: n,
		Accounts: n, AccountMaker: n, AccountOwner: n, Copies: n, Events: f, Ready: func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-ready
	return func() {
		cancel()
		<-ended
	}
}

// TestNodeRestarts lets a node end and start again: who has patience is told so and goes on
// behind the last event, and who has none is told that nobody is there.
func TestNodeRestarts(t *testing.T) {
	socket, log := filepath.Join(t.TempDir(), "node"), &eventLog{}
	end := serveEvents(t, socket, feed.New(log))
	client := localapi.NewClient(socket)
	defer client.Close()
	told := make(chan bool, 2)
	patient, stays := Listen(t.Context(), client, Absence{Patience: time.Minute, Tell: func(away bool) { told <- away }})
	_, lost := Listen(t.Context(), client, Absence{})
	end()
	if err := <-lost; localapi.AsError(err).Exit != localapi.ExitNoDaemon {
		t.Errorf("without patience: got %v, want that no node is there", err)
	}
	if !<-told {
		t.Error("it is said to be back")
	}
	log.happen() // while nobody looks
	defer serveEvents(t, socket, feed.New(log))()
	if <-told {
		t.Error("it is said to be away again")
	}
	select {
	case e := <-patient:
		if e.ID != 101 {
			t.Errorf("got event %d, want 101", e.ID)
		}
	case err := <-stays:
		t.Errorf("gave up: %v", err)
	}
}

// TestListenIsCutOff breaks the stream of events off again and again, after any number
// of bytes: none is lost, and none comes twice.
func TestListenIsCutOff(t *testing.T) {
	const events, cuts = 200, 8
	dir := t.TempDir()
	log := &eventLog{}
	f := feed.New(log)
	ctx := t.Context()
	defer serveEvents(t, filepath.Join(dir, "node"), f)()
	bad, err := net.Listen("unix", filepath.Join(dir, "bad"))
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	left := make(chan int, cuts)
	for range cuts {
		left <- rand.IntN(4000)
	}
	close(left)
	quiet := make(chan struct{})
	go cutOff(bad, filepath.Join(dir, "node"), quiet, left)

	client := localapi.NewClient(filepath.Join(dir, "bad"))
	defer client.Close()
	got, lost := Listen(ctx, client, Absence{})
	quiet <- struct{}{} // cut off before anything happened
	<-quiet
	log.happen()
	_ = f.Wake()
	go func() {
		for range events - 1 {
			log.happen()
			_ = f.Wake()
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		}
	}()
	for want := uint64(101); want <= 100+events; want++ {
		select {
		case e := <-got:
			if e.ID != want {
				t.Fatalf("got event %d, want %d", e.ID, want)
			}
		case err := <-lost:
			t.Fatalf("gave up before event %d: %v", want, err)
		case <-time.After(time.Minute):
			t.Fatalf("event %d never came", want)
		}
	}
}

// cutOff hands connections on to a socket: the first until quiet says so, which is closed
// when it is done, each other one for as many bytes of what is answered as left says; when
// that is all, for any number.
func cutOff(l net.Listener, to string, quiet chan struct{}, left <-chan int) {
	for first := true; ; first = false {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("unix", to)
		if err != nil {
			in.Close()
			continue
		}
		go func() { _, _ = io.Copy(out, in) }()
		if first {
			go func() { _, _ = io.Copy(in, out) }()
			<-quiet
			in.Close()
			out.Close()
			close(quiet)
			continue
		}
		go func() {
			if n, ok := <-left; ok {
				_, _ = io.CopyN(in, out, int64(n))
			} else {
				_, _ = io.Copy(in, out)
			}
			in.Close()
			out.Close()
		}()
	}
}
