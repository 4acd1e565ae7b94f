package mls

// Credential types (RFC 9420, §17.5). Members of our groups have basic ones;
// X.509 chains are decoded and refused.
const (
	credentialBasic uint16 = 1
	credentialX509  uint16 = 2
)

// A credential is Credential of RFC 9420, §5.3. Other types than these two have
// no known length and cannot be decoded.
type credential struct {
	typ      uint16
	identity []byte   // basic
	chain    [][]byte // X.509, DER
}

func (c credential) encode(w *writer) {
	w.u16(c.typ)
	if c.typ == credentialBasic {
		w.vec(c.identity)
		return
	}
	w.nested(func(w *writer) {
		for _, cert := range c.chain {
			w.vec(cert)
		}
	})
}

func decodeCredential(r *reader) credential {
	c := credential{typ: r.u16()}
	switch c.typ {
	case credentialBasic:
		c.identity = r.vec()
	case credentialX509:
		sub := r.sub()
		for sub.more() {
			c.chain = append(c.chain, sub.key())
		}
		r.end(sub)
	default:
		r.fail()
	}
	return c
}
