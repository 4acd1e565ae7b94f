package mls

import "hash"

// A hasher computes hashes, HMAC (RFC 2104) and one block of HKDF-Expand (RFC
// 5869) without allocating: a commit takes dozens of them. It belongs to one
// call at a time; suite.hasher gets it and release wipes it and gives it back.
type hasher struct {
	suite        *suite
	inner, outer hash.Hash
	block        []byte // of the hash
	sum          []byte
	// w holds what is hashed.
	w writer
}

func (s *suite) hasher() *hasher {
	if h, ok := s.hashers.Get().(*hasher); ok {
		return h
	}
	h := &hasher{suite: s, inner: s.hash(), outer: s.hash()}
	h.block = make([]byte, h.inner.BlockSize())
	h.sum = make([]byte, 0, s.size)
	return h
}

// maxHasherBuffer is the longest buffer that is kept.
const maxHasherBuffer = 16 << 10

// release wipes what may be secret, also in the hashes: Reset leaves the block
// that they collect, which two writes fill with zeros.
func (h *hasher) release() {
	clear(h.w.b)
	clear(h.block)
	clear(h.sum[:cap(h.sum)])
	for _, state := range []hash.Hash{h.inner, h.outer} {
		state.Reset()
		state.Write(h.block[:1])
		state.Write(h.block[1:])
		state.Reset()
	}
	if h.w.b = h.w.b[:0]; cap(h.w.b) > maxHasherBuffer {
		h.w.b = nil
	}
	h.suite.hashers.Put(h)
}

// digest appends the hash of w and then of the parts to out.
func (h *hasher) digest(out []byte, parts ...[]byte) []byte {
	h.inner.Reset()
	h.inner.Write(h.w.b)
	for _, p := range parts {
		h.inner.Write(p)
	}
	return h.inner.Sum(out)
}

// key begins an HMAC.
func (h *hasher) key(key []byte) {
	if len(key) > len(h.block) {
		h.inner.Reset()
		h.inner.Write(key)
		key = h.inner.Sum(h.sum[:0])
	}
	clear(h.block[copy(h.block, key):])
	h.pad(0x36)
	h.inner.Reset()
	h.inner.Write(h.block)
	h.pad(0x36 ^ 0x5c)
	h.outer.Reset()
	h.outer.Write(h.block)
}

func (h *hasher) pad(v byte) {
	for i := range h.block {
		h.block[i] ^= v
	}
}

// mac appends the HMAC of w and then of the parts to out, with the key that was
// set last.
func (h *hasher) mac(out []byte, parts ...[]byte) []byte {
	h.inner.Write(h.w.b)
	for _, p := range parts {
		h.inner.Write(p)
	}
	h.sum = h.inner.Sum(h.sum[:0])
	h.outer.Write(h.sum)
	return h.outer.Sum(out)
}
