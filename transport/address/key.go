package address

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"

	"filippo.io/edwards25519"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// KeySize is the size of a Key in bytes.
const KeySize = ed25519.PublicKeySize

// maxKeyText bounds the text of a key; a peer id of an Ed25519 key has 52
// characters.
const maxKeyText = 64

// Key is the Ed25519 public key of a host (32 bytes). Its text is the libp2p
// peer id, 12D3Koo…. The zero value stands for no key and has the text "".
type Key [KeySize]byte

// KeyOf returns the Key of an Ed25519 public key; the zero Key if pub has not
// the size of one.
func KeyOf(pub ed25519.PublicKey) Key {
	var k Key
	if len(pub) == KeySize {
		copy(k[:], pub)
	}
	return k
}

// ParseKey reads the text form of a key, in exactly the form that String
// writes, and checks the key with Check.
func ParseKey(text string) (Key, error) {
	if len(text) > maxKeyText {
		return Key{}, errors.New("parse key: too long")
	}
	id, err := peer.Decode(text)
	if err != nil {
		return Key{}, fmt.Errorf("parse key: %w", err)
	}
	k, err := KeyOfPeer(id)
	if err != nil {
		return Key{}, fmt.Errorf("parse key: %w", err)
	}
	if k.String() != text {
		return Key{}, errors.New("parse key: not in the usual form")
	}
	if err := k.Check(); err != nil {
		return Key{}, fmt.Errorf("parse key: %w", err)
	}
	return k, nil
}

// String returns the peer id, or "" for the zero Key.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return k.PeerID().String()
}

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k == Key{} }

// Check refuses keys that no honest host has: bytes that are no point of the
// curve, encodings that are not canonical (RFC 8032, section 5.1.3), and points
// of small order, for which anybody can make signatures.
func (k Key) Check() error {
	p, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil {
		return errors.New("key is not a point of the curve")
	}
	if !bytes.Equal(p.Bytes(), k[:]) {
		return errors.New("key is not in canonical form")
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return errors.New("key has small order")
	}
	return nil
}

// MarshalText returns String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote; empty text is the zero Key.
func (k *Key) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*k = Key{}
		return nil
	}
	parsed, err := ParseKey(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// idPrefix begins each Ed25519 peer id: an identity multihash of 36 bytes which
// hold the protobuf message {1: Ed25519, 2: 32 bytes}.
const idPrefix = "\x00\x24\x08\x01\x12\x20"

// PeerID returns k as libp2p names it.
func (k Key) PeerID() peer.ID { return peer.ID(idPrefix + string(k[:])) }

// KeyOfPeer returns the key that a peer id holds.
func KeyOfPeer(id peer.ID) (Key, error) {
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return Key{}, fmt.Errorf("peer id holds no key: %w", err)
	}
	if pub.Type() != crypto.Ed25519 {
		return Key{}, errors.New("peer id is not of an Ed25519 key")
	}
	raw, err := pub.Raw()
	if err != nil {
		return Key{}, fmt.Errorf("peer id: %w", err)
	}
	return KeyOf(raw), nil
}
