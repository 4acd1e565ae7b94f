package mls

import (
	"fmt"
	"slices"
)

// Extension types (RFC 9420, §17.3).
const (
	ExtensionApplicationID        uint16 = 0x0001
	ExtensionRatchetTree          uint16 = 0x0002
	ExtensionRequiredCapabilities uint16 = 0x0003
	ExtensionExternalPub          uint16 = 0x0004
	ExtensionExternalSenders      uint16 = 0x0005
	ExtensionLastResort           uint16 = 0x000a
)

// An Extension is kept as the bytes it came in. Unknown types are passed on
// unchanged.
type Extension struct {
	Type uint16
	Data []byte
}

// defaultExtension reports whether every client is taken to support the type,
// so that it is not listed in capabilities (RFC 9420, §7.2).
func defaultExtension(typ uint16) bool {
	return typ >= ExtensionApplicationID && typ <= ExtensionExternalSenders
}

func encodeExtensions(w *writer, list []Extension) {
	w.nested(func(w *writer) {
		for _, e := range list {
			w.u16(e.Type)
			w.vec(e.Data)
		}
	})
}

// decodeExtensions reads Extension<V>. A type may be there once (RFC 9420, §13.4).
func decodeExtensions(r *reader) []Extension {
	sub := r.sub()
	n := 0
	for count := *sub; count.more(); n++ {
		count.u16()
		count.vec()
	}
	if n == 0 {
		r.end(sub)
		return nil
	}
	list := make([]Extension, 0, n)
	types := make([]uint16, 0, n)
	for sub.more() {
		e := Extension{Type: sub.u16(), Data: sub.vec()}
		list = append(list, e)
		types = append(types, e.Type)
	}
	slices.Sort(types)
	if len(slices.Compact(types)) != len(list) {
		sub.fail()
	}
	r.end(sub)
	return list
}

func typesOf(list []Extension) []uint16 {
	types := make([]uint16, len(list))
	for i, e := range list {
		types[i] = e.Type
	}
	return types
}

// findExtension returns the data of the extension of a type.
func findExtension(list []Extension, typ uint16) ([]byte, bool) {
	for _, e := range list {
		if e.Type == typ {
			return e.Data, true
		}
	}
	return nil, false
}

func hasExtension(list []Extension, typ uint16) bool {
	_, ok := findExtension(list, typ)
	return ok
}

// checkDistinct refuses a list, made by our caller, that names a type twice.
func checkDistinct(list []Extension) error {
	for i, e := range list {
		if slices.ContainsFunc(list[:i], func(o Extension) bool { return o.Type == e.Type }) {
			return fmt.Errorf("extension 0x%04x twice: %w", e.Type, ErrInvalid)
		}
	}
	return nil
}

func cloneExtensions(list []Extension) []Extension {
	out := slices.Clone(list)
	for i := range out {
		out[i].Data = slices.Clone(out[i].Data)
	}
	return out
}

// RequiredCapabilities is what every member of a group must support beyond what
// all clients do (RFC 9420, §11.1). The zero value requires nothing.
type RequiredCapabilities struct {
	Extensions  []uint16
	Proposals   []uint16
	Credentials []uint16
}

func (c RequiredCapabilities) empty() bool {
	return len(c.Extensions)+len(c.Proposals)+len(c.Credentials) == 0
}

func (c RequiredCapabilities) encode(w *writer) {
	w.u16s(c.Extensions)
	w.u16s(c.Proposals)
	w.u16s(c.Credentials)
}

// requiredCapabilities returns what the extension in a group's list requires.
func requiredCapabilities(list []Extension) (RequiredCapabilities, error) {
	data, ok := findExtension(list, ExtensionRequiredCapabilities)
	if !ok {
		return RequiredCapabilities{}, nil
	}
	r := &reader{b: data}
	c := RequiredCapabilities{Extensions: r.u16s(), Proposals: r.u16s(), Credentials: r.u16s()}
	if err := r.finish(); err != nil {
		return c, fmt.Errorf("required_capabilities: %w", err)
	}
	return c, nil
}
