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
// are added.
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
// and with the types of the given extensions.
func (c Capabilities) filled(lists ...[]Extension) Capabilities {
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
	for _, list := range lists {
		for _, e := range list {
			if !c.supportsExtension(e.Type) {
				c.Extensions = append(c.Extensions, e.Type)
			}
		}
	}
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

func (c Capabilities) supportsExtension(typ uint16) bool {
	return defaultExtension(typ) || slices.Contains(c.Extensions, typ)
}

func (c Capabilities) supportsProposal(typ uint16) bool {
	return defaultProposal(typ) || slices.Contains(c.Proposals, typ)
}

// meets checks the capabilities against what a group requires (RFC 9420, §7.3,
// §11.1). Reserved values are no capabilities.
func (c Capabilities) meets(required RequiredCapabilities) error {
	for _, typ := range required.Extensions {
		if isGREASE(typ) || !c.supportsExtension(typ) {
			return fmt.Errorf("required extension 0x%04x not supported: %w", typ, ErrInvalid)
		}
	}
	for _, typ := range required.Proposals {
		if isGREASE(typ) || !c.supportsProposal(typ) {
			return fmt.Errorf("required proposal 0x%04x not supported: %w", typ, ErrInvalid)
		}
	}
	for _, typ := range required.Credentials {
		if isGREASE(typ) || !slices.Contains(c.Credentials, typ) {
			return fmt.Errorf("required credential 0x%04x not supported: %w", typ, ErrInvalid)
		}
	}
	return nil
}

// isGREASE reports whether a value is one of those that greaseValue returns.
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>12 == v>>4&0xf && v>>12 != 0xf }
