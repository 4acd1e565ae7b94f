package mls

import "fmt"

// A contentType is ContentType of RFC 9420, §6.
type contentType uint8

const (
	contentApplication contentType = 1
	contentProposal    contentType = 2
	contentCommit      contentType = 3
)

// A senderType is SenderType of RFC 9420, §6.
type senderType uint8

const (
	senderMember            senderType = 1
	senderExternal          senderType = 2
	senderNewMemberProposal senderType = 3
	senderNewMemberCommit   senderType = 4
)

// A sender is Sender of RFC 9420, §6. index is a leaf of the tree, or a place in
// external_senders.
type sender struct {
	typ   senderType
	index uint32
}

func (s sender) encode(w *writer) {
	w.u8(uint8(s.typ))
	if s.typ == senderMember || s.typ == senderExternal {
		w.u32(s.index)
	}
}

func decodeSender(r *reader) sender {
	s := sender{typ: senderType(r.u8())}
	switch s.typ {
	case senderMember, senderExternal:
		s.index = r.u32()
	case senderNewMemberProposal, senderNewMemberCommit:
	default:
		r.fail()
	}
	return s
}

// A framedContent is FramedContent of RFC 9420, §6.
type framedContent struct {
	groupID           []byte
	epoch             uint64
	sender            sender
	authenticatedData []byte
	typ               contentType
	application       []byte
	proposal          *proposal
	commit            *commit
}

func (c *framedContent) encode(w *writer) {
	w.vec(c.groupID)
	w.u64(c.epoch)
	c.sender.encode(w)
	w.vec(c.authenticatedData)
	w.u8(uint8(c.typ))
	c.encodeBody(w)
}

// encodeBody writes what the content type selects.
func (c *framedContent) encodeBody(w *writer) {
	switch c.typ {
	case contentApplication:
		w.vec(c.application)
	case contentProposal:
		c.proposal.encode(w)
	case contentCommit:
		c.commit.encode(w)
	}
}

func decodeFramedContent(r *reader) *framedContent {
	c := &framedContent{
		groupID:           r.vec(),
		epoch:             r.u64(),
		sender:            decodeSender(r),
		authenticatedData: r.vec(),
		typ:               contentType(r.u8()),
	}
	c.decodeBody(r)
	return c
}

func (c *framedContent) decodeBody(r *reader) {
	switch c.typ {
	case contentApplication:
		c.application = r.vec()
	case contentProposal:
		c.proposal = decodeProposal(r)
	case contentCommit:
		c.commit = decodeCommit(r)
	default:
		r.fail()
	}
}

// An authData is FramedContentAuthData of RFC 9420, §6.1.
type authData struct {
	signature       []byte
	confirmationTag []byte // commits
}

func (a authData) encode(w *writer, typ contentType) {
	w.vec(a.signature)
	if typ == contentCommit {
		w.vec(a.confirmationTag)
	}
}

func decodeAuthData(r *reader, typ contentType) authData {
	a := authData{signature: r.key()}
	if typ == contentCommit {
		a.confirmationTag = r.key()
	}
	return a
}

// An authenticatedContent is AuthenticatedContent of RFC 9420, §6.
type authenticatedContent struct {
	wireFormat WireFormat
	content    *framedContent
	auth       authData
}

func (a *authenticatedContent) encode(w *writer) {
	w.u16(uint16(a.wireFormat))
	a.content.encode(w)
	a.auth.encode(w, a.content.typ)
}

func decodeAuthenticatedContent(r *reader) *authenticatedContent {
	a := &authenticatedContent{wireFormat: WireFormat(r.u16()), content: decodeFramedContent(r)}
	a.auth = decodeAuthData(r, a.content.typ)
	return a
}

// tbs returns FramedContentTBS (RFC 9420, §6.1). context is the encoded
// GroupContext of the epoch that the content is sent in.
func (a *authenticatedContent) tbs(context []byte) []byte {
	w := writer{b: make([]byte, 0, 256+len(context)+len(a.content.application))}
	w.u16(version10)
	w.u16(uint16(a.wireFormat))
	a.content.encode(&w)
	if t := a.content.sender.typ; t == senderMember || t == senderNewMemberCommit {
		w.raw(context)
	}
	return w.b
}

// sign signs the content.
func (a *authenticatedContent) sign(signer Signer, context []byte) error {
	sig, err := signWithLabel(signer, "FramedContentTBS", a.tbs(context))
	if err != nil {
		return err
	}
	a.auth.signature = sig
	return nil
}

// verify checks the signature against a public key, and the rules that bind the
// sender's type to the content (RFC 9420, §6.1).
func (a *authenticatedContent) verify(s *suite, public, context []byte) error {
	switch c := a.content; {
	case c.sender.typ == senderMember:
	case c.sender.typ == senderExternal && c.typ == contentProposal:
	case c.sender.typ == senderNewMemberProposal && c.typ == contentProposal && c.proposal.typ == ProposalAdd:
	case c.sender.typ == senderNewMemberCommit && c.typ == contentCommit:
	default:
		return fmt.Errorf("sender type %d with content type %d: %w", c.sender.typ, c.typ, ErrInvalid)
	}
	return s.verifyWithLabel(public, "FramedContentTBS", a.tbs(context), a.auth.signature)
}
