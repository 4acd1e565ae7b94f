package mls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// twoMembers returns a group of two that load their epoch before each step.
func twoMembers(tb testing.TB, s Suite) (a, b *member) {
	a, b = newMemberOf(tb, s, "anna"), newMemberOf(tb, s, "bert")
	a.reload, b.reload = true, true
	a.create(GroupConfig{})
	a.add(false, b)
	return a, b
}

// TestOutOfOrder: any order within the window, each message once, also after
// save and load and after thousands of messages of one sender.
func TestOutOfOrder(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	a.reload, b.reload = false, false
	for range 3000 {
		b.decrypt(a.encrypt("in order"), a, "in order")
	}
	if got := len(b.records); got > 8 {
		t.Errorf("got %d records after 3000 messages in order, want a handful", got)
	}
	b.reload = true
	var msgs [][]byte
	for i := range 300 {
		msgs = append(msgs, a.encrypt(fmt.Sprint(i)))
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(msgs))
	for _, i := range order {
		b.decrypt(msgs[i], a, fmt.Sprint(i))
		b.load()
		before := b.snapshot()
		if _, err := b.epoch.Decrypt(b.records, msgs[i]); !errors.Is(err, ErrReused) {
			t.Fatalf("message %d again: got %v, want %v", i, err, ErrReused)
		}
		if !sameRecords(before, b.records) {
			t.Fatal("a refused message changed the records")
		}
	}
	if got := len(b.records); got > 8 {
		t.Errorf("got %d records after all gaps were filled, want a handful", got)
	}
}

// TestUsedKeysAreErased: what is stored after messages were sent and decrypted holds
// neither their keys nor what these could be derived from (RFC 9420, §9.2).
func TestUsedKeysAreErased(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	s, gone := a.epoch.suite, make(map[string][]byte)
	r, err := a.epoch.secretTree(a.snapshot()).load(applicationRatchet, a.epoch.own, &recordChanges{})
	must(t, err)
	for i := range 3 {
		gone[fmt.Sprint("the secret of generation ", i)] = bytes.Clone(r.secret)
		k, err := r.step(s, true)
		must(t, err)
		gone[fmt.Sprint("the key of generation ", i)] = k.key
	}
	first, second, third := a.encrypt("1"), a.encrypt("2"), a.encrypt("3")
	look := func(m *member, but ...string) {
		t.Helper()
		for key, value := range m.snapshot() {
			for name, secret := range gone {
				if bytes.Contains(value, secret) && !slices.Contains(but, name) {
					t.Errorf("record %s of %s holds %s", key, m.name, name)
				}
			}
		}
	}
	look(a)
	const skipped = "the key of generation 1"
	b.decrypt(third, a, "3")
	look(b, "the key of generation 0", skipped)
	b.decrypt(first, a, "1")
	if kept := b.records[applicationRatchet.skippedRecord(0, 1)]; !bytes.HasPrefix(kept, gone[skipped]) {
		t.Fatal("the key of a message that is to come was not found: nothing was looked at")
	}
	look(b, skipped)
	b.decrypt(second, a, "2")
	look(b)
}

// TestTreeSecretsAreConsumed: of the secret tree nothing is left on the way to
// a leaf whose ratchet was used, and nothing at all after all were (RFC 9420,
// §9.2).
func TestTreeSecretsAreConsumed(t *testing.T) {
	for leaves := uint32(1); leaves <= 64; leaves *= 2 {
		s := suites[0]
		records := Scratch{secretRecord(rootIndex(leaves)): random(s.size)}
		tree := secretTree{suite: s, leaves: leaves, records: records}
		for _, leaf := range rand.Perm(int(leaves)) {
			_, changes, err := tree.receive(applicationRatchet, uint32(leaf), 0)
			must(t, err)
			must(t, changes.write(records))
			x, ok := leafNodeIndex(uint32(leaf)), true
			for ; ok; x, ok = x.parent(leaves) {
				if records[secretRecord(x)] != nil {
					t.Fatalf("secret of node %d is left above leaf %d", x, leaf)
				}
			}
		}
		for key := range records {
			if strings.HasPrefix(key, "s/") {
				t.Errorf("%d leaves: %s is left", leaves, key)
			}
		}
	}
}

func TestGenerationLimits(t *testing.T) {
	s := suites[0]
	root := random(s.size)
	fresh := func() secretTree { return vectorSecretTree(s, 2, root) }
	if _, _, err := fresh().receive(applicationRatchet, 1, MaxForward+1); !errors.Is(err, ErrTooFarAhead) {
		t.Errorf("got %v, want %v", err, ErrTooFarAhead)
	}
	if _, _, err := fresh().receive(applicationRatchet, 1, 1<<32-1); !errors.Is(err, ErrTooFarAhead) {
		t.Errorf("got %v, want %v", err, ErrTooFarAhead)
	}
	tree := fresh()
	take := func(generation uint32) error {
		k, changes, err := tree.receive(applicationRatchet, 1, generation)
		if err != nil {
			return err
		}
		must(t, changes.write(tree.records))
		want := vectorSecretTree(s, 2, root)
		r, err := want.load(applicationRatchet, 1, &recordChanges{})
		must(t, err)
		var same messageKey
		for range generation + 1 {
			same, err = r.step(s, true)
			must(t, err)
		}
		if !bytes.Equal(k.key, same.key) || !bytes.Equal(k.nonce, same.nonce) {
			t.Fatalf("wrong key of generation %d", generation)
		}
		return nil
	}
	must(t, take(MaxForward))
	oldest := uint32(MaxForward + 1 - MaxKept)
	if err := take(oldest - 1); !errors.Is(err, ErrReused) {
		t.Errorf("a generation outside the window: got %v, want %v", err, ErrReused)
	}
	must(t, take(oldest))
	must(t, take(MaxForward-1))
	if got := len(tree.records.(Scratch)); got > MaxKept+4 {
		t.Errorf("got %d records, want at most %d keys", got, MaxKept)
	}
	// Another jump forgets what falls out of the window.
	must(t, take(MaxForward+500))
	if err := take(oldest + 1); !errors.Is(err, ErrReused) {
		t.Errorf("got %v, want %v", err, ErrReused)
	}
	must(t, take(oldest+501))
	for generation := uint32(0); generation < oldest+500; generation++ {
		if tree.records.(Scratch)[applicationRatchet.skippedRecord(1, uint64(generation))] != nil {
			t.Fatalf("key of generation %d is kept", generation)
		}
	}
	must(t, take(2*MaxForward))
	kept := 0
	for key := range tree.records.(Scratch) {
		if strings.Count(key, "/") == 2 {
			kept++
		}
	}
	if kept > MaxKept {
		t.Errorf("got %d keys kept, want at most %d", kept, MaxKept)
	}
}

