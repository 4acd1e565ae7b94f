package account

import (
	"crypto/ed25519"
	"encoding/binary"

	"quicnprotochat/rpc"
)

// BindDomain is the domain of the signature that binds an identity key to an
// account where TLS does not prove the key.
const BindDomain = "quicnprotochat bind v1"

// SignedUploadSize is the size of an upload with such a signature.
const SignedUploadSize = RecordSize + ed25519.SignatureSize

// BindMessage is what is signed in BindDomain: the key of the relay (32 bytes),
// the user name as it is sent, with its length (u16) before it, and the record.
func BindMessage(relay rpc.Identity, name string, record []byte) []byte {
	b := append(make([]byte, 0, len(relay)+2+len(name)+len(record)), relay[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	return append(b, record...)
}

// Upload is a registration record and whether it came with a proof.
type Upload struct {
	Record []byte
	// Signature is empty if there is none.
	Signature []byte
}

// ParseUpload takes an upload apart. It checks sizes; see Server.CheckRecord and
// Upload.Binds for the rest.
func ParseUpload(b []byte) (Upload, error) {
	switch len(b) {
	case RecordSize:
		return Upload{Record: b}, nil
	case SignedUploadSize:
		return Upload{b[:RecordSize], b[RecordSize:]}, nil
	}
	return Upload{}, ErrMalformed
}

// Binds reports whether the upload is signed by id for that relay and user name.
func (u Upload) Binds(id, relay rpc.Identity, name string) bool {
	if len(u.Signature) != ed25519.SignatureSize {
		return false
	}
	message := append([]byte(BindDomain), BindMessage(relay, name, u.Record)...)
	return ed25519.Verify(id[:], message, u.Signature)
}
