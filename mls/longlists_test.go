package mls

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"
)

// costs runs f, which gets about n bytes from outside, and bounds what it allocates
// and how long it takes: far less than comparing all with all does.
func costs(t *testing.T, n int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := processorTime()
	f()
	took := processorTime() - start
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(64*n+1<<20); got > most {
		t.Errorf("%d bytes made us allocate %d, want at most %d", n, got, most)
	}
	if took > 4*time.Second {
		t.Errorf("%d bytes took %v of processor time", n, took)
	}
}

// TestLongLists: lists of thousands of types, in messages that are well signed, cost
// as much as they are long.
func TestLongLists(t *testing.T) {
	const many = 60_000
	var extensions []Extension
	for typ := range uint16(many) {
		if !defaultExtension(typ) && !isGREASE(typ) {
			extensions = append(extensions, Extension{Type: typ})
		}
	}
	types := typesOf(extensions)
	slices.Reverse(types)
	// None of them but those that all clients support, again and again.
	required := Extension{ExtensionRequiredCapabilities, encoded(RequiredCapabilities{
		Extensions: slices.Repeat([]uint16{ExtensionApplicationID}, many),
		Proposals:  slices.Repeat([]uint16{ProposalAdd}, many),
	})}

	t.Run("leaf", func(t *testing.T) {
		kp := resign(t, newMemberOf(t, x25519, "mallory"), func(k *KeyPackage) {
			k.leaf.extensions, k.leaf.capabilities.Extensions = extensions, types
		})
		costs(t, 6*len(kp.Bytes()), func() {
			for range 6 {
				must(t, kp.Check(now))
			}
		})
	})
	t.Run("commit", func(t *testing.T) {
		g := newBenchGroup(t, 500)
		msg := pathForge{list: g.a.byCommitter(&proposal{
			typ: ProposalGroupContextExtensions, extensions: []Extension{required},
		})}.commit(g.a)
		costs(t, len(msg), func() {
			_, err := g.end.epoch.Stage(g.end.records, msg, StageConfig{})
			must(t, err)
		})
	})
	t.Run("welcome", func(t *testing.T) {
		others := make([]*member, 300)
		for i := range others {
			others[i] = newMemberOf(t, x25519, "another")
		}
		f := welcomeForge{
			context: func(c *groupContext) { c.extensions = []Extension{required} },
			tree: func(e *treeEdit) {
				for _, m := range others {
					e.add(m.kp.leaf)
				}
			},
		}
		costs(t, len(required.Data), func() { // what it takes to make it is in it
			_, err := f.attempt(t)
			must(t, err)
		})
	})
	t.Run("welcome of many extensions", func(t *testing.T) {
		f := welcomeForge{
			context: func(c *groupContext) { c.extensions = extensions },
			leaf:    func(l *leafNode) { l.capabilities.Extensions = types },
		}
		costs(t, 16*6*many, func() {
			for range 8 {
				if _, err := f.attempt(t); !errors.Is(err, ErrInvalid) {
					t.Fatalf("got %v, want %v", err, ErrInvalid)
				}
			}
		})
	})
}