func TestRatchetExhausted(t *testing.T) {
	s := suites[0]
	tree := vectorSecretTree(s, 1, random(s.size))
	last := &ratchet{next: maxGeneration, floor: maxGeneration, secret: random(s.size)}
	must(t, tree.records.Put(applicationRatchet.record(0), last.bytes()))
	_, generation, changes, err := tree.send(applicationRatchet, 0)
	must(t, err)
	if generation != maxGeneration {
		t.Errorf("got generation %d", generation)
	}
	must(t, changes.write(tree.records))
	if _, _, _, err := tree.send(applicationRatchet, 0); !errors.Is(err, ErrExhausted) {
		t.Errorf("got %v, want %v", err, ErrExhausted)
	}
}

// countingRecords counts what a call reads and writes.
type countingRecords struct {
	Scratch
	bytes, calls    int
	written, writes int // of them, keys and values put or deleted
}

func (c *countingRecords) Get(key string) ([]byte, error) {
	b, err := c.Scratch.Get(key)
	c.bytes += len(b)
	c.calls++
	return b, err
}

func (c *countingRecords) Put(key string, value []byte) error {
	c.bytes += len(value)
	c.calls++
	c.written += len(key) + len(value)
	c.writes++
	return c.Scratch.Put(key, value)
}

func (c *countingRecords) Delete(key string) error {
	c.written += len(key)
	c.writes++
	return c.Scratch.Delete(key)
}

// TestMessageTouchesLittle: a message reads and writes about one ratchet,
// whatever the size of the group.
func TestMessageTouchesLittle(t *testing.T) {
	a := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	a.create(GroupConfig{})
	var others []*member
	for i := range 40 {
		others = append(others, newMemberOf(t, a.suite, fmt.Sprint(i)))
	}
	a.add(false, others...)
	b := others[20]
	b.decrypt(a.encrypt("first"), a, "first")
	for range 3 {
		counting := &countingRecords{Scratch: a.records}
		msg, err := a.epoch.Encrypt(counting, nil, []byte("hello"))
		must(t, err)
		if counting.bytes > 200 || counting.calls > 3 {
			t.Errorf("encrypting touched %d bytes in %d calls", counting.bytes, counting.calls)
		}
		counting = &countingRecords{Scratch: b.records}
		_, err = b.epoch.Decrypt(counting, msg)
		must(t, err)
		if counting.bytes > 200 || counting.calls > 3 {
			t.Errorf("decrypting touched %d bytes in %d calls", counting.bytes, counting.calls)
		}
	}
}

// TestRollback: a transaction that is rolled back after an encryption or
// decryption leaves nothing stale in the epoch.
func TestRollback(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	a.reload, b.reload = false, false
	before := a.snapshot()
	a.encrypt("never sent")
	a.records = before
	msg := a.encrypt("sent")
	before = b.snapshot()
	b.decrypt(msg, a, "sent")
	b.records = before
	b.decrypt(msg, a, "sent")
	b.decrypt(a.encrypt("next"), a, "next")
}

// failingRecords fails at the n-th write.
type failingRecords struct {
	Scratch
	n int
}

var errDisk = errors.New("disk full")

func (f *failingRecords) Put(key string, value []byte) error {
	if f.n--; f.n < 0 {
		return errDisk
	}
	return f.Scratch.Put(key, value)
}

func TestFailingRecords(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	if _, err := a.epoch.Encrypt(&failingRecords{Scratch: a.snapshot()}, nil, nil); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
	msg := a.encrypt("x")
	if _, err := b.epoch.Decrypt(&failingRecords{Scratch: b.snapshot()}, msg); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
	if _, err := b.epoch.Decrypt(Scratch{}, msg); !errors.Is(err, ErrRecords) {
		t.Errorf("got %v, want %v", err, ErrRecords)
	}
	if _, err := LoadEpoch(Scratch{}, b.signer); !errors.Is(err, ErrRecords) {
		t.Errorf("got %v, want %v", err, ErrRecords)
	}
	e, err := Create(GroupConfig{Signer: a.signer})
	must(t, err)
	must(t, e.Save(Scratch{}))
	if err := e.Save(Scratch{}); !errors.Is(err, ErrSaved) {
		t.Errorf("got %v, want %v", err, ErrSaved)
	}
	if _, err := LoadEpoch(b.records, a.signer); !errors.Is(err, ErrInvalid) {
		t.Errorf("signer of another leaf: got %v, want %v", err, ErrInvalid)
	}
}
