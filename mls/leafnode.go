package mls

import (
	"bytes"
	"fmt"
	"slices"
)

// A leafSource is LeafNodeSource of RFC 9420, §7.2.
type leafSource uint8

const (
	sourceKeyPackage leafSource = 1
	sourceUpdate     leafSource = 2
	sourceCommit     leafSource = 3
)

// A leafNode is LeafNode of RFC 9420, §7.2: one member's appearance in a group.
// It is immutable once built or decoded.
type leafNode struct {
	encryptionKey []byte
	signatureKey  []byte
	credential    credential
	capabilities  Capabilities
	source        leafSource
	lifetime      Lifetime // sourceKeyPackage
	parentHash    []byte   // sourceCommit
	extensions    []Extension
	signature     []byte

	raw []byte // the encoding
}

// newLeaf begins a leaf of ours, without what depends on where it comes: encryption key,
// source and signature.
func newLeaf(signer Signer, identity []byte, c Capabilities, extensions []Extension, grease bool) (*leafNode, error) {
	if err := checkDistinct(extensions); err != nil {
		return nil, err
	}
	c = c.filled(extensions)
	if grease {
		c = c.greased()
	}
	return &leafNode{
		signatureKey: bytes.Clone(signer.Public()),
		credential:   credential{typ: credentialBasic, identity: bytes.Clone(identity)},
		capabilities: c,
		extensions:   cloneExtensions(extensions),
	}, nil
}

func (l *leafNode) encode(w *writer) { w.raw(l.raw) }

// encodeTBS writes the fields that come before the signature.
func (l *leafNode) encodeTBS(w *writer) {
	w.vec(l.encryptionKey)
	w.vec(l.signatureKey)
	l.credential.encode(w)
	l.capabilities.encode(w)
	w.u8(uint8(l.source))
	switch l.source {
	case sourceKeyPackage:
		w.u64(l.lifetime.NotBefore)
		w.u64(l.lifetime.NotAfter)
	case sourceCommit:
		w.vec(l.parentHash)
	}
	encodeExtensions(w, l.extensions)
}

func decodeLeafNode(r *reader) *leafNode {
	start := r.b
	l := &leafNode{
		encryptionKey: r.key(),
		signatureKey:  r.key(),
		credential:    decodeCredential(r),
		capabilities:  decodeCapabilities(r),
		source:        leafSource(r.u8()),
	}
	switch l.source {
	case sourceKeyPackage:
		l.lifetime = Lifetime{r.u64(), r.u64()}
	case sourceUpdate:
	case sourceCommit:
		l.parentHash = r.vec()
	default:
		r.fail()
	}
	l.extensions = decodeExtensions(r)
	l.signature = r.key()
	if r.err != nil {
		return l
	}
	l.raw = start[: len(start)-len(r.b) : len(start)-len(r.b)]
	return l
}

// tbs returns LeafNodeTBS. Leaves of a key package are not bound to a group.
func (l *leafNode) tbs(groupID []byte, index uint32) []byte {
	var w writer
	l.encodeTBS(&w)
	if l.source != sourceKeyPackage {
		w.vec(groupID)
		w.u32(index)
	}
	return w.b
}

// sign signs the leaf and fixes its encoding.
func (l *leafNode) sign(signer Signer, groupID []byte, index uint32) error {
	sig, err := signWithLabel(signer, "LeafNodeTBS", l.tbs(groupID, index))
	if err != nil {
		return err
	}
	l.signature = sig
	var w writer
	l.encodeTBS(&w)
	w.vec(sig)
	l.raw = w.b
	return nil
}

// check validates what can be known of a leaf without the other members (RFC
// 9420, §7.3): keys of the right form, a signature that verifies, a credential
// of a supported type, extensions and credential listed in the leaf's own
// capabilities, version and suite among them. It does not look at the lifetime.
func (l *leafNode) check(s *suite, groupID []byte, index uint32) error {
	if err := s.signature.checkKey(l.signatureKey); err != nil {
		return fmt.Errorf("signature key: %w", err)
	}
	if err := s.checkEncryptionKey(l.encryptionKey); err != nil {
		return err
	}
	if l.credential.typ != credentialBasic {
		return fmt.Errorf("credential type %d: %w", l.credential.typ, ErrUnsupported)
	}
	if !slices.Contains(l.capabilities.Credentials, l.credential.typ) {
		return fmt.Errorf("credential type not in the leaf's capabilities: %w", ErrInvalid)
	}
	if !slices.Contains(l.capabilities.Versions, version10) {
		return fmt.Errorf("protocol version not in the leaf's capabilities: %w", ErrInvalid)
	}
	if !slices.Contains(l.capabilities.Suites, uint16(s.id)) {
		return fmt.Errorf("cipher suite not in the leaf's capabilities: %w", ErrInvalid)
	}
	if typ, some := missing(l.capabilities.Extensions, slices.DeleteFunc(typesOf(l.extensions), defaultExtension)); some {
		return fmt.Errorf("leaf extension 0x%04x not in its capabilities: %w", typ, ErrInvalid)
	}
	return s.verifyWithLabel(l.signatureKey, "LeafNodeTBS", l.tbs(groupID, index), l.signature)
}

// equal reports whether two leaves have one encoding.
func (l *leafNode) equal(o *leafNode) bool { return bytes.Equal(l.raw, o.raw) }
