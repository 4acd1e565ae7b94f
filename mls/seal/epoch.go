package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	saltSize      = 32
	epochTagSize  = 16
	epochHeader   = 1 + saltSize + epochTagSize
	epochOverhead = epochHeader + aeadTagSize
)

// EpochKey seals to all who are in an MLS epoch. It is the exporter secret of
// label "qpc seal", empty context and 32 bytes (RFC 9420, §8.5) of the epoch of
// the message, of a commit the epoch before it.
type EpochKey [32]byte

// SealEpoch seals a frame of at most MaxFrame bytes to an epoch. The result is
// the same payload for all members; no two results are alike.
func SealEpoch(k EpochKey, frame []byte) (payload []byte, err error) {
	if len(frame) > MaxFrame {
		return nil, ErrTooLarge
	}
	var salt [saltSize]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, fmt.Errorf("seal payload: %w", err)
	}
	return k.seal(salt, frame)
}

// seal is SealEpoch with the salt given. The same salt must not be given twice.
func (k EpochKey) seal(salt [saltSize]byte, frame []byte) ([]byte, error) {
	aead, nonce, err := k.aead(salt[:])
	if err != nil {
		return nil, fmt.Errorf("seal payload: %w", err)
	}
	tag := k.tag(salt[:])
	payload := make([]byte, 0, epochOverhead+paddedSize(len(frame)))
	payload = append(payload, KindEpoch)
	payload = append(payload, salt[:]...)
	payload = append(payload, tag[:]...)
	payload = appendPadded(payload, frame)
	header, plaintext := payload[:epochHeader], payload[epochHeader:]
	aead.Seal(plaintext[:0], nonce, plaintext, header)
	return payload[:len(payload)+aeadTagSize], nil
}

// Matches reports whether a payload is sealed to this epoch, by its tag alone.
// It takes about a microsecond, so that all live epochs can be tried.
func (k EpochKey) Matches(payload []byte) bool {
	if wantKind(payload, KindEpoch) != nil {
		return false
	}
	tag := k.tag(payload[1 : 1+saltSize])
	return hmac.Equal(tag[:], payload[1+saltSize:epochHeader])
}

// Open returns the frame of a payload that SealEpoch made with this key;
// ErrOpen if it was made with another.
func (k EpochKey) Open(payload []byte) (frame []byte, err error) {
	if err := wantKind(payload, KindEpoch); err != nil {
		return nil, err
	}
	if !k.Matches(payload) {
		return nil, ErrOpen
	}
	aead, nonce, err := k.aead(payload[1 : 1+saltSize])
	if err != nil {
		return nil, fmt.Errorf("open payload: %w", err)
	}
	plaintext, err := aead.Open(nil, nonce, payload[epochHeader:], payload[:epochHeader])
	if err != nil {
		return nil, ErrOpen
	}
	return unpad(plaintext)
}

// LogValue keeps the key out of logs.
func (k EpochKey) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// tag returns HMAC(K, "t" ‖ salt)[:16].
func (k EpochKey) tag(salt []byte) (tag [epochTagSize]byte) {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte{'t'})
	mac.Write(salt)
	return [epochTagSize]byte(mac.Sum(nil))
}

// aead returns the cipher and nonce of one salt.
func (k EpochKey) aead(salt []byte) (cipher.AEAD, []byte, error) {
	prk, err := hkdf.Extract(sha256.New, k[:], salt)
	if err != nil {
		return nil, nil, err
	}
	okm, err := hkdf.Expand(sha256.New, prk, "m", chacha20poly1305.KeySize+chacha20poly1305.NonceSize)
	if err != nil {
		return nil, nil, err
	}
	aead, err := chacha20poly1305.New(okm[:chacha20poly1305.KeySize])
	return aead, okm[chacha20poly1305.KeySize:], err
}
