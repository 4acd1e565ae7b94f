package mls

import (
	"bytes"
	"fmt"
)

// A groupInfo is GroupInfo of RFC 9420, §12.4.3.
type groupInfo struct {
	context         *groupContext
	extensions      []Extension
	confirmationTag []byte
	signer          uint32
	signature       []byte
}

func (g *groupInfo) encodeTBS(w *writer) {
	g.context.encode(w)
	encodeExtensions(w, g.extensions)
	w.vec(g.confirmationTag)
	w.u32(g.signer)
}

func (g *groupInfo) encode(w *writer) {
	g.encodeTBS(w)
	w.vec(g.signature)
}

func decodeGroupInfo(r *reader) *groupInfo {
	return &groupInfo{
		context:         decodeGroupContext(r),
		extensions:      decodeExtensions(r),
		confirmationTag: r.vec(),
		signer:          r.u32(),
		signature:       r.key(),
	}
}

func (g *groupInfo) tbs() []byte {
	var w writer
	g.encodeTBS(&w)
	return w.b
}

func (g *groupInfo) sign(signer Signer) error {
	sig, err := signWithLabel(signer, "GroupInfoTBS", g.tbs())
	g.signature = sig
	return err
}

func (g *groupInfo) verify(s *suite, public []byte) error {
	return s.verifyWithLabel(public, "GroupInfoTBS", g.tbs(), g.signature)
}

// checkedTree verifies a GroupInfo and the tree that it vouches for, of at most so
// many members if that is not 0.
func (g *groupInfo) checkedTree(s *suite, beside []byte, most int, anyLifetime bool) (*tree, error) {
	if g.context.suite != s.id {
		return nil, fmt.Errorf("cipher suite of the group: %w", ErrInvalid)
	}
	t, err := g.tree(s, beside)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(t.hash(), g.context.treeHash) {
		return nil, fmt.Errorf("tree hash: %w", ErrInvalid)
	}
	if n := int(t.root.members); most > 0 && n > most {
		return nil, fmt.Errorf("group of %d members: %w", n, ErrUnsupported)
	}
	if !anyLifetime {
		if err := t.checkSpans(); err != nil {
			return nil, err
		}
	}
	signer := t.leaf(g.signer)
	if signer == nil {
		return nil, fmt.Errorf("signer of the group info is no member: %w", ErrInvalid)
	}
	verify := func() error { return g.verify(s, signer.signatureKey) }
	if err := t.check(g.context.groupID, g.context.extensions, verify); err != nil {
		return nil, err
	}
	return t, nil
}

// tree decodes the tree of a GroupInfo: in it, or beside it, sealed or not.
func (g *groupInfo) tree(s *suite, beside []byte) (*tree, error) {
	b, ok := findExtension(g.extensions, ExtensionRatchetTree)
	if !ok {
		b = beside
		if key, sealed := findExtension(g.extensions, extensionSealedTree); sealed && len(key) == s.keySize {
			if open, err := s.openTree(key, beside); err == nil {
				b = open
			}
		}
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("no ratchet tree: %w", ErrInvalid)
	}
	return parseTree(s, b)
}
