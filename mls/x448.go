package mls

import (
	"crypto/hkdf"
	"crypto/sha512"
	"fmt"

	"github.com/cloudflare/circl/dh/x448"
	"github.com/cloudflare/circl/hpke"
	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/sign/ed448"
)

// x448HPKE is HPKE with DHKEM(X448, HKDF-SHA512), which the standard library
// does not have.
type x448HPKE struct{ suite hpke.Suite }

func newX448(aead hpke.AEAD) x448HPKE {
	return x448HPKE{hpke.NewSuite(hpke.KEM_X448_HKDF_SHA512, hpke.KDF_HKDF_SHA512, aead)}
}

func (x448HPKE) scheme() kem.Scheme { return hpke.KEM_X448_HKDF_SHA512.Scheme() }

func (h x448HPKE) generate() (private *privateKey, public []byte, err error) {
	private = &privateKey{raw: random(x448.Size)}
	public, err = h.public(private)
	return private, public, err
}

// derive is DeriveKeyPair of RFC 9180, §7.1.3. The library's takes secrets of
// one length only.
func (h x448HPKE) derive(secret []byte) (private *privateKey, public []byte, err error) {
	const suiteID = "KEM\x00\x21"
	prk, err := hkdf.Extract(sha512.New, append([]byte("HPKE-v1"+suiteID+"dkp_prk"), secret...), nil)
	if err != nil {
		return nil, nil, errPrivateKey
	}
	defer clear(prk)
	raw, err := hkdf.Expand(sha512.New, prk, "\x00\x38HPKE-v1"+suiteID+"sk", x448.Size)
	if err != nil {
		return nil, nil, errPrivateKey
	}
	private = &privateKey{raw: raw}
	public, err = h.public(private)
	return private, public, err
}

func (h x448HPKE) public(private *privateKey) ([]byte, error) {
	key, err := h.scheme().UnmarshalBinaryPrivateKey(private.raw)
	if err != nil {
		return nil, errPrivateKey
	}
	return key.Public().MarshalBinary()
}

func (h x448HPKE) check(public []byte) error {
	if !field448.takes(public) {
		return errMalformed
	}
	return nil
}

func (h x448HPKE) sealer(public, info []byte) ([]byte, hpke.Sealer, error) {
	key, err := h.scheme().UnmarshalBinaryPublicKey(public)
	if err != nil {
		return nil, nil, fmt.Errorf("encryption key: %w", errMalformed)
	}
	sender, err := h.suite.NewSender(key, info)
	if err != nil {
		return nil, nil, fmt.Errorf("encapsulate: %w", err)
	}
	enc, sealer, err := sender.Setup(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("encapsulate: %w", errMalformed)
	}
	return enc, sealer, nil
}

func (h x448HPKE) opener(private *privateKey, enc, info []byte) (hpke.Opener, error) {
	key, err := h.scheme().UnmarshalBinaryPrivateKey(private.raw)
	if err != nil {
		return nil, errPrivateKey
	}
	if len(enc) != x448.Size {
		return nil, ErrDecrypt
	}
	receiver, err := h.suite.NewReceiver(key, info)
	if err != nil {
		return nil, ErrDecrypt
	}
	opener, err := receiver.Setup(enc)
	if err != nil {
		return nil, ErrDecrypt
	}
	return opener, nil
}

func (h x448HPKE) seal(public, info, plaintext []byte) (hpkeCiphertext, error) {
	enc, sealer, err := h.sealer(public, info)
	if err != nil {
		return hpkeCiphertext{}, err
	}
	ciphertext, err := sealer.Seal(plaintext, nil)
	if err != nil {
		return hpkeCiphertext{}, fmt.Errorf("seal: %w", err)
	}
	return hpkeCiphertext{enc, ciphertext}, nil
}

func (h x448HPKE) open(private *privateKey, info []byte, c hpkeCiphertext) ([]byte, error) {
	opener, err := h.opener(private, c.kemOutput, info)
	if err != nil {
		return nil, err
	}
	plaintext, err := opener.Open(c.ciphertext, nil)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plaintext, nil
}

func (h x448HPKE) sendExport(public []byte, label string, n int) (kemOutput, secret []byte, err error) {
	enc, sealer, err := h.sealer(public, nil)
	if err != nil {
		return nil, nil, err
	}
	return enc, sealer.Export([]byte(label), uint(n)), nil
}

func (h x448HPKE) receiveExport(private *privateKey, kemOutput []byte, label string, n int) ([]byte, error) {
	opener, err := h.opener(private, kemOutput, nil)
	if err != nil {
		return nil, err
	}
	return opener.Export([]byte(label), uint(n)), nil
}

type ed448Scheme struct{}

func (ed448Scheme) checkKey(public []byte) error {
	if len(public) != ed448.PublicKeySize {
		return errMalformed
	}
	return nil
}

func (ed448Scheme) verify(public, message, sig []byte) bool {
	return len(public) == ed448.PublicKeySize && len(sig) == ed448.SignatureSize &&
		ed448.Verify(public, message, sig, "")
}
