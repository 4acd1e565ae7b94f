package mls

import (
	"encoding/binary"
	"errors"
	"slices"
)

// errMalformed is what every decoder returns. It carries no bytes of the input:
// a decoder also runs on decrypted secrets.
var errMalformed = errors.New("malformed encoding")

// A reader decodes the TLS presentation language of RFC 9420, §2.1. After the
// first error all reads return zero values and err stays set, so that a decoder
// checks once, at its end. What it returns aliases its input.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errMalformed
	}
	r.b = nil
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// length reads a variable-size vector header and refuses an encoding that is
// not the shortest (RFC 9420, §2.1.2).
func (r *reader) length() int {
	first := r.u8()
	switch first >> 6 {
	case 0:
		return int(first)
	case 1:
		n := int(first&0x3f)<<8 | int(r.u8())
		if n < 1<<6 {
			r.fail()
		}
		return n
	case 2:
		rest := r.take(3)
		if rest == nil {
			return 0
		}
		n := int(first&0x3f)<<24 | int(rest[0])<<16 | int(rest[1])<<8 | int(rest[2])
		if n < 1<<14 {
			r.fail()
		}
		return n
	}
	r.fail()
	return 0
}

// vec reads opaque<V>. The length is checked against the input before anything
// is done with it.
func (r *reader) vec() []byte {
	n := r.length()
	if r.err != nil {
		return nil
	}
	return r.take(n)
}

// minKey is the least length of a key, hash, signature or ciphertext of any
// suite.
const minKey = 16

// key reads opaque<V> that holds a key, a hash, a signature or a ciphertext.
// One that is shorter than any can be is refused at once: otherwise an input of
// empty vectors would decode to structures many times its size.
func (r *reader) key() []byte {
	b := r.vec()
	if r.err == nil && len(b) < minKey {
		r.fail()
		return nil
	}
	return b
}

// sub returns a reader over the contents of a vector. Its error must be handed
// back with end.
func (r *reader) sub() *reader {
	return &reader{b: r.vec(), err: r.err}
}

// more reports whether a list held by a sub reader goes on.
func (r *reader) more() bool { return r.err == nil && len(r.b) > 0 }

// end takes over the error of a sub reader.
func (r *reader) end(sub *reader) {
	if sub.err != nil {
		r.fail()
	}
}

// optional reads the presence byte of optional<T>.
func (r *reader) optional() bool {
	switch r.u8() {
	case 0:
		return false
	case 1:
		return r.err == nil
	}
	r.fail()
	return false
}

// u16s reads uint16<V>.
func (r *reader) u16s() []uint16 {
	b := r.vec()
	if len(b)%2 != 0 {
		r.fail()
		return nil
	}
	var list []uint16
	if len(b) > 0 {
		list = make([]uint16, 0, len(b)/2)
	}
	for ; len(b) > 0; b = b[2:] {
		list = append(list, binary.BigEndian.Uint16(b))
	}
	return list
}

// u32s reads uint32<V>.
func (r *reader) u32s() []uint32 {
	b := r.vec()
	if len(b)%4 != 0 {
		r.fail()
		return nil
	}
	var list []uint32
	if len(b) > 0 {
		list = make([]uint32, 0, len(b)/4)
	}
	for ; len(b) > 0; b = b[4:] {
		list = append(list, binary.BigEndian.Uint32(b))
	}
	return list
}

// finish returns the error of the decoding; bytes left over are one.
func (r *reader) finish() error {
	if len(r.b) > 0 {
		r.fail()
	}
	return r.err
}

// A writer encodes what a reader decodes.
type writer struct{ b []byte }

func (w *writer) raw(b []byte) { w.b = append(w.b, b...) }
func (w *writer) u8(v uint8)   { w.b = append(w.b, v) }
func (w *writer) u16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }

// room makes room for n more bytes. Long encodings say how long they will be:
// appending piece by piece takes several times their length.
func (w *writer) room(n int) { w.b = slices.Grow(w.b, n) }

// length writes the header of a vector of n bytes. Nothing that this package
// encodes comes near the 2^30 that a header cannot express: it is built from inputs that were decoded, or
// from arguments checked by the caller.
func (w *writer) length(n int) {
	switch {
	case n < 1<<6:
		w.u8(uint8(n))
	case n < 1<<14:
		w.u16(uint16(n) | 1<<14)
	default:
		w.u32(uint32(n) | 2<<30)
	}
}

func (w *writer) vec(b []byte) {
	w.length(len(b))
	w.raw(b)
}

func (w *writer) str(s string) {
	w.length(len(s))
	w.b = append(w.b, s...)
}

// nested writes a vector whose contents f writes. It encodes in place and moves
// the contents up when the header turns out longer than one byte.
func (w *writer) nested(f func(*writer)) {
	start := len(w.b)
	f(w)
	n := len(w.b) - start
	var header writer
	header.length(n)
	w.raw(header.b)
	copy(w.b[start+len(header.b):], w.b[start:start+n])
	copy(w.b[start:], header.b)
}

// optional writes the presence byte of optional<T>.
func (w *writer) optional(present bool) {
	if present {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

func (w *writer) u16s(list []uint16) {
	w.length(2 * len(list))
	for _, v := range list {
		w.u16(v)
	}
}

func (w *writer) u32s(list []uint32) {
	w.length(4 * len(list))
	for _, v := range list {
		w.u32(v)
	}
}

// An encoder writes itself.
type encoder interface{ encode(w *writer) }

// encoded returns the encoding of v.
func encoded(v encoder) []byte {
	var w writer
	v.encode(&w)
	return w.b
}
