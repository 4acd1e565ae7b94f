package seal

import (
	"crypto/hpke"
	"fmt"
)

// The kinds of payloads.
const (
	// KindReserved was an older home-made combiner. It is refused.
	KindReserved byte = 0x01
	// KindHybrid is sealed to a hybrid key.
	KindHybrid byte = 0x02
	// KindEpoch is sealed to an MLS epoch.
	KindEpoch byte = 0x03
)

const (
	// MaxPayload is the largest payload in bytes.
	MaxPayload = 5 << 20
	// MaxFrame is the largest frame in bytes: the next Padmé size with its
	// overhead would be over MaxPayload.
	MaxFrame = 39<<17 - lengthSize

	// hybridInfo is the info of HPKE. It is not a signing domain.
	hybridInfo = "quicnprotochat sealed payload v2"

	encSize        = 1120
	aeadTagSize    = 16
	hybridOverhead = 1 + keyIDSize + encSize + aeadTagSize
)

// PayloadKind returns the kind of a payload: KindHybrid or KindEpoch. All that
// can be told without a key is checked: ErrKind, ErrTooLarge or ErrMalformed.
func PayloadKind(payload []byte) (byte, error) {
	if len(payload) > MaxPayload {
		return 0, ErrTooLarge
	}
	if len(payload) == 0 {
		return 0, fmt.Errorf("empty payload: %w", ErrMalformed)
	}
	var least int
	switch payload[0] {
	case KindHybrid:
		least = hybridOverhead + lengthSize
	case KindEpoch:
		least = epochOverhead + lengthSize
	default:
		return 0, fmt.Errorf("kind 0x%02x: %w", payload[0], ErrKind)
	}
	if len(payload) < least {
		return 0, fmt.Errorf("payload of %d bytes: %w", len(payload), ErrMalformed)
	}
	return payload[0], nil
}

// PayloadKeyID returns the id of the hybrid key that a payload of KindHybrid is
// sealed to.
func PayloadKeyID(payload []byte) (id [8]byte, err error) {
	if err := wantKind(payload, KindHybrid); err != nil {
		return id, err
	}
	return [8]byte(payload[1:]), nil
}

// wantKind checks what PayloadKind checks and that the kind is the one given.
func wantKind(payload []byte, want byte) error {
	kind, err := PayloadKind(payload)
	if err == nil && kind != want {
		err = fmt.Errorf("kind 0x%02x: %w", kind, ErrKind)
	}
	return err
}

// Seal seals a frame of at most MaxFrame bytes to the hybrid key of recipient.
// No two results are alike.
func Seal(to *HybridKey, recipient [32]byte, frame []byte) (payload []byte, err error) {
	if len(frame) > MaxFrame {
		return nil, ErrTooLarge
	}
	enc, sender, err := hpke.NewSender(to.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(hybridInfo))
	if err != nil {
		return nil, fmt.Errorf("seal payload: %w", err)
	}
	size := paddedSize(len(frame))
	ciphertext, err := sender.Seal(hybridAAD(to.id, recipient), appendPadded(make([]byte, 0, size), frame))
	if err != nil {
		return nil, fmt.Errorf("seal payload: %w", err)
	}
	payload = make([]byte, 0, hybridOverhead+size)
	payload = append(payload, KindHybrid)
	payload = append(payload, to.id[:]...)
	payload = append(payload, enc...)
	return append(payload, ciphertext...), nil
}

// Open returns the frame of a payload that Seal made for this key and
// recipient; ErrOpen if it was made for others.
func (p *PrivateKey) Open(payload []byte, recipient [32]byte) (frame []byte, err error) {
	id, err := PayloadKeyID(payload)
	if err != nil {
		return nil, err
	}
	if id != p.public.id {
		return nil, ErrOpen
	}
	enc, ciphertext := payload[1+keyIDSize:][:encSize], payload[1+keyIDSize+encSize:]
	r, err := hpke.NewRecipient(enc, p.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(hybridInfo))
	if err != nil {
		return nil, ErrOpen
	}
	plaintext, err := r.Open(hybridAAD(id, recipient), ciphertext)
	if err != nil {
		return nil, ErrOpen
	}
	return unpad(plaintext)
}

func hybridAAD(id [8]byte, recipient [32]byte) []byte {
	aad := make([]byte, 0, 1+keyIDSize+len(recipient))
	aad = append(aad, KindHybrid)
	aad = append(aad, id[:]...)
	return append(aad, recipient[:]...)
}
