package mls

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"testing"
)

// TestSmallOrder: no exchange works with the points that are refused, and no leaf
// or key package with one is admitted, however it is written. Of a good key, the one
// encoding is taken.
func TestSmallOrder(t *testing.T) {
	one := big.NewInt(1)
	prime := func(bits, less uint, more int64) []byte {
		p := new(big.Int).Lsh(one, bits)
		if less > 0 {
			p.Sub(p, new(big.Int).Lsh(one, less))
		}
		b := p.Sub(p, big.NewInt(more)).Bytes()
		slices.Reverse(b)
		return b
	}
	for _, c := range []struct {
		suite  Suite
		field  field
		prime  []byte
		next   []byte
		small  int
		prefix int
	}{
		{X25519_AES128GCM_SHA256_Ed25519, field25519, prime(255, 0, 19), prime(255, 0, 18), 5, 0},
		{MLKEM768X25519_AES128GCM_SHA256_Ed25519, field25519, prime(255, 0, 19), prime(255, 0, 18), 5, 1184},
		{X448_AES256GCM_SHA512_Ed448, field448, prime(448, 224, 1), prime(448, 224, 0), 3, 0},
	} {
		if !bytes.Equal(c.prime, c.field.prime) || len(c.field.small) != c.small {
			t.Fatalf("got prime %x and %d points", c.field.prime, len(c.field.small))
		}
		s, err := c.suite.lookup()
		must(t, err)
		_, good, err := s.hpke.generate()
		must(t, err)
		must(t, s.checkEncryptionKey(good))
		refused := func(point []byte, zero bool) {
			t.Helper()
			key := append(bytes.Clone(good[:c.prefix]), point...)
			if err := s.checkEncryptionKey(key); !errors.Is(err, errMalformed) {
				t.Errorf("%v %x: got %v, want %v", c.suite, point, err, errMalformed)
			}
			if _, err := s.encryptWithLabel(key, "x", nil, nil); err == nil && zero && c.prefix == 0 {
				t.Errorf("%v %x: it can be encrypted to", c.suite, point)
			}
		}
		for point := range c.field.small {
			refused([]byte(point), true)
		}
		refused(c.prime, true) // 0, not reduced
		refused(c.next, true)  // 1
		if c.field.prime[31] == 0x7f {
			masked := bytes.Clone(good[c.prefix:])
			masked[31] |= 0x80
			refused(masked, false)
		}
	}
}

// TestOldKeyWrittenAnew: an Update with the key that was there before, in another
// encoding, is refused, and so is a path.
func TestOldKeyWrittenAnew(t *testing.T) {
	all := newGroup(t, x25519, "anna", "bert", "cleo")
	a, b, c := all[0], all[1], all[2]
	anew := func(l *leafNode) []byte {
		key := bytes.Clone(l.encryptionKey)
		key[31] ^= 0x80 // RFC 7748, §5: it does not count
		return key
	}
	path := pathForge{leaf: func(l *leafNode) { l.encryptionKey = anew(a.epoch.tree.leaf(0)) }}.commit(a)
	if _, err := b.epoch.Stage(b.records, path, StageConfig{}); !errors.Is(err, errMalformed) {
		t.Errorf("path: got %v, want %v", err, errMalformed)
	}
	l := *c.epoch.tree.leaf(2)
	l.encryptionKey, l.source, l.lifetime = anew(&l), sourceUpdate, Lifetime{}
	must(t, l.sign(c.signer, c.epoch.context.groupID, 2))
	m := c.epoch.frame(contentProposal, nil, true)
	m.content.proposal = &proposal{typ: ProposalUpdate, update: &l}
	must(t, m.sign(c.signer, c.epoch.encoded))
	msg, err := c.epoch.protect(c.records, m)
	must(t, err)
	if _, err := b.epoch.Receive(b.records, msg); !errors.Is(err, errMalformed) {
		t.Errorf("update: got %v, want %v", err, errMalformed)
	}
}
