package profile

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"quicnprotochat/node/store"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

// passPeriod is how long contacts are given the same passes. They are good for
// 20 to 30 days when they are given, and new ones come 20 days before the end.
const passPeriod = 10 * 24 * time.Hour

// leave is what those may do who were given something: find our addresses, and
// write to us by pass. Revoke ends it for all.
type leave struct {
	addressKey [32]byte
	generation uint32
}

func newAddressKey() ([]byte, error) {
	b := make([]byte, 32)
	_, err := rand.Read(b)
	return b, err
}

func readLeave(tx *store.Tx) (l leave, err error) {
	key, err := tx.Meta(metaAddressKey)
	if err != nil {
		return l, err
	}
	generation, err := tx.Meta(metaGeneration)
	if err != nil {
		return l, err
	}
	if len(key) != len(l.addressKey) || len(generation) != 4 {
		return l, fmt.Errorf("profile: rows of the wrong size: %w", store.ErrDamaged)
	}
	return leave{[32]byte(key), binary.BigEndian.Uint32(generation)}, nil
}

// Revoke cancels all passes that were given out, those of links too, and chooses
// another key for our addresses. Contacts who shall go on need the new card and
// passes, and our relays the new endpoint; call Revoked when tx is committed. The new
// generation is the time in Unix seconds, or one more than the last: so it is higher
// than all that relays were told, also where this home is an old copy.
func (p *Profile) Revoke(tx *store.Tx, now time.Time) error {
	l, err := readLeave(tx)
	if err != nil {
		return err
	}
	key, err := newAddressKey()
	if err == nil {
		err = tx.SetMeta(metaAddressKey, key)
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	next := max(l.generation+1, p.cancelled+1, uint32(min(max(now.Unix(), 0), math.MaxInt32)))
	p.mu.Unlock()
	return tx.SetMeta(metaGeneration, binary.BigEndian.AppendUint32(nil, next))
}

// Revoked lets the endpoint that was made before go.
func (p *Profile) Revoked() {
	p.making <- struct{}{}
	defer func() { <-p.making }()
	p.record = nil
}

// Passes returns the passes of now for contacts, one for each home relay that takes
// them. For all contacts they are the same bytes, so that a pass does not tell who
// shows it.
func (p *Profile) Passes(tx *store.Tx, now time.Time) (out [][]byte, err error) {
	_, sealed, err := homeRelays(tx)
	for _, relay := range sealed {
		encoded, err := p.Pass(tx, relay, now)
		if err != nil {
			return nil, err
		}
		out = append(out, encoded)
	}
	return out, err
}

// Pass returns the pass of now for a contact at one relay.
func (p *Profile) Pass(tx *store.Tx, relay transport.Key, now time.Time) ([]byte, error) {
	l, err := readLeave(tx)
	if err != nil {
		return nil, err
	}
	made := pass.Pass{
		Recipient:  p.cfg.Identity.ID(),
		Relay:      relay,
		Kind:       pass.Contact,
		Generation: l.generation,
		Expiry:     p.period(now).Add(pass.MaxLife),
	}
	return made.Sign(p.cfg.Identity.Sign).Encode(), nil
}

// period is when the present period of passes began. Each identity has a beginning
// of its own: not all give out new passes on the same day.
func (p *Profile) period(now time.Time) time.Time {
	id := p.cfg.Identity.ID()
	length := uint64(passPeriod.Milliseconds())
	at := uint64(max(now.UnixMilli(), 0))
	offset := binary.BigEndian.Uint64(id[:]) % length
	return time.UnixMilli(int64(at) - int64((at+offset)%length)).UTC()
}

// CheckHello reports whether hello is a hello pass that this node gave out in a
// link and has not cancelled.
func (p *Profile) CheckHello(tx *store.Tx, hello []byte, now time.Time) error {
	parsed, err := pass.Parse(hello)
	if err != nil {
		return err
	}
	l, err := readLeave(tx)
	if err != nil {
		return err
	}
	id := p.cfg.Identity.ID()
	if parsed.Kind != pass.Hello {
		return fmt.Errorf("pass of another kind: %w", pass.ErrMalformed)
	}
	// It is ours: that the clock has gone back since makes it no worse.
	if made := parsed.Expiry.Add(-pass.MaxLife); made.After(now) {
		now = made
	}
	return parsed.Check(now, id, transport.Key(id), l.generation)
}
