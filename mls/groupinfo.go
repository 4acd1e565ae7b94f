package mls

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
