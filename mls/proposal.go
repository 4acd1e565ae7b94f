package mls

// Types of proposals (RFC 9420, §17.4).
const (
	ProposalAdd                    uint16 = 1
	ProposalUpdate                 uint16 = 2
	ProposalRemove                 uint16 = 3
	ProposalPSK                    uint16 = 4
	ProposalReInit                 uint16 = 5
	ProposalExternalInit           uint16 = 6
	ProposalGroupContextExtensions uint16 = 7
)

// defaultProposal reports whether every client is taken to support the type
// (RFC 9420, §7.2).
func defaultProposal(typ uint16) bool {
	return typ >= ProposalAdd && typ <= ProposalGroupContextExtensions
}

// A reInit is ReInit of RFC 9420, §12.1.5.
type reInit struct {
	groupID    []byte
	version    uint16
	suite      Suite
	extensions []Extension
}

// A proposal is Proposal of RFC 9420, §12.1. Of the fields after the type one
// is set. A proposal of another type has no known length: a message with one
// cannot be decoded.
type proposal struct {
	typ          uint16
	add          *KeyPackage
	update       *leafNode
	remove       uint32
	psk          *pskID
	reInit       *reInit
	externalInit []byte      // kem_output
	extensions   []Extension // GroupContextExtensions
}

func (p *proposal) encode(w *writer) {
	w.u16(p.typ)
	p.encodeBody(w)
}

func (p *proposal) encodeBody(w *writer) {
	switch p.typ {
	case ProposalAdd:
		p.add.encode(w)
	case ProposalUpdate:
		p.update.encode(w)
	case ProposalRemove:
		w.u32(p.remove)
	case ProposalPSK:
		p.psk.encode(w)
	case ProposalReInit:
		p.reInit.encode(w)
	case ProposalExternalInit:
		w.vec(p.externalInit)
	case ProposalGroupContextExtensions:
		encodeExtensions(w, p.extensions)
	}
}

// checkOwn refuses what a caller of ours put into a proposal and nobody could decode.
func (p *proposal) checkOwn() error {
	if p.reInit != nil {
		return checkDistinct(p.reInit.extensions)
	}
	return checkDistinct(p.extensions)
}

func decodeProposal(r *reader) *proposal { return decodeProposalBody(r, r.u16()) }

func decodeProposalBody(r *reader, typ uint16) *proposal {
	p := &proposal{typ: typ}
	switch typ {
	case ProposalAdd:
		p.add = decodeKeyPackage(r)
	case ProposalUpdate:
		p.update = decodeLeafNode(r)
	case ProposalRemove:
		p.remove = r.u32()
	case ProposalPSK:
		p.psk = decodePSKID(r)
	case ProposalReInit:
		p.reInit = decodeReInit(r)
	case ProposalExternalInit:
		p.externalInit = r.vec()
	case ProposalGroupContextExtensions:
		p.extensions = decodeExtensions(r)
	default:
		r.fail()
	}
	return p
}

// Kinds of ProposalOrRef (RFC 9420, §12.4).
const (
	byValue     uint8 = 1
	byReference uint8 = 2
)

// A proposalOrRef is ProposalOrRef of RFC 9420, §12.4: a proposal, or else the
// reference of one that was sent before.
type proposalOrRef struct {
	proposal  *proposal
	reference []byte
}

func (p proposalOrRef) encode(w *writer) {
	if p.proposal != nil {
		w.u8(byValue)
		p.proposal.encode(w)
		return
	}
	w.u8(byReference)
	w.vec(p.reference)
}

func decodeProposalOrRef(r *reader) proposalOrRef {
	switch r.u8() {
	case byValue:
		return proposalOrRef{proposal: decodeProposal(r)}
	case byReference:
		return proposalOrRef{reference: r.key()}
	}
	r.fail()
	return proposalOrRef{}
}
