package plain

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// ALPN is the protocol that both sides name in the handshake.
const ALPN = "capnp"

// certificateInfo separates the certificate's key from all else that is derived
// from the relay's.
const certificateInfo = "quicnprotochat certificate v1"

// The certificate says that it holds at all times: it is pinned, and whoever pins
// it should not have to ask for another.
var (
	notBefore = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // RFC 5280, section 4.1.2.5
)

// ErrWrongKey means that the other side proved another key than was asked for,
// or none.
var ErrWrongKey = errors.New("proved another key")

// Certificate returns the self-signed certificate of a key, the same each time,
// and its SHA-256. Its own key is of P-256, which all TLS libraries know; it is
// derived from key, and the extension in it is signed by key.
func Certificate(key ed25519.PrivateKey) (cert tls.Certificate, fingerprint [32]byte, err error) {
	own, err := certificateKey(key)
	if err != nil {
		return cert, fingerprint, fmt.Errorf("certificate: %w", err)
	}
	priv, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		return cert, fingerprint, fmt.Errorf("certificate: %w", err)
	}
	extension, err := libp2ptls.GenerateSignedExtension(priv, own.Public())
	if err != nil {
		return cert, fingerprint, fmt.Errorf("certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:    big.NewInt(1),
		Subject:         pkix.Name{CommonName: "quicnprotochat relay"},
		NotBefore:       notBefore,
		NotAfter:        notAfter,
		ExtraExtensions: []pkix.Extension{extension},
	}
	// Without a source of randomness the signature is that of RFC 6979.
	der, err := x509.CreateCertificate(nil, template, template, own.Public(), own)
	if err != nil {
		return cert, fingerprint, fmt.Errorf("certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}, sha256.Sum256(der), nil
}

// certificateKey derives the certificate's own key.
func certificateKey(key ed25519.PrivateKey) (*ecdsa.PrivateKey, error) {
	// One scalar of 2³² is not below the order of the curve.
	for n := range byte(8) {
		scalar, err := hkdf.Key(sha256.New, key.Seed(), []byte{n}, certificateInfo, 32)
		if err != nil {
			return nil, err
		}
		if own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar); err == nil {
			return own, nil
		}
	}
	return nil, errors.New("no key can be derived")
}

// verify returns a check that the other side's certificate was signed by key. It
// reports ErrWrongKey.
func verify(key [32]byte) func([][]byte, [][]*x509.Certificate) error {
	return func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) != 1 {
			return fmt.Errorf("%w: %d certificates", ErrWrongKey, len(raw))
		}
		cert, err := x509.ParseCertificate(raw[0])
		if err != nil {
			return fmt.Errorf("%w: malformed certificate", ErrWrongKey)
		}
		got, err := libp2ptls.PubKeyFromCertChain([]*x509.Certificate{cert})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrWrongKey, err)
		}
		if b, err := got.Raw(); err != nil || got.Type() != crypto.Ed25519 || !bytes.Equal(b, key[:]) {
			return ErrWrongKey
		}
		return nil
	}
}
