package message

import (
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

const (
	// MaxCounter is the largest counter, Lamport time or size that is taken
	// from outside: it leaves room to count on in 63 bits.
	MaxCounter = 1 << 62

	// AuthDataSize is the length of encoded AuthData in bytes.
	AuthDataSize = 1 + 16 + 8 + 8 + 8

	authDataVersion = 1

	// maxTime is the last millisecond of the year 9999.
	maxTime = 253402300799999
)

// AuthData is the authenticated data of an application message.
type AuthData struct {
	// Head is the id of the epoch that the author takes for the head.
	Head [16]byte
	// Counter is the author's count of messages in the conversation. It is never
	// reset, at most MaxCounter.
	Counter uint64
	// Lamport is the author's Lamport time, at most MaxCounter.
	Lamport uint64
	// Sent is the author's clock, in whole milliseconds, from 1970 to 9999.
	Sent time.Time
}

// Encode returns the encoding of a, AuthDataSize bytes; ErrMalformed if a field
// is out of bounds. Sent is cut to milliseconds.
func (a AuthData) Encode() ([]byte, error) {
	sent := a.Sent.UnixMilli()
	if a.Counter > MaxCounter || a.Lamport > MaxCounter || sent < 0 || sent > maxTime {
		return nil, fmt.Errorf("encode authenticated data: %w", ErrMalformed)
	}
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, AuthDataSize))
	b.AddUint8(authDataVersion)
	b.AddBytes(a.Head[:])
	b.AddUint64(a.Counter)
	b.AddUint64(a.Lamport)
	b.AddUint64(uint64(sent))
	return b.Bytes()
}

// ParseAuthData parses the authenticated data of an application message.
func ParseAuthData(b []byte) (AuthData, error) {
	var (
		a       AuthData
		s       = cryptobyte.String(b)
		version uint8
		sent    uint64
	)
	if !s.ReadUint8(&version) || version != authDataVersion || !s.CopyBytes(a.Head[:]) ||
		!readNumber(&s, &a.Counter) || !readNumber(&s, &a.Lamport) ||
		!s.ReadUint64(&sent) || sent > maxTime || !s.Empty() {
		return AuthData{}, fmt.Errorf("parse authenticated data: %w", ErrMalformed)
	}
	a.Sent = time.UnixMilli(int64(sent)).UTC()
	return a, nil
}

// readNumber reads a u64 of at most MaxCounter.
func readNumber(s *cryptobyte.String, n *uint64) bool {
	return s.ReadUint64(n) && *n <= MaxCounter
}
