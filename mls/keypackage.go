package mls

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// A KeyPackage is what somebody publishes so that others can add them to a
// group (RFC 9420, §10). It is immutable. That it parsed says nothing: Check it
// before use.
type KeyPackage struct {
	suite      Suite
	initKey    []byte
	leaf       *leafNode
	extensions []Extension
	signature  []byte

	raw []byte // the encoding
}

// KeyPackageConfig says what a key package is to contain.
type KeyPackageConfig struct {
	// Suite is the cipher suite; zero is 0x0001.
	Suite Suite
	// Signer holds the signature key of the leaf.
	Signer Signer
	// Identity is the content of the basic credential.
	Identity []byte
	// NotBefore and NotAfter are the lifetime, at most MaxLifetime long.
	NotBefore, NotAfter time.Time
	// Capabilities: see the type for its defaults.
	Capabilities Capabilities
	// LeafExtensions go into the leaf, and with it into the group's tree.
	LeafExtensions []Extension
	// Extensions go into the key package.
	Extensions []Extension
	// LastResort marks a package that may be used more than once.
	LastResort bool
	// NoGREASE leaves out the random reserved values that keep other
	// implementations tolerant (RFC 9420, §13.5).
	NoGREASE bool
}

// NewKeyPackage makes a key package with fresh keys. The secrets are to be
// stored until the Welcome that uses the package has been joined, or until it
// expires.
func NewKeyPackage(cfg KeyPackageConfig) (*KeyPackage, *KeyPackageSecrets, error) {
	if cfg.Suite == 0 {
		cfg.Suite = X25519_AES128GCM_SHA256_Ed25519
	}
	s, err := cfg.Suite.lookup()
	if err != nil {
		return nil, nil, err
	}
	initPrivate, initPublic, err := s.hpke.generate()
	if err != nil {
		return nil, nil, err
	}
	leafPrivate, leafPublic, err := s.hpke.generate()
	if err != nil {
		return nil, nil, err
	}
	k := &KeyPackage{suite: cfg.Suite, initKey: initPublic, extensions: cloneExtensions(cfg.Extensions)}
	if cfg.LastResort {
		k.extensions = append(k.extensions, Extension{Type: ExtensionLastResort})
	}
	if e := greaseExtension(); !cfg.NoGREASE && !hasExtension(k.extensions, e.Type) {
		k.extensions = append(k.extensions, e)
	}
	capabilities := cfg.Capabilities.filled(k.extensions)
	if k.leaf, err = newLeaf(cfg.Signer, cfg.Identity, capabilities, cfg.LeafExtensions, !cfg.NoGREASE); err != nil {
		return nil, nil, fmt.Errorf("new key package: %w", err)
	}
	k.leaf.encryptionKey, k.leaf.source = leafPublic, sourceKeyPackage
	k.leaf.lifetime = Lifetime{uint64(cfg.NotBefore.Unix()), uint64(cfg.NotAfter.Unix())}
	if err := k.sign(cfg.Signer); err != nil {
		return nil, nil, fmt.Errorf("new key package: %w", err)
	}
	return k, &KeyPackageSecrets{suite: cfg.Suite, init: initPrivate.raw, leaf: leafPrivate.raw}, nil
}

// sign completes a new key package and checks it as a receiver would.
func (k *KeyPackage) sign(signer Signer) error {
	if err := checkDistinct(k.extensions); err != nil {
		return err
	}
	if err := k.leaf.sign(signer, nil, 0); err != nil {
		return err
	}
	sig, err := signWithLabel(signer, "KeyPackageTBS", k.tbs())
	if err != nil {
		return err
	}
	k.signature = sig
	k.raw = k.tbs()
	w := writer{b: k.raw}
	w.vec(sig)
	k.raw = w.b
	if err := k.valid(); err != nil {
		return err
	}
	return k.leaf.lifetime.checkSpan()
}

// tbs returns KeyPackageTBS.
func (k *KeyPackage) tbs() []byte {
	var w writer
	w.u16(version10)
	w.u16(uint16(k.suite))
	w.vec(k.initKey)
	k.leaf.encode(&w)
	encodeExtensions(&w, k.extensions)
	return w.b
}

func (k *KeyPackage) encode(w *writer) { w.raw(k.raw) }

func decodeKeyPackage(r *reader) *KeyPackage {
	start := r.b
	if r.u16() != version10 {
		r.fail()
	}
	k := &KeyPackage{
		suite:      Suite(r.u16()),
		initKey:    r.key(),
		leaf:       decodeLeafNode(r),
		extensions: decodeExtensions(r),
		signature:  r.key(),
	}
	if r.err == nil {
		k.raw = start[: len(start)-len(r.b) : len(start)-len(r.b)]
	}
	return k
}

// ParseKeyPackage decodes a bare KeyPackage, as NodeService carries it. It
// checks the form only.
func ParseKeyPackage(b []byte) (*KeyPackage, error) {
	r := &reader{b: bytes.Clone(b)}
	k := decodeKeyPackage(r)
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("parse key package: %w", err)
	}
	return k, nil
}

