package integration

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/node"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// used is what a home has used: read out of its store.
type used struct {
	// secrets are all private keys and secrets of MLS, each 32 bytes in a row of them, by
	// what they are of: init and leaf keys of key packages, keys of the path, the
	// schedule and the seals of epochs, each with the ratchets below it.
	secrets map[[32]byte]string
	// hybrid is the hybrid key that the home tells others, by its id.
	hybrid [8]byte
	// address is the key of its addresses, generation that of its passes, sequence the
	// number of its last endpoint.
	address    [32]byte
	generation uint32
	sequence   uint64
	// counters are the ids of its own messages by conversation and counter, groups those
	// of the MLS groups of two that it made.
	counters map[string][16]byte
	groups   map[string]string
}

// uses reads the store of a node that is halted.
func (n *simNode) uses(places ...transport.Key) used {
	n.w.t.Helper()
	u := used{secrets: make(map[[32]byte]string), counters: make(map[string][16]byte), groups: make(map[string]string)}
	n.openStore(func(tx *store.Tx) error {
		seed, err := tx.Meta("identity")
		must(n.w.t, err)
		self, err := identity.FromSeed(seed)
		must(n.w.t, err)
		for _, place := range append(places, transport.Key(self.ID())) {
			rows, err := tx.KeyPackages(place)
			must(n.w.t, err)
			for _, row := range rows {
				u.add("key package", row.Secrets, row.Package)
			}
		}
		epochs, err := tx.Epochs()
		must(n.w.t, err)
		for _, e := range epochs {
			u.addEpoch(n.w.t, tx, e)
		}
		keys, err := tx.HybridKeys()
		must(n.w.t, err)
		for _, k := range keys {
			if k.Replaced.IsZero() {
				u.hybrid = k.ID
			}
		}
		u.addProfile(n.w.t, tx)
		u.addCounters(n.w.t, tx, self.ID())
		return nil
	})
	return u
}

// add takes the bytes of a secret, without those that are public.
func (u *used) add(what string, secret []byte, public ...[]byte) {
	for i := 0; i+32 <= len(secret); i++ {
		b := secret[i : i+32]
		known := bytes.Equal(b, make([]byte, 32))
		for _, p := range public {
			known = known || bytes.Contains(p, b)
		}
		if !known {
			u.secrets[[32]byte(b)] = what
		}
	}
}

// addEpoch takes the keys of an epoch: what package mls saves of it, without its head
// and the context of the group, which are public.
func (u *used) addEpoch(t *testing.T, tx *store.Tx, e store.Epoch) {
	t.Helper()
	what := fmt.Sprintf("epoch %d of group %x", e.Number, e.Group)
	u.add("seal of "+what, e.SealKey[:])
	u.add("name of "+what, bytes.Repeat(e.ID[:], 2)[:32])
	b, err := tx.Records(e.ID).Get("epoch")
	must(t, err)
	size, n := int(b[5]&0x3f), 1<<(b[5]>>6) // RFC 9420, section 2.1.2
	for _, low := range b[6 : 5+n] {
		size = size<<8 | int(low)
	}
	if rest := b[5+n:]; size < 100 || size > len(rest)-200 {
		t.Fatalf("%s: a context of %d bytes in %d", what, size, len(b))
	}
	u.add(what, b[5+n+size:])
}

func (u *used) addProfile(t *testing.T, tx *store.Tx) {
	t.Helper()
	address, err1 := tx.Meta("address_key")
	generation, err2 := tx.Meta("pass_generation")
	sequence, err3 := tx.Meta("endpoint_seq")
	for _, err := range []error{err1, err2, err3} {
		must(t, err)
	}
	u.address, u.generation = [32]byte(address), binary.BigEndian.Uint32(generation)
	if len(sequence) == 8 {
		u.sequence = binary.BigEndian.Uint64(sequence)
	}
}

func (u *used) addCounters(t *testing.T, tx *store.Tx, self rpc.Identity) {
	t.Helper()
	all, err := tx.Conversations()
	must(t, err)
	for _, c := range all {
		rows, err := tx.MessagesByCounter(c.ID, self, 0, 1<<62, 0)
		must(t, err)
		for _, m := range rows {
			u.counters[fmt.Sprintf("%x %d", c.ID, m.Counter)] = m.ID
		}
		groups, err := tx.GroupsOf(c.ID)
		must(t, err)
		for _, g := range groups {
			if g.Creator == self {
				u.groups[fmt.Sprintf("%x %d", c.ID, g.Counter)] = string(g.ID)
			}
		}
	}
}

