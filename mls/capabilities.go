package mls

import (
	"fmt"
	"slices"
)

// version10 is ProtocolVersion mls10.
const version10 uint16 = 1

// Capabilities is what a client says it supports (RFC 9420, §7.2). In a
// configuration an empty Versions, Suites or Credentials means all that this
// package implements; the types of the leaf's and key package's own extensions
// are added, and those that every client supports left out.
type Capabilities struct {
	Versions    []uint16
	Suites      []uint16
	Extensions  []uint16
	Proposals   []uint16
	Credentials []uint16
}

func (c Capabilities) encode(w *writer) {
	w.u16s(c.Versions)
	w.u16s(c.Suites)
	w.u16s(c.Extensions)
	w.u16s(c.Proposals)
	w.u16s(c.Credentials)
}

func decodeCapabilities(r *reader) Capabilities {
	return Capabilities{r.u16s(), r.u16s(), r.u16s(), r.u16s(), r.u16s()}
}

// clone returns a copy that shares nothing.
func (c Capabilities) clone() Capabilities {
	return Capabilities{
		slices.Clone(c.Versions), slices.Clone(c.Suites), slices.Clone(c.Extensions),
		slices.Clone(c.Proposals), slices.Clone(c.Credentials),
	}
}

// filled returns the capabilities of a configuration with the defaults put in,
// and with the types of some extensions.
func (c Capabilities) filled(extensions []Extension) Capabilities {
	c = c.clone()
	if len(c.Versions) == 0 {
		c.Versions = []uint16{version10}
	}
	if len(c.Suites) == 0 {
		for _, s := range suites {
			c.Suites = append(c.Suites, uint16(s.id))
		}
	}
	if len(c.Credentials) == 0 {
		c.Credentials = []uint16{credentialBasic}
	}
	for _, e := range extensions {
		if !defaultExtension(e.Type) && !slices.Contains(c.Extensions, e.Type) {
			c.Extensions = append(c.Extensions, e.Type)
		}
	}
	c.Extensions = slices.DeleteFunc(c.Extensions, defaultExtension)
	c.Proposals = slices.DeleteFunc(c.Proposals, defaultProposal)
	return c
}

// greased adds one random reserved value to each list that a receiver must read
// past (RFC 9420, §13.5).
func (c Capabilities) greased() Capabilities {
	c.Suites = append(c.Suites, greaseValue())
	if v := greaseValue(); !slices.Contains(c.Extensions, v) {
		c.Extensions = append(c.Extensions, v)
	}
	c.Proposals = append(c.Proposals, greaseValue())
	c.Credentials = append(c.Credentials, greaseValue())
	return c
}

// greaseValue returns one of 0x0A0A, 0x1A1A … 0xEAEA.
func greaseValue() uint16 {
	v := uint16(random(1)[0]) % 15
	return v<<12 | 0x0a00 | v<<4 | 0x0a
}

// greaseExtension returns an extension of a reserved type with a little random
// data.
func greaseExtension() Extension {
	return Extension{Type: greaseValue(), Data: random(int(random(1)[0] % 16))}
}

// missing returns the first of the types that a list does not name. Long ones are
// sorted: whoever names thousands of types makes nobody compare all with all.
func missing(list, types []uint16) (typ uint16, some bool) {
	has := func(typ uint16) bool { return slices.Contains(list, typ) }
	if len(list) > 64 && len(types) > 8 {
		sorted := slices.Clone(list)
		slices.Sort(sorted)
		has = func(typ uint16) bool {
			_, found := slices.BinarySearch(sorted, typ)
			return found
		}
	}
	for _, typ := range types {
		if !has(typ) {
			return typ, true
		}
	}
	return 0, false
}

// requirements are what a group asks of the capabilities of each member: its own
// extensions, and its required capabilities. What all clients support is not among
// them, and nothing is named twice.
type requirements struct {
	extensions, proposals, credentials []uint16
}

// requirementsOf returns what a group with these extensions asks for. What is claimed
// only to keep others tolerant nobody supports (RFC 9420, §13.5).
func requirementsOf(extensions []Extension) (requirements, error) {
	required, err := requiredCapabilities(extensions)
	if err != nil {
		return requirements{}, err
	}
	q := requirements{
		extensions:  slices.DeleteFunc(append(typesOf(extensions), required.Extensions...), defaultExtension),
		proposals:   slices.DeleteFunc(required.Proposals, defaultProposal),
		credentials: required.Credentials,
	}
	for _, list := range []*[]uint16{&q.extensions, &q.proposals, &q.credentials} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
		if i := slices.IndexFunc(*list, isGREASE); i >= 0 {
			return q, fmt.Errorf("a group with 0x%04x, which is reserved: %w", (*list)[i], ErrInvalid)
		}
	}
	return q, nil
}

// meets checks the capabilities against what a group asks for (RFC 9420, §7.3, §11.1,
// §13.4).
func (c Capabilities) meets(q requirements) error {
	if typ, some := missing(c.Extensions, q.extensions); some {
		return fmt.Errorf("extension 0x%04x of the group not supported: %w", typ, ErrInvalid)
	}
	if typ, some := missing(c.Proposals, q.proposals); some {
		return fmt.Errorf("required proposal 0x%04x not supported: %w", typ, ErrInvalid)
	}
	if typ, some := missing(c.Credentials, q.credentials); some {
		return fmt.Errorf("required credential 0x%04x not supported: %w", typ, ErrInvalid)
	}
	return nil
}

// isGREASE reports whether a value is one of those that greaseValue returns.
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>12 == v>>4&0xf && v>>12 != 0xf }
