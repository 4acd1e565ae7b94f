package relay

import (
	"sync"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// waiters are the calls that wait for mail.
type waiters struct {
	// mu guards the fields below.
	mu     sync.Mutex
	inbox  map[store.Inbox]map[chan struct{}]bool
	owners map[rpc.Identity]int
}

func newWaiters() *waiters {
	return &waiters{inbox: make(map[store.Inbox]map[chan struct{}]bool), owners: make(map[rpc.Identity]int)}
}

// add registers a waiter, unless its owner has max of them. came gets a value
// after something was stored, at least one after the last; done ends it.
func (w *waiters) add(inbox store.Inbox, max int) (came <-chan struct{}, done func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owners[inbox.Owner] >= max {
		return nil, nil, false
	}
	w.owners[inbox.Owner]++
	c := make(chan struct{}, 1)
	if w.inbox[inbox] == nil {
		w.inbox[inbox] = make(map[chan struct{}]bool)
	}
	w.inbox[inbox][c] = true
	return c, func() { w.remove(inbox, c) }, true
}

func (w *waiters) remove(inbox store.Inbox, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inbox[inbox], c)
	if len(w.inbox[inbox]) == 0 {
		delete(w.inbox, inbox)
	}
	if w.owners[inbox.Owner]--; w.owners[inbox.Owner] == 0 {
		delete(w.owners, inbox.Owner)
	}
}

// wakeOwner tells all who wait for an inbox of an identity. It does not block.
func (w *waiters) wakeOwner(owner rpc.Identity) {
	w.mu.Lock()
	var inboxes []store.Inbox
	for inbox := range w.inbox {
		if inbox.Owner == owner {
			inboxes = append(inboxes, inbox)
		}
	}
	w.mu.Unlock()
	for _, inbox := range inboxes {
		w.wake(inbox)
	}
}

// wakeAll tells all who wait. It does not block.
func (w *waiters) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, waiting := range w.inbox {
		tell(waiting)
	}
}

// wake tells all who wait for an inbox. It does not block.
func (w *waiters) wake(inbox store.Inbox) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tell(w.inbox[inbox])
}

func tell(waiting map[chan struct{}]bool) {
	for c := range waiting {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// total returns how many there are.
func (w *waiters) total() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.owners {
		n += of
	}
	return n
}
