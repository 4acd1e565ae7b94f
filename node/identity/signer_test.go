package identity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"testing"
)

// vector encodes a variable-size vector (RFC 9420, §2.1.2).
func vector(b []byte) []byte {
	switch n := len(b); {
	case n < 1<<6:
		return append([]byte{byte(n)}, b...)
	case n < 1<<14:
		return append(binary.BigEndian.AppendUint16(nil, uint16(n)|1<<14), b...)
	default:
		return append(binary.BigEndian.AppendUint32(nil, uint32(n)|2<<30), b...)
	}
}

func signContent(label string, content []byte) []byte {
	return append(vector([]byte(mlsLabel+label)), vector(content)...)
}

func TestSigner(t *testing.T) {
	a, _ := Generate()
	s := a.MLS()
	id := a.ID()
	if !bytes.Equal(s.Public(), id[:]) {
		t.Errorf("public key: got %x, want %x", s.Public(), id)
	}
	for _, n := range []int{0, 1, 63, 64, 16383, 16384, 100000} {
		msg := signContent("LeafNodeTBS", make([]byte, n))
		sig, err := s.Sign(msg)
		if err != nil {
			t.Fatalf("content of %d bytes: %v", n, err)
		}
		if !ed25519.Verify(s.Public(), msg, sig) {
			t.Errorf("content of %d bytes: bad signature", n)
		}
	}
}

func TestSignerRefuses(t *testing.T) {
	good := signContent("KeyPackageTBS", []byte("content"))
	tests := map[string][]byte{
		"empty":            nil,
		"no label":         append(vector(nil), vector([]byte("x"))...),
		"another label":    append(vector([]byte("MLS 1.1 X")), vector([]byte("x"))...),
		"trailing byte":    append(bytes.Clone(good), 0),
		"cut short":        good[:len(good)-1],
		"label only":       vector([]byte(mlsLabel + "X")),
		"long form length": append([]byte{0x40, byte(len(mlsLabel))}, append([]byte(mlsLabel), 0)...),
		"reserved length":  append([]byte{0xc0}, good...),
		"huge length":      {0xbf, 0xff, 0xff, 0xff},
		"libp2p handshake": []byte("libp2p-tls-handshake:aaaa"),
	}
	for _, d := range Domains {
		tests[d] = []byte(d + "some bytes")
	}
	a, _ := Generate()
	for name, msg := range tests {
		t.Run(name, func(t *testing.T) {
			if sig, err := a.MLS().Sign(msg); err == nil || sig != nil {
				t.Error("signed")
			}
		})
	}
}

// FuzzSigner looks for a content that both MLS and another format would sign.
func FuzzSigner(f *testing.F) {
	f.Add(signContent("FramedContentTBS", []byte("content")))
	f.Add([]byte(Domains[0] + "x"))
	f.Add([]byte{0xbf, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isSignContent(b) {
			return
		}
		for _, context := range append(libp2pContexts(), Domains...) {
			if bytes.HasPrefix(b, []byte(context)) {
				t.Errorf("%q is signed for MLS and in context %q", b, context)
			}
		}
	})
}
