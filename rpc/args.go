package rpc

import (
	"time"
	"unicode/utf8"

	"quicnprotochat/rpc/point"

	"capnproto.org/go/capnp/v3"
)

// Bounds of arguments, for both sides.
const (
	// MaxPayload is the largest payload of enqueue and batchEnqueue, in bytes.
	// A server may allow less.
	MaxPayload = 5 << 20
	// MaxBatch is the longest list of keys in batchEnqueue and fetchHybridKeys.
	MaxBatch = 1000
	// MaxWait is the longest that fetchWait and peekWait wait; more is cut.
	MaxWait = 10 * time.Minute

	maxKeyPackage = 1<<20 - 1
	maxHybridKey  = 64 << 10
	maxEndpoint   = 4 << 10
	maxOpaque     = 4 << 10
	maxUsername   = 255
	maxInvite     = 64
)

// argReader checks arguments. After the first bad one it returns zero values
// and keeps the error.
type argReader struct{ err error }

func (r *argReader) fail(err *Error) {
	if r.err == nil {
		r.err = err
	}
}

// version checks the version of the mailbox methods.
func (r *argReader) version(v uint16) {
	if v != 1 {
		r.fail(ErrVersion)
	}
}

func (r *argReader) identity(b []byte, err error) Identity {
	if err != nil {
		r.fail(ErrBadRequest)
		return Identity{}
	}
	id, ok := parseIdentity(b)
	if !ok {
		r.fail(ErrBadRequest.With("identity key must be 32 bytes and a valid Ed25519 key"))
	}
	return id
}

// Valid reports whether id is a key with which a signature proves something (package
// rpc/point).
func (id Identity) Valid() bool { return point.Valid(id) }

// parseIdentity refuses what is not 32 bytes, and no valid key.
func parseIdentity(b []byte) (Identity, bool) {
	if len(b) != len(Identity{}) || !point.Valid([32]byte(b)) {
		return Identity{}, false
	}
	return Identity(b), true
}

func (r *argReader) identities(list capnp.DataList, err error) []Identity {
	if err != nil || list.Len() == 0 {
		r.fail(ErrBadRequest.With("list of keys is empty or malformed"))
		return nil
	}
	if list.Len() > MaxBatch {
		r.fail(ErrBadRequest.With("more than 1000 keys"))
		return nil
	}
	ids := make([]Identity, 0, list.Len())
	for i := 0; i < list.Len() && r.err == nil; i++ {
		ids = append(ids, r.identity(list.At(i)))
	}
	return ids
}

func (r *argReader) channel(b []byte, err error) Channel {
	var ch Channel
	if err != nil || len(b) != 0 && len(b) != len(ch) {
		r.fail(ErrBadRequest.With("channel id must be empty or 16 bytes"))
		return ch
	}
	copy(ch[:], b)
	return ch
}

func (r *argReader) payload(b []byte, err error) []byte {
	if err == nil && len(b) > MaxPayload {
		r.fail(ErrTooLarge)
		return nil
	}
	return r.blob(ErrBadRequest.With("payload is empty"), MaxPayload)(b, err)
}

// blob returns a check for 1 to max bytes.
func (r *argReader) blob(bad *Error, max int) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		if err != nil || len(b) == 0 || len(b) > max {
			r.fail(bad)
			return nil
		}
		return b
	}
}

// username checks only what every directory needs; which names are allowed is
// up to the service.
func (r *argReader) username(name string, err error) string {
	if err != nil || name == "" || len(name) > maxUsername || !utf8.ValidString(name) {
		r.fail(ErrUsername)
		return ""
	}
	return name
}

func waitOf(ms uint64) time.Duration {
	return time.Duration(min(ms, uint64(MaxWait.Milliseconds()))) * time.Millisecond
}
