package profile

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"quicnprotochat/node/store"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// Twin is what an endpoint of our identity tells of another home that made it.
type Twin byte

// The kinds of twins.
const (
	// NoTwin: we made the endpoint.
	NoTwin Twin = iota
	// TwinBefore: another home made it before we started. This home is an older copy
	// of one that was used since.
	TwinBefore
	// TwinNow: another home made it after we started. Two run.
	TwinNow
	// Overtaken: another home made it, of which we know, as of that from which this one
	// was restored. It has cancelled the passes and the address key that we have.
	Overtaken
)

// sequencesKept is how many of the sequence numbers of this run are known, the last
// ones.
const sequencesKept = 1024

// sequences are those of our endpoints. Each is in the store before anybody sees it:
// so one that is not known here was given by another home with our key.
type sequences struct {
	restored bool   // what was given before is not known
	before   uint64 // the last one given before this run
	began    uint64 // those that are at least that were given since
	given    []uint64
}

// read begins with what is in the store.
func (s *sequences) read(tx *store.Tx, now time.Time) error {
	last, err := tx.Meta(metaEndpoint)
	if err != nil {
		return err
	}
	s.restored = len(last) != 8
	if !s.restored {
		s.before = binary.BigEndian.Uint64(last)
	}
	s.began = after(s.before, now)
	return nil
}

// after is the sequence number after the last one: the time in milliseconds, or one
// more than the last when the clock stood or went back.
func after(last uint64, now time.Time) uint64 {
	return max(uint64(max(now.UnixMilli(), 1)), last+1)
}

func (s *sequences) add(seq uint64) {
	if len(s.given) == sequencesKept {
		s.given = slices.Delete(s.given, 0, 1)
	}
	s.given = append(s.given, seq)
}

// twin says who gave a sequence number.
func (s *sequences) twin(seq uint64) Twin {
	switch {
	case seq < s.began && (s.restored || seq <= s.before):
		return NoTwin
	case seq < s.began:
		return TwinBefore
	case slices.Contains(s.given, seq), len(s.given) == sequencesKept && seq < s.given[0]:
		return NoTwin
	}
	return TwinNow
}

// ForgetSequence lets a copy of a store not take what its identity publishes until it
// is used for the work of a twin.
func ForgetSequence(tx *store.Tx) error { return tx.SetMeta(metaEndpoint, nil) }

// Compare looks at an endpoint of ours that somebody keeps, however old, and says who
// made it. One that we did not sign says nothing. From then on we give higher sequence
// numbers, and it is told once.
func (p *Profile) Compare(ctx context.Context, record []byte) (t Twin, err error) {
	e, err := endpoint.ParseAny(record, transport.Key(p.cfg.Identity.ID()))
	if err != nil {
		return NoTwin, nil
	}
	err = p.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		p.mu.Lock()
		t = p.sequences.twin(e.Seq)
		p.cancelled = max(p.cancelled, e.Generation)
		p.mu.Unlock()
		if t == NoTwin {
			overtaken, err := p.Overtaken(tx)
			if overtaken {
				t = Overtaken
			}
			return err
		}
		last, err := tx.Meta(metaEndpoint)
		if err == nil && (len(last) != 8 || binary.BigEndian.Uint64(last) < e.Seq) {
			err = tx.SetMeta(metaEndpoint, binary.BigEndian.AppendUint64(nil, e.Seq))
		}
		return err
	})
	if err != nil {
		return NoTwin, fmt.Errorf("compare endpoint: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t == TwinBefore {
		p.sequences.before = max(p.sequences.before, e.Seq)
	}
	return t, nil
}

// Overtaken reports whether another home of this identity has cancelled our passes and
// our address key, by what Compare has seen: then they must be cancelled here as well.
func (p *Profile) Overtaken(tx *store.Tx) (bool, error) {
	l, err := readLeave(tx)
	p.mu.Lock()
	defer p.mu.Unlock()
	return err == nil && l.generation < p.cancelled, err
}
