package mls

// PSK types and usages (RFC 9420, §8.4).
const (
	pskExternal   uint8 = 1
	pskResumption uint8 = 2

	usageApplication uint8 = 1
	usageReInit      uint8 = 2
	usageBranch      uint8 = 3
)

// A pskID is PreSharedKeyID of RFC 9420, §8.4.
type pskID struct {
	typ     uint8
	id      []byte // external
	usage   uint8  // resumption, as the next two
	groupID []byte
	epoch   uint64
	nonce   []byte
}

func (p *pskID) encode(w *writer) {
	w.u8(p.typ)
	if p.typ == pskExternal {
		w.vec(p.id)
	} else {
		w.u8(p.usage)
		w.vec(p.groupID)
		w.u64(p.epoch)
	}
	w.vec(p.nonce)
}

func decodePSKID(r *reader) *pskID {
	p := &pskID{typ: r.u8()}
	switch p.typ {
	case pskExternal:
		p.id = r.vec()
	case pskResumption:
		p.usage = r.u8()
		if p.usage < usageApplication || p.usage > usageBranch {
			r.fail()
		}
		p.groupID = r.vec()
		p.epoch = r.u64()
	default:
		r.fail()
	}
	p.nonce = r.key()
	return p
}
