package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quicnprotochat/node/convo"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// TestComingIn has many messages come in while somebody types.
func TestComingIn(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	anna, bob := chatScreens(t)
	const n = 400
	anna.keys("typing")
	for i := range n / 20 {
		var lines []string
		for j := range 20 {
			lines = append(lines, fmt.Sprintf("message %d", 20*i+j), "Enter")
		}
		bob.keys(lines...)
	}
	anna.await(fmt.Sprintf("bob: message %d$", n-1))
	anna.await("^bob> typing *$")
	anna.backlog(n)
}

// TestBacklog opens a chat in which 10,000 messages wait, and shows them all while
// somebody types.
func TestBacklog(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	const n = 10_000
	home := filepath.Join(t.TempDir(), "anna")
	writeUnread(t, home, n)
	anna := chatScreen(t, home, 80)
	anna.await(fmt.Sprintf("^bob +%d unread; /switch bob shows it$", n))
	anna.await(fmt.Sprintf(`^\(the newest 100 of %d; /history %[1]d shows all\)$`, n))
	anna.await(fmt.Sprintf("< message %d$", n-1))
	anna.await("^bob> *$")
	anna.keys(fmt.Sprintf("/history %d", n), "Enter")
	anna.keys("typing")
	anna.await(fmt.Sprintf(`< message 0$(?s:.*)< message %d$`, n-1))
	anna.await("^bob> typing *$")
	anna.backlog(n)
	anna.keys("C-c")
	anna.keys("/quit", "Enter")
	anna.await("^ended$")
}

// backlog checks that the last n messages on the screen and above it are all of them, in
// order and whole.
func (s *screen) backlog(n int) {
	s.t.Helper()
	seen := regexp.MustCompile(`(?m)[:<] message (\d+)$`).FindAllStringSubmatch(s.text(), -1)
	if len(seen) < n {
		s.t.Fatalf("%d messages are on the screen and above it, want %d", len(seen), n)
	}
	for i, m := range seen[len(seen)-n:] {
		if m[1] != fmt.Sprint(i) {
			s.t.Fatalf("message %s is where %d should be", m[1], i)
		}
	}
}

// writeUnread makes a home whose owner has bob as a contact, and puts so many messages of
// bob into it, as if they had come in.
func writeUnread(t *testing.T, home string, n int) {
	t.Helper()
	const listen = "/ip4/127.0.0.1/udp/0/quic-v1"
	bobHome := filepath.Join(t.TempDir(), "bob")
	bob, anna := nodeProcess(t, bobHome, "bob", listen), nodeProcess(t, home, "anna", listen)
	qpc(t, "contact", "add", "--home", home, strings.TrimSpace(qpc(t, "invite", "--home", bobHome)))
	qpc(t, "send", "--home", home, "bob", "hello", "--wait", "delivered", "--timeout", "2m") // which makes the conversation
	kill(bob)
	kill(anna)
	s, err := store.Open(store.Config{Dir: home})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		all, err := tx.Conversations()
		for i := 0; err == nil && i < n; i++ {
			err = writeText(tx, all[0], i)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// writeText puts the ith message of the other side into a conversation.
func writeText(tx *store.Tx, c store.Conversation, i int) error {
	what := message.Message{Type: message.Chat, ID: message.NewID(), Text: fmt.Sprintf("message %d", i)}
	body, err := what.Encode()
	if err != nil {
		return err
	}
	return tx.InsertMessage(store.Message{
		Conversation: c.ID, Author: c.Peer, ID: what.ID, Type: byte(what.Type), Body: body, State: convo.StateReceived,
		Lamport: c.Lamport + uint64(i) + 1, Counter: uint64(i) + 1, Sent: tx.Now(), Stored: tx.Now(),
	})
}
