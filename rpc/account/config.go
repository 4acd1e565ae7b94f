package account

import (
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bytemare/ksf"
	"github.com/bytemare/opaque"
)

// ErrMalformed means bytes that are none of what they should be.
var ErrMalformed = errors.New("malformed OPAQUE message")

// configuration is the one that both sides use.
func configuration() *opaque.Configuration {
	return &opaque.Configuration{
		OPRF: opaque.RistrettoSha512,
		AKE:  opaque.RistrettoSha512,
		KSF:  ksf.Argon2id,
		KDF:  crypto.SHA512,
		MAC:  crypto.SHA512,
		Hash: crypto.SHA512,
	}
}

// Stretch is what a password costs to try: the parameters of Argon2id. They are
// stored with an account, so that later ones do not lock it out.
type Stretch struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint32
}

// DefaultStretch is what new accounts get.
func DefaultStretch() Stretch { return Stretch{Time: 3, Memory: 65536, Threads: 4} }

const stretchSize = 12

// Encode returns the 12 bytes that ParseStretch reads.
func (s Stretch) Encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, s.Time)
	b = binary.BigEndian.AppendUint32(b, s.Memory)
	return binary.BigEndian.AppendUint32(b, s.Threads)
}

// ParseStretch is the inverse of Encode. It refuses costs that nobody would
// choose, and those that would take all memory.
func ParseStretch(b []byte) (Stretch, error) {
	if len(b) != stretchSize {
		return Stretch{}, fmt.Errorf("%w: costs of %d bytes", ErrMalformed, len(b))
	}
	s := Stretch{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
	if s.Time < 1 || s.Time > 64 || s.Memory < 8*s.Threads || s.Memory > 1<<20 || s.Threads < 1 || s.Threads > 64 {
		return Stretch{}, fmt.Errorf("%w: costs %d, %d KiB, %d", ErrMalformed, s.Time, s.Memory, s.Threads)
	}
	return s, nil
}

// The output of Argon2id has 64 bytes, and its salt is zeros; the defaults of
// the library differ, and make accounts that other clients cannot open.
const (
	stretchLength = 64
	stretchSalt   = 16
)

func (s Stretch) options() *opaque.ClientOptions {
	return &opaque.ClientOptions{
		KSFParameters: []uint64{uint64(s.Time), uint64(s.Memory), uint64(s.Threads)},
		KSFSalt:       make([]byte, stretchSalt),
		KSFLength:     stretchLength,
	}
}
