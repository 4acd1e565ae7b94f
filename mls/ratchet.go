package mls

import "fmt"

const (
	// MaxForward is how many generations a message may be ahead of the last
	// one of its sender that was decrypted in the epoch.
	MaxForward = 4096
	// MaxKept is how many of a sender's last generations are remembered for
	// messages that arrive out of order, for each of its two ratchets.
	MaxKept = 1024

	maxGeneration = 1<<32 - 1
)

// A ratchet is one sender ratchet (RFC 9420, §9.1), about 50 bytes in a record.
type ratchet struct {
	next   uint64 // the generation that secret is for
	floor  uint64 // no key of a generation below it is kept
	kept   uint32 // keys kept, all from floor to below next
	secret []byte
}

func (r *ratchet) bytes() []byte {
	w := writer{b: make([]byte, 0, 20+len(r.secret))}
	w.u64(r.next)
	w.u64(r.floor)
	w.u32(r.kept)
	w.raw(r.secret)
	return w.b
}

func decodeRatchet(b []byte, size int) (*ratchet, error) {
	r := &reader{b: b}
	d := &ratchet{next: r.u64(), floor: r.u64(), kept: r.u32(), secret: r.take(size)}
	if r.finish() != nil || d.floor > d.next || uint64(d.kept) > d.next-d.floor {
		return nil, fmt.Errorf("ratchet: %w", ErrRecords)
	}
	return d, nil
}

// step moves the ratchet on by one and returns the key it passed when that is
// wanted.
func (r *ratchet) step(s *suite, wanted bool) (k messageKey, err error) {
	generation := uint32(r.next)
	if wanted {
		if k.nonce, err = s.deriveTreeSecret(r.secret, "nonce", generation, s.nonceSize); err != nil {
			return k, err
		}
		if k.key, err = s.deriveTreeSecret(r.secret, "key", generation, s.keySize); err != nil {
			return k, err
		}
	}
	secret, err := s.deriveTreeSecret(r.secret, "secret", generation, s.size)
	if err != nil {
		return k, err
	}
	clear(r.secret)
	r.secret = secret
	r.next++
	return k, nil
}

func (r *ratchet) clear() { clear(r.secret) }
