package mls

import (
	"bytes"
	"crypto/hmac"
	"fmt"
	"slices"
)

// JoinConfig is what it takes to join a group.
type JoinConfig struct {
	// Welcome is an MLSMessage.
	Welcome []byte
	// KeyPackage is the one that was used to add us, Secrets its private keys.
	KeyPackage *KeyPackage
	Secrets    *KeyPackageSecrets
	// Signer holds the signature key of the key package's leaf.
	Signer Signer
	// RatchetTree is the tree, or Staged.RatchetTree, when it does not come in
	// the Welcome.
	RatchetTree []byte
	// PSKs returns pre-shared keys; nil when there are none.
	PSKs PSKs
	// Previous is the epoch that the group branches off, or the closed one that
	// it goes on from (RFC 9420, §11.2, §11.3). Without it such a Welcome is
	// refused, with it every other one. Its resumption secret needs no PSKs.
	Previous *Epoch
	// MaxMembers is how many members the group may have; zero is no limit. A larger
	// one is refused before its members' signatures are verified, most of the work.
	MaxMembers int
	// AnyLifetime lets in leaves of key packages whose lifetime is longer than
	// MaxLifetime, in groups with programs that know no such bound (RFC 9420, §7.2).
	AnyLifetime bool
}

// Join enters the epoch that a Welcome is for (RFC 9420, §12.4.3.1), after all
// checks that need no clock. The caller then looks at Members, at Extensions
// and at GroupID, which must be new to it, before it saves the epoch; and
// erases the secrets unless the key package is one of last resort.
func Join(cfg JoinConfig) (*Epoch, error) {
	e, err := join(cfg)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	return e, nil
}

func join(cfg JoinConfig) (*Epoch, error) {
	o, err := cfg.open()
	if err != nil {
		return nil, err
	}
	s, g := o.suite, o.secrets
	defer clear(g.joiner)
	if len(g.joiner) != s.size || g.pathSecret != nil && len(g.pathSecret) != s.size {
		return nil, fmt.Errorf("size of the secrets: %w", ErrInvalid)
	}
	psk, err := cfg.pskSecret(s, g.psks)
	if err != nil {
		return nil, err
	}
	defer clear(psk)
	info, err := o.welcome.openGroupInfo(s, g.joiner, psk)
	if err != nil {
		return nil, err
	}
	t, err := info.checkedTree(s, cfg.RatchetTree, cfg.MaxMembers, cfg.AnyLifetime)
	if err != nil {
		return nil, err
	}
	if err := cfg.checkPrevious(g.psks, info); err != nil {
		return nil, err
	}
	return o.enter(cfg, psk, info, t)
}

// open checks that what we have belongs together and decrypts the group secrets
// that are for us.
func (cfg *JoinConfig) open() (*opening, error) {
	kp := cfg.KeyPackage
	s, err := kp.suite.lookup()
	if err != nil {
		return nil, err
	}
	m, err := decodeMessageOf(cfg.Welcome, WireWelcome)
	if err != nil {
		return nil, err
	}
	if m.welcome.suite != kp.suite {
		return nil, fmt.Errorf("cipher suite of the welcome: %w", ErrNotForUs)
	}
	init, leaf, err := cfg.Secrets.keys(kp)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(cfg.Signer.Public(), kp.leaf.signatureKey) {
		return nil, fmt.Errorf("signer of another key package: %w", ErrInvalid)
	}
	defer init.clear()
	g, err := m.welcome.openSecrets(s, kp.Ref(), init)
	if err != nil {
		return nil, err
	}
	return &opening{s, m.welcome, g, leaf}, nil
}

// An opening is a Welcome whose group secrets for us are open.
type opening struct {
	suite   *suite
	welcome *welcome
	secrets *groupSecrets
	leaf    *privateKey // of our key package
}

// enter makes the epoch of a GroupInfo that has been verified.
func (o *opening) enter(cfg JoinConfig, psk []byte, info *groupInfo, t *tree) (*Epoch, error) {
	s, g := o.suite, o.secrets
	own, err := ownLeaf(t, cfg.KeyPackage.leaf)
	if err != nil {
		return nil, err
	}
	if info.signer == own {
		return nil, fmt.Errorf("signed by ourselves: %w", ErrInvalid)
	}
	k, err := s.schedule(g.joiner, psk, encoded(info.context))
	if err != nil {
		return nil, err
	}
	clear(k.welcome)
	e := newEpoch(s, cfg.Signer, info.context, k, t, own)
	if !hmac.Equal(e.tag, info.confirmationTag) {
		return nil, fmt.Errorf("confirmation tag: %w", ErrInvalid)
	}
	e.private = map[nodeIndex]*privateKey{leafNodeIndex(own): o.leaf}
	if g.pathSecret != nil {
		if err := e.learnPath(commonAncestor(own, info.signer), g.pathSecret); err != nil {
			return nil, err
		}
	}
	return e, e.checkView()
}

// checkView verifies that we have the keys of all parents above our leaf but those
// that list it as unmerged (RFC 9420, §4.2). Others encrypt to them what is for us:
// without one, as with a Welcome that keeps its path secret back, we could follow no
// commit.
func (e *Epoch) checkView() error {
	for x, ok := leafNodeIndex(e.own).parent(e.tree.leaves); ok; x, ok = x.parent(e.tree.leaves) {
		p := e.tree.at(x).parent
		if p == nil || e.private[x] != nil {
			continue
		}
		if _, unmerged := slices.BinarySearch(p.unmergedLeaves, e.own); !unmerged {
			return fmt.Errorf("no key of node %d above our leaf: %w", x, ErrInvalid)
		}
	}
	return nil
}

// ownLeaf finds the leaf of our key package.
func ownLeaf(t *tree, own *leafNode) (uint32, error) {
	for i, l := range t.members() {
		if l.equal(own) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("our leaf is not in the tree: %w", ErrInvalid)
}

// learnPath derives the private keys of the parents from x up to the root from
// the path secret of x (RFC 9420, §7.4), which has a key for it to fit (§12.4.3.1).
// The secret is wiped.
func (e *Epoch) learnPath(x nodeIndex, pathSecret []byte) error {
	secret := pathSecret
	if n := e.tree.at(x); n == nil || n.parent == nil {
		clear(secret)
		return fmt.Errorf("path secret of node %d, which is blank: %w", x, ErrInvalid)
	}
	for ok := true; ok; x, ok = x.parent(e.tree.leaves) {
		n := e.tree.at(x)
		if n == nil || n.parent == nil {
			continue
		}
		private, next, err := e.suite.fittingKey(secret, n.parent.encryptionKey)
		clear(secret)
		if err != nil {
			return err
		}
		e.private[x] = private
		secret = next
	}
	clear(secret)
	return nil
}
