package group

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

var mlsMembers = flag.Int("mls.members", 0, "members without a node in the group of TestLarge; 0 means not to run it")

// TestLarge tells what a group costs of which 16 members have a store and all else
// that a node has, and the others nothing but a key package.
func TestLarge(t *testing.T) {
	if *mlsMembers == 0 {
		t.Skip("takes long: -mls.members says how many members the group is to have beside 16 real ones")
	}
	var names []string
	for i := range 16 {
		names = append(names, fmt.Sprintf("real %d", i))
	}
	all := newPeople(t, names...)
	anna := all[0]
	c, err := anna.groups.Create(t.Context(), "group", nil)
	must(t, err)
	packages := anna.acquaintances(*mlsMembers)
	for _, p := range all[1:] {
		packages[p.id.ID()] = p.keyPackage(nil)
	}
	must(t, anna.groups.Invite(t.Context(), c.ID, slices.Collect(maps.Keys(packages))))
	for who, kp := range packages {
		must(t, anna.engine.Start(t.Context(), who, kp))
	}
	took := func(what string, do func()) {
		began := time.Now()
		do()
		info, err := os.Stat(filepath.Join(anna.dir, "node.db"))
		must(t, err)
		t.Logf("%s: %v, store of %d MB", what, time.Since(began).Round(time.Millisecond), info.Size()>>20)
	}
	tend := func() {
		_, err := anna.groups.Tend(t.Context(), c.Group)
		must(t, err)
	}
	carry := func() {
		for _, p := range all[1:] {
			anna.carry(p)
		}
	}
	took("the commit that adds all", tend)
	took("15 join", carry)
	for _, p := range all {
		if got, want := len(p.members(c.Group)), *mlsMembers+16; got != want {
			t.Fatalf("%s sees %d members, want %d", p.name, got, want)
		}
	}
	must(t, anna.groups.Update(t.Context(), c.ID))
	took("another commit", tend)
	took("15 enter its epoch", carry)
	took("a message", func() {
		_, err := anna.groups.Send(t.Context(), c.ID, chat("hello"))
		must(t, err)
	})
	took("15 read it", carry)
}

// acquaintances makes contacts of p that have nothing but a key package.
func (p *person) acquaintances(n int) map[rpc.Identity][]byte {
	p.t.Helper()
	now := time.Now()
	packages := make(map[rpc.Identity][]byte, n)
	must(p.t, p.store.Update(p.t.Context(), func(tx *store.Tx) error {
		for range n {
			id, err := identity.Generate()
			if err != nil {
				return err
			}
			who := id.ID()
			kp, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
				Suite: keys.Suite, Signer: id.MLS(), Identity: who[:], Capabilities: keys.Capabilities(),
				NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
			})
			if err != nil {
				return err
			}
			c := store.Contact{Identity: who, Name: fmt.Sprintf("mls %x", who[:6]), Via: "link", Introduced: true, Added: now}
			if err := tx.PutContact(c); err != nil {
				return err
			}
			packages[who] = kp.Bytes()
		}
		return nil
	}))
	return packages
}
