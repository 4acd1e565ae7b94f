package identity

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"log/slog"
)

// mlsLabel begins the label of every SignContent (RFC 9420, §5.1.2).
const mlsLabel = "MLS 1.0 "

// errNotMLS is what Signer.Sign answers to anything but a SignContent.
var errNotMLS = errors.New("not the content of an MLS SignWithLabel")

// Signer is an Identity as package mls wants it.
type Signer struct {
	i *Identity
}

// Public returns the raw Ed25519 public key, 32 bytes.
func (s Signer) Public() []byte { return bytes.Clone(s.i.id[:]) }

// Sign signs a serialized SignContent (RFC 9420, §5.1.2) and refuses other
// bytes, so that nothing signed for MLS can be taken for another format.
func (s Signer) Sign(signContent []byte) ([]byte, error) {
	if !isSignContent(signContent) {
		return nil, errNotMLS
	}
	return ed25519.Sign(s.i.key, signContent), nil
}

// LogValue keeps the key out of logs.
func (s Signer) LogValue() slog.Value { return s.i.LogValue() }

// isSignContent reports whether b is label<V> ‖ content<V> with a label of MLS.
func isSignContent(b []byte) bool {
	label, rest, ok := readVector(b)
	if !ok || !bytes.HasPrefix(label, []byte(mlsLabel)) {
		return false
	}
	_, rest, ok = readVector(rest)
	return ok && len(rest) == 0
}

// readVector takes a variable-size vector from b (RFC 9420, §2.1.2).
func readVector(b []byte) (v, rest []byte, ok bool) {
	if len(b) == 0 || b[0]>>6 == 3 {
		return nil, nil, false
	}
	size := 1 << (b[0] >> 6)
	if len(b) < size {
		return nil, nil, false
	}
	n := uint64(b[0] & 0x3f)
	for _, c := range b[1:size] {
		n = n<<8 | uint64(c)
	}
	minimal := size == 1 || size == 2 && n >= 1<<6 || size == 4 && n >= 1<<14
	if !minimal || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	end := size + int(n)
	return b[size:end], b[end:], true
}
