package mls

import (
	"fmt"
	"strconv"
)

// A secretTree is the secret tree of one epoch (RFC 9420, §9) as it lies in the
// caller's records:
//
//	s/<node>               a secret of the tree that is not consumed yet
//	h/<leaf>, a/<leaf>     the handshake and application ratchet of a member
//	h/<leaf>/<generation>  the key of a message that was skipped
//
// Its methods read and never write: what is to be written comes back as
// recordChanges, so that a message that turns out bad leaves no trace.
type secretTree struct {
	suite   *suite
	leaves  uint32
	records Records
}

// A ratchetKind is the first letter of a ratchet's record.
type ratchetKind string

const (
	handshakeRatchet   ratchetKind = "h"
	applicationRatchet ratchetKind = "a"
)

// ratchetFor returns the ratchet that protects a content type.
func ratchetFor(typ contentType) ratchetKind {
	if typ == contentApplication {
		return applicationRatchet
	}
	return handshakeRatchet
}

func secretRecord(x nodeIndex) string { return "s/" + strconv.FormatUint(uint64(x), 10) }

func (k ratchetKind) record(leaf uint32) string {
	return string(k) + "/" + strconv.FormatUint(uint64(leaf), 10)
}

func (k ratchetKind) skippedRecord(leaf uint32, generation uint64) string {
	return k.record(leaf) + "/" + strconv.FormatUint(generation, 10)
}

// get reads a record.
func (t secretTree) get(key string) ([]byte, error) {
	v, err := t.records.Get(key)
	if err != nil {
		return nil, fmt.Errorf("get record: %w", err)
	}
	return v, nil
}

// load returns a member's ratchet. The first time it derives it from the tree,
// and the secrets on the way are consumed: their records go and those of their
// other children come (RFC 9420, §9.2).
func (t secretTree) load(kind ratchetKind, leaf uint32, c *recordChanges) (*ratchet, error) {
	b, err := t.get(kind.record(leaf))
	if err != nil {
		return nil, err
	}
	if b != nil {
		return decodeRatchet(b, t.suite.size)
	}
	secret, err := t.consume(leaf, c)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	handshake, err := t.suite.expandWithLabel(secret, "handshake", nil, t.suite.size)
	if err != nil {
		return nil, err
	}
	application, err := t.suite.expandWithLabel(secret, "application", nil, t.suite.size)
	if err != nil {
		return nil, err
	}
	if kind == applicationRatchet {
		c.put(handshakeRatchet.record(leaf), (&ratchet{secret: handshake}).bytes())
		clear(handshake)
		return &ratchet{secret: application}, nil
	}
	c.put(applicationRatchet.record(leaf), (&ratchet{secret: application}).bytes())
	clear(application)
	return &ratchet{secret: handshake}, nil
}

// consume derives a leaf's secret from the lowest one above it that is left.
func (t secretTree) consume(leaf uint32, c *recordChanges) ([]byte, error) {
	x := leafNodeIndex(leaf)
	var secret []byte
	for ok := true; ok; x, ok = x.parent(t.leaves) {
		b, err := t.get(secretRecord(x))
		if err != nil {
			return nil, err
		}
		if b != nil {
			secret = b
			break
		}
	}
	if len(secret) != t.suite.size {
		return nil, fmt.Errorf("secret tree: %w", ErrRecords)
	}
	c.remove(secretRecord(x))
	for x.level() > 0 {
		left, err := t.suite.expandWithLabel(secret, "tree", []byte("left"), t.suite.size)
		if err != nil {
			return nil, err
		}
		right, err := t.suite.expandWithLabel(secret, "tree", []byte("right"), t.suite.size)
		if err != nil {
			return nil, err
		}
		clear(secret)
		l, _ := x.left()
		r, _ := x.right()
		if l.covers(leaf) {
			c.put(secretRecord(r), right)
			x, secret = l, left
		} else {
			c.put(secretRecord(l), left)
			x, secret = r, right
		}
	}
	return secret, nil
}

// send takes the next key of an own ratchet.
func (t secretTree) send(kind ratchetKind, leaf uint32) (messageKey, uint32, *recordChanges, error) {
	c := &recordChanges{}
	r, err := t.load(kind, leaf, c)
	if err != nil {
		return messageKey{}, 0, nil, err
	}
	if r.next > maxGeneration {
		return messageKey{}, 0, nil, ErrExhausted
	}
	generation := uint32(r.next)
	k, err := r.step(t.suite, true)
	if err != nil {
		return messageKey{}, 0, nil, err
	}
	r.floor = r.next
	c.put(kind.record(leaf), r.bytes())
	r.clear()
	return k, generation, c, nil
}

// receive takes the key of a generation of a member's ratchet. Those that it
// passes over are kept, the last MaxKept of them.
func (t secretTree) receive(kind ratchetKind, leaf, generation uint32) (messageKey, *recordChanges, error) {
	c := &recordChanges{}
	r, err := t.load(kind, leaf, c)
	if err != nil {
		return messageKey{}, nil, err
	}
	defer r.clear()
	g := uint64(generation)
	if g < r.next {
		return t.receiveSkipped(kind, leaf, g, r, c)
	}
	if g-r.next > MaxForward {
		return messageKey{}, nil, ErrTooFarAhead
	}
	if err := t.prune(kind, leaf, g+1, r, c); err != nil {
		return messageKey{}, nil, err
	}
	for r.next < g {
		keep := g-r.next <= MaxKept-1
		skipped := r.next
		k, err := r.step(t.suite, keep)
		if err != nil {
			return messageKey{}, nil, err
		}
		if keep {
			c.put(kind.skippedRecord(leaf, skipped), append(k.key, k.nonce...))
			r.kept++
		}
	}
	k, err := r.step(t.suite, true)
	if err != nil {
		return messageKey{}, nil, err
	}
	if r.kept == 0 {
		r.floor = r.next
	}
	c.put(kind.record(leaf), r.bytes())
	return k, c, nil
}

// receiveSkipped takes a key that was kept.
func (t secretTree) receiveSkipped(kind ratchetKind, leaf uint32, g uint64, r *ratchet, c *recordChanges) (messageKey, *recordChanges, error) {
	if g < r.floor {
		return messageKey{}, nil, ErrReused
	}
	key := kind.skippedRecord(leaf, g)
	b, err := t.get(key)
	if err != nil {
		return messageKey{}, nil, err
	}
	if b == nil {
		return messageKey{}, nil, ErrReused
	}
	if len(b) != t.suite.keySize+t.suite.nonceSize || r.kept == 0 {
		return messageKey{}, nil, fmt.Errorf("skipped key: %w", ErrRecords)
	}
	c.remove(key)
	r.kept--
	if r.kept == 0 {
		r.floor = r.next
	}
	c.put(kind.record(leaf), r.bytes())
	return messageKey{key: b[:t.suite.keySize], nonce: b[t.suite.keySize:]}, c, nil
}

// prune forgets the kept keys that fall out of the window when the ratchet gets
// to next. Each generation is looked at once in the life of a ratchet, and none
// while nothing is kept.
func (t secretTree) prune(kind ratchetKind, leaf uint32, next uint64, r *ratchet, c *recordChanges) error {
	floor := r.floor
	if next > MaxKept {
		floor = max(floor, next-MaxKept)
	}
	for g := r.floor; g < min(floor, r.next) && r.kept > 0; g++ {
		key := kind.skippedRecord(leaf, g)
		b, err := t.get(key)
		if err != nil {
			return err
		}
		if b != nil {
			c.remove(key)
			r.kept--
			clear(b)
		}
	}
	r.floor = floor
	return nil
}