// again returns what is used in both homes for two things. The number of a counter that
// both know of stands for the same message in both.
func (u used) again(later used) (twice []string) {
	for secret, what := range later.secrets {
		if was, ok := u.secrets[secret]; ok {
			twice = append(twice, fmt.Sprintf("bytes of %s are in %s", what, was))
		}
	}
	for at, id := range later.counters {
		if was, ok := u.counters[at]; ok && was != id {
			twice = append(twice, "counter "+at)
		}
	}
	for at, id := range later.groups {
		if was, ok := u.groups[at]; ok && was != id {
			twice = append(twice, "group of two "+at)
		}
	}
	return twice
}

// TestBackupUsesNothingTwice collects what a home has used before a backup and after it,
// and what the home that is restored from it uses: no key, generation of a ratchet,
// counter or number is used by both for two things. What it has cancelled after the
// backup stays cancelled.
func TestBackupUsesNothingTwice(t *testing.T) {
	simulate(t, func(w *world) {
		r := w.relay()
		a, b, c, d := w.node("alice", r.url()), w.node("bob", r.url()), w.node("carol", r.url()), w.node("dave", r.url())
		knowEachOther(a, b, c)
		knowEachOther(c, d, b)
		a.group("friends", b, c)
		id := a.groupID("friends")
		c.await(c.say(id, "before"), localapi.Delivered, time.Minute)
		c.await(c.send(b, "to bob"), localapi.Delivered, time.Minute)
		relay := r.URL().Key
		c.halt()
		before := c.uses(relay)
		c.start()
		file := filepath.Join(w.t.TempDir(), "carol.qpcb")
		if _, err := c.Backup(context.Background(), file, []byte("a long password")); err != nil {
			t.Fatal(err)
		}
		// What the backup does not know of.
		a.rename(id, "old friends")
		for i := range 3 {
			c.await(c.say(id, fmt.Sprint("lost ", i)), localapi.Delivered, time.Minute)
			c.await(c.send(b, fmt.Sprint("to bob, lost ", i)), localapi.Delivered, time.Minute)
			a.await(a.send(c, "to carol"), localapi.Delivered, time.Minute)
		}
		c.send(a, "to alice, lost")
		_, err := c.Decide(context.Background(), localapi.TrustRequest{Contact: "dave", Action: localapi.TrustBlock})
		must(t, err)
		time.Sleep(time.Minute)
		c.halt()
		after := c.uses(relay)
		if before.generation == after.generation || before.address == after.address {
			t.Fatal("blocking has cancelled nothing")
		}
		if twice := before.again(after); len(twice) == 0 {
			t.Fatal("nothing that one home uses all the time is seen")
		}

		c.dir = filepath.Join(w.t.TempDir(), "restored")
		must(t, node.RestoreBackup(file, []byte("a long password"), c.dir, nil))
		restored := c.uses(relay)
		c.start()
		agree(w, 20*time.Minute, id, a, b, c)
		for i := range 5 {
			c.await(c.say(id, fmt.Sprint("here again ", i)), localapi.Delivered, 10*time.Minute)
			c.await(c.send(b, fmt.Sprint("to bob again ", i)), localapi.Delivered, 10*time.Minute)
			c.await(c.send(a, fmt.Sprint("to alice again ", i)), localapi.Delivered, 10*time.Minute)
		}
		time.Sleep(time.Minute)
		c.halt()
		now := c.uses(relay)
		for when, home := range map[string]used{"as it was restored": restored, "in use": now} {
			for _, was := range []used{before, after} {
				for _, twice := range was.again(home) {
					t.Errorf("%s: %s", when, twice)
				}
			}
		}
		if len(now.secrets) == 0 || len(now.counters) <= len(before.counters) || len(now.groups) <= len(before.groups) {
			t.Errorf("too little is seen: %d, %d, %d", len(now.secrets), len(now.counters), len(now.groups))
		}
		if now.hybrid == before.hybrid || now.hybrid == after.hybrid {
			t.Error("the hybrid key is one of before")
		}
		if now.address == before.address || now.address == after.address || now.generation <= after.generation {
			t.Errorf("the address key is one of before, or the generation %d is not above %d", now.generation, after.generation)
		}
		if now.sequence <= after.sequence {
			t.Errorf("endpoint %d is not above %d", now.sequence, after.sequence)
		}
	})
}
