package integration

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// TestBackupGoesOn restores a member of a group and of conversations from a backup that
// is older than what happened since: it comes back to all of them by itself, gets what
// was not delivered, and can be invited by somebody who finds it at its relay.
func TestBackupGoesOn(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c := w.node("alice", r.url()), w.node("bob", r.url()), w.node("carol", r.url())
		knowEachOther(a, b, c)
		b.add(c)
		a.group("friends", b, c)
		id := a.groupID("friends")
		c.await(c.say(id, "before"), localapi.Delivered, time.Minute)
		c.await(c.send(a, "to alice"), localapi.Delivered, time.Minute)

		file := filepath.Join(w.t.TempDir(), "carol.qpcb")
		if n, err := c.Backup(context.Background(), file, []byte("a long password")); err != nil || n.Messages == 0 {
			t.Fatal(n, err)
		}
		// What the backup does not know of.
		a.rename(id, "old friends")
		b.await(b.say(id, "after"), localapi.Delivered, time.Minute)
		c.await(c.say(id, "lost with the home"), localapi.Delivered, time.Minute)
		a.await(a.send(c, "also lost"), localapi.Delivered, time.Minute)
		c.halt()
		a.change(id, localapi.GroupUpdate)
		away := b.say(id, "while away")
		alone := a.send(c, "come back")
		time.Sleep(time.Minute)

		c.dir = filepath.Join(w.t.TempDir(), "restored")
		if err := node.RestoreBackup(file, []byte("a long password"), c.dir, nil); err != nil {
			t.Fatal(err)
		}
		c.start()
		agree(w, 20*time.Minute, id, a, b, c)
		b.await(away, localapi.Delivered, 20*time.Minute)
		a.await(alone, localapi.Delivered, 20*time.Minute)
		c.await(c.say(id, "here again"), localapi.Delivered, 10*time.Minute)
		c.await(c.send(b, "to bob, for the first time"), localapi.Delivered, 10*time.Minute)
		b.await(b.say(id, "welcome"), localapi.Delivered, 10*time.Minute)

		// The packages at the relay are those of the restored home.
		c.settled()
		d := w.node("dave", r.url())
		d.add(c)
		c.add(d)
		w.net.Cut(d.ip, c.ip, true) // only the relay can give one
		d.await(d.send(c, "who are you?"), localapi.Delivered, 10*time.Minute)
		d.group("new", c)
		agree(w, 10*time.Minute, d.groupID("new"), d, c)
	})
}
