package mls

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"testing"
)

// work is calls of cryptography, one after the other.
type work []func()

func (w work) run() {
	for _, f := range w {
		f()
	}
}

// times repeats a call.
func times(n int, f func()) work {
	w := make(work, n)
	for i := range w {
		w[i] = f
	}
	return w
}

// onAllCores returns all that is independent as one call on all cores.
func onAllCores(list ...work) func() {
	var all work
	for _, w := range list {
		all = append(all, w...)
	}
	return func() {
		_ = inParallel(len(all), min(8, len(all)/8+1), func(i int) error {
			all[i]()
			return nil
		})
	}
}

// primitives calls the cryptography of the first suite, as the standard library
// has it, on values of a given length. It is what an operation of a group is
// compared with.
type primitives struct {
	suite   *suite
	hpke    stdHPKE
	signer  ed25519.PrivateKey
	private hpke.PrivateKey
	secret  []byte
	content []byte
}

func newPrimitives(tb testing.TB) *primitives {
	tb.Helper()
	s := suites[0]
	p := &primitives{suite: s, hpke: s.hpke.(stdHPKE), secret: random(s.size), content: random(1 << 22)}
	var err error
	_, p.signer, err = ed25519.GenerateKey(nil)
	must(tb, err)
	p.private, err = p.hpke.kem.GenerateKey()
	must(tb, err)
	return p
}

func (p *primitives) sign(n int) func() {
	return func() { ed25519.Sign(p.signer, p.content[:n]) }
}

func (p *primitives) verify(n int) func() {
	public, sig := p.signer.Public().(ed25519.PublicKey), ed25519.Sign(p.signer, p.content[:n])
	return func() { ed25519.Verify(public, p.content[:n], sig) }
}

// derive is ExpandWithLabel, of a short context.
func (p *primitives) derive() {
	_, _ = hkdf.Expand(p.suite.hash, p.secret, string(p.content[:20]), p.suite.size)
}

func (p *primitives) extract() { _, _ = hkdf.Extract(p.suite.hash, p.secret, p.secret) }
func (p *primitives) keyPair() { _, _ = p.hpke.kem.DeriveKeyPair(p.secret) }
func (p *primitives) guard()   { random(4) }

func (p *primitives) hash(n int) func() { return func() { sha256.Sum256(p.content[:n]) } }

func (p *primitives) mac(n int) func() {
	return func() {
		m := hmac.New(p.suite.hash, p.secret)
		m.Write(p.content[:n])
		m.Sum(nil)
	}
}

func (p *primitives) aeadSeal(n int) func() {
	key, nonce := p.secret[:p.suite.keySize], p.content[:p.suite.nonceSize]
	return func() { _, _ = p.suite.seal(key, nonce, nil, p.content[:n]) }
}

func (p *primitives) aeadOpen(n int) func() {
	key, nonce := p.secret[:p.suite.keySize], p.content[:p.suite.nonceSize]
	sealed, _ := p.suite.seal(key, nonce, nil, p.content[:n])
	return func() { _, _ = p.suite.open(key, nonce, nil, sealed) }
}

// seal and open are EncryptWithLabel and DecryptWithLabel with a context of n
// bytes.
func (p *primitives) seal(n int) func() {
	to := p.private.PublicKey()
	return func() {
		_, sender, _ := hpke.NewSender(to, p.hpke.kdf, p.hpke.aead, p.content[:n])
		_, _ = sender.Seal(nil, p.secret)
	}
}

func (p *primitives) open(n int) func() {
	enc, sender, _ := hpke.NewSender(p.private.PublicKey(), p.hpke.kdf, p.hpke.aead, p.content[:n])
	sealed, _ := sender.Seal(nil, p.secret)
	return func() {
		recipient, _ := hpke.NewRecipient(enc, p.private, p.hpke.kdf, p.hpke.aead, p.content[:n])
		_, _ = recipient.Open(nil, sealed)
	}
}

// Lengths of what is hashed for a parent with nothing unmerged: TreeHashInput
// (RFC 9420, §7.8) and ParentHashInput (§7.9).
const (
	parentInput     = 135
	parentHashInput = 99
)

// messageKeys are the derivations of a message: key, nonce and next secret of
// the ratchet (RFC 9420, §9.1), key and nonce of the sender data (§6.3.2).
func (p *primitives) messageKeys() work { return times(5, p.derive) }

// encrypt and decrypt are a PrivateMessage of n bytes without its signature
// (RFC 9420, §6.3).
func (p *primitives) encrypt(n int) work {
	return append(p.messageKeys(), p.guard, p.aeadSeal(n), p.aeadSeal(senderDataSize))
}

func (p *primitives) decrypt(n int) work {
	return append(p.messageKeys(), p.aeadOpen(n), p.aeadOpen(senderDataSize))
}

// epoch is the key schedule of an epoch (RFC 9420, §8): the joiner secret, the
// epoch secret and nine of it. What is for who joins is not in it.
func (p *primitives) epoch() work {
	return append(times(1+1+9, p.derive), p.extract, p.extract)
}

// transcript is both transcript hashes of a commit of n bytes (RFC 9420, §8.2),
// and the confirmation tag (§8.1).
func (p *primitives) transcript(n int) work {
	return work{p.hash(n), p.hash(p.suite.size + 33), p.mac(p.suite.size)}
}

// path derives the keys of a path (RFC 9420, §7.4).
func (p *primitives) path(nodes int) work {
	return append(times(2*nodes, p.derive), times(nodes, p.keyPair)...)
}

// pathHashes are the parent hashes of a path (RFC 9420, §7.9) and the tree
// hashes from its leaf to the root (§7.8).
func (p *primitives) pathHashes(nodes, levels, leaf int) work {
	w := append(times(nodes, p.hash(parentHashInput)), times(levels, p.hash(parentInput))...)
	return append(w, p.hash(leaf))
}

// treeHashes are those of a whole tree, from the lengths of its leaves.
func (p *primitives) treeHashes(t *tree) work {
	var w work
	for _, l := range t.members() {
		w = append(w, p.hash(len(l.raw)+6))
	}
	return append(w, times(int(t.leaves)-1, p.hash(parentInput))...)
}