// Bytes returns the encoding, not wrapped in an MLSMessage.
func (k *KeyPackage) Bytes() []byte { return bytes.Clone(k.raw) }

// Ref returns the KeyPackageRef by which a Welcome names the package, or nil
// for a suite that is not implemented.
func (k *KeyPackage) Ref() []byte {
	s, err := k.suite.lookup()
	if err != nil {
		return nil
	}
	return s.refHash("MLS 1.0 KeyPackage Reference", k.raw)
}

// Identity returns the content of the basic credential. The caller must check
// that the SignatureKey may speak for it (RFC 9420, §5.3.1).
func (k *KeyPackage) Identity() []byte { return bytes.Clone(k.leaf.credential.identity) }

// SignatureKey returns the public key that the package and its leaf are signed
// with.
func (k *KeyPackage) SignatureKey() []byte { return bytes.Clone(k.leaf.signatureKey) }

// Suite returns the cipher suite.
func (k *KeyPackage) Suite() Suite { return k.suite }

// Lifetime returns the span in which the package may be used.
func (k *KeyPackage) Lifetime() Lifetime { return k.leaf.lifetime }

// Capabilities returns what the owner supports.
func (k *KeyPackage) Capabilities() Capabilities { return k.leaf.capabilities.clone() }

// Extensions returns the extensions of the package, unknown ones included.
func (k *KeyPackage) Extensions() []Extension { return cloneExtensions(k.extensions) }

// LeafExtensions returns the extensions of the leaf, unknown ones included.
func (k *KeyPackage) LeafExtensions() []Extension { return cloneExtensions(k.leaf.extensions) }

// LastResort reports whether the package may be used more than once.
func (k *KeyPackage) LastResort() bool {
	_, ok := findExtension(k.extensions, ExtensionLastResort)
	return ok
}

// Check validates the package as far as it can be without a group (RFC 9420,
// §7.3, §10.1), with its lifetime at the time now. Who adds somebody and who
// keeps packages for others check; who receives a commit does not look at the
// lifetime, lest a wrong clock fork a group.
func (k *KeyPackage) Check(now time.Time) error {
	if err := k.valid(); err != nil {
		return fmt.Errorf("key package: %w", err)
	}
	return k.checkLifetime(now)
}

// valid is Check without the lifetime.
func (k *KeyPackage) valid() error {
	s, err := k.suite.lookup()
	if err != nil {
		return err
	}
	if k.leaf.source != sourceKeyPackage {
		return fmt.Errorf("leaf node source %d: %w", k.leaf.source, ErrInvalid)
	}
	if err := s.checkEncryptionKey(k.initKey); err != nil {
		return fmt.Errorf("init key: %w", err)
	}
	if bytes.Equal(k.initKey, k.leaf.encryptionKey) {
		return fmt.Errorf("init key is the leaf's encryption key: %w", ErrInvalid)
	}
	if err := k.leaf.check(s, nil, 0); err != nil {
		return err
	}
	return s.verifyWithLabel(k.leaf.signatureKey, "KeyPackageTBS", k.tbs(), k.signature)
}

// KeyPackageSecrets are the private keys of a key package: the init key, which
// a join uses up, and the leaf's. They print as [redacted].
type KeyPackageSecrets struct {
	suite Suite
	init  []byte
	leaf  []byte
}

// Bytes returns the encoding for the caller's store.
func (k *KeyPackageSecrets) Bytes() []byte {
	var w writer
	w.u8(1)
	w.u16(uint16(k.suite))
	w.vec(k.init)
	w.vec(k.leaf)
	return w.b
}

// ParseKeyPackageSecrets decodes what Bytes returned.
func ParseKeyPackageSecrets(b []byte) (*KeyPackageSecrets, error) {
	r := &reader{b: slices.Clone(b)}
	if r.u8() != 1 {
		r.fail()
	}
	k := &KeyPackageSecrets{suite: Suite(r.u16()), init: r.vec(), leaf: r.vec()}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("parse key package secrets: %w", err)
	}
	return k, nil
}

// keys returns the private keys after checking that they are those of the
// package.
func (k *KeyPackageSecrets) keys(p *KeyPackage) (init, leaf *privateKey, err error) {
	s, err := p.suite.lookup()
	if err != nil {
		return nil, nil, err
	}
	init, leaf = &privateKey{raw: bytes.Clone(k.init)}, &privateKey{raw: bytes.Clone(k.leaf)}
	err = inParallel(2, 1, func(i int) error {
		private, want := init, p.initKey
		if i == 1 {
			private, want = leaf, p.leaf.encryptionKey
		}
		public, err := s.hpke.public(private)
		if err != nil || k.suite != p.suite || !bytes.Equal(public, want) {
			return fmt.Errorf("secrets of another key package: %w", ErrInvalid)
		}
		return nil
	})
	return init, leaf, err
}
