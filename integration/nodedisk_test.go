package integration

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestNodeDiskFull lets the disk of a node run full. The user is told so, what others
// write stays with them and with the relay, and all goes on when there is room again,
// also after the node was killed and did not start for want of room.
func TestNodeDiskFull(t *testing.T) {
	t.Parallel()
	relay := relayProcess(t)
	alice := nodeProcess(t, "alice", relay)
	bob := notStarted(t, nil, "bob", nodeArgs("bob", relay)...)
	disk := mountDisk(t, bob.home)
	bob.wrap = []string{"nsenter", "--mount=/proc/" + disk.pid + "/ns/mnt", "--"}
	if err := bob.start(); err != nil {
		t.Fatal(err)
	}
	c := &crash{t: t, relay: relay, alice: alice, bob: bob}
	link, err := bob.invite()
	if err != nil {
		t.Fatal(err)
	}
	c.meet(link)

	ballast := filepath.Join("/proc", disk.pid, "root", bob.home, "ballast")
	fill(t, ballast)
	var e *localapi.Error
	c.eventually("bob is refused", func() (bool, error) {
		text := time.Now().String()
		_, err := bob.send("alice", text)
		if err == nil { // the log of the database had room left
			c.want(want{from: bob.line().Identity, text: text})
			fill(t, ballast)
		}
		return errors.As(err, &e), nil
	})
	if e.Exit != localapi.ExitHome || !strings.Contains(e.Message, "disk is full") || e.Hint == "" {
		t.Errorf("got %q, hint %q, exit %d", e.Message, e.Hint, e.Exit)
	}
	c.send(alice, bob, "while the disk is full", "--wait", "stored", "--timeout", patience.String())
	if shown, err := bob.history("alice"); err != nil || len(shown) == 0 {
		t.Errorf("a full disk can be read: got %d lines, %v", len(shown), err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c.send(bob, alice, "there is room")
	c.settle()

	fill(t, ballast)
	bob.kill()
	if err := bob.start(); err != nil {
		if words := bob.lastWords(); !strings.Contains(words, "disk is full") {
			t.Errorf("not started on a full disk, and it says:\n%s", words)
		}
	}
	c.send(alice, bob, "to who cannot start", "--wait", "stored", "--timeout", patience.String())
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	c.startAll(bob)
	c.settle()
	shown, err := bob.history("alice")
	if err != nil || !slices.ContainsFunc(shown, func(m localapi.Message) bool { return m.Text == "there is room" }) {
		t.Errorf("bob shows %d lines, %v", len(shown), err)
	}
}

// fill writes to a file until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	_ = f.Close()
}
