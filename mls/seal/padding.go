package seal

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	// minPlaintext is the least size of a padded plaintext in bytes.
	minPlaintext = 1024
	// lengthSize is the size of the length before the frame.
	lengthSize = 4
)

// padme returns the Padmé size of n ≥ 2: n rounded up so that its binary
// mantissa has no more bits than its exponent. It adds less than 12 %.
func padme(n int) int {
	e := bits.Len(uint(n)) - 1
	s := bits.Len(uint(e))
	mask := 1<<(e-s) - 1
	return (n + mask) &^ mask
}

// paddedSize returns the size of the plaintext for a frame of n bytes.
func paddedSize(n int) int { return padme(max(minPlaintext, lengthSize+n)) }

// appendPadded appends the padded plaintext of frame to b.
func appendPadded(b, frame []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(frame)))
	b = append(b, frame...)
	return append(b, make([]byte, paddedSize(len(frame))-lengthSize-len(frame))...)
}

// unpad returns the frame in a plaintext, as a part of it.
func unpad(plaintext []byte) ([]byte, error) {
	if len(plaintext) < lengthSize {
		return nil, fmt.Errorf("plaintext of %d bytes: %w", len(plaintext), ErrMalformed)
	}
	n := uint64(binary.BigEndian.Uint32(plaintext))
	rest := plaintext[lengthSize:]
	if n > uint64(len(rest)) {
		return nil, fmt.Errorf("frame longer than its plaintext: %w", ErrMalformed)
	}
	for _, b := range rest[n:] {
		if b != 0 {
			return nil, fmt.Errorf("padding is not zero: %w", ErrMalformed)
		}
	}
	return rest[:n:n], nil
}
