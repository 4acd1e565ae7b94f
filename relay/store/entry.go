package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/share"
)

// entry is one place in an inbox:
//
//	kind u8, arrival u64, depositor's tag 8, and then
//	kind 1    payload
//	kind 2    number u64 in payloads, size u32
type entry struct {
	kind    byte
	arrival int64
	from    share.Tag
	payload []byte // of kind 1, not copied
	number  uint64 // of kind 2
	size    int    // of the payload
}

const (
	entryOwn    = 1
	entryShared = 2

	entryHeadSize = 1 + 8 + len(share.Tag{})
)

func (e entry) bytesOf() []byte {
	b := make([]byte, 0, entryHeadSize+max(len(e.payload), 12)+ledger.SumSize)
	b = append(b, e.kind)
	b = binary.BigEndian.AppendUint64(b, uint64(e.arrival))
	b = append(b, e.from[:]...)
	if e.kind == entryOwn {
		return append(b, e.payload...)
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, e.number), uint32(e.size))
}

func parseEntry(b []byte) (e entry, err error) {
	s := cryptobyte.String(b)
	var arrival uint64
	if !s.ReadUint8(&e.kind) || !s.ReadUint64(&arrival) || !s.CopyBytes(e.from[:]) {
		return entry{}, ErrDamaged
	}
	e.arrival = int64(arrival)
	var size uint32
	switch {
	case e.kind == entryOwn:
		e.payload, e.size = s, len(s)
	case e.kind == entryShared && s.ReadUint64(&e.number) && s.ReadUint32(&size) && s.Empty():
		e.size = int(size)
	default:
		return entry{}, ErrDamaged
	}
	return e, nil
}

// headOf reads an entry without its checksum. Of one that makes no sense it returns what
// it counts for.
func headOf(v []byte) entry {
	if e, err := parseEntry(v[:max(0, len(v)-ledger.SumSize)]); err == nil {
		return e
	}
	return entry{size: max(0, len(v)-entryHeadSize-ledger.SumSize)}
}

// openEntry checks the value of an entry. Of one that is damaged it returns as
// much as its length says: what it counts for.
func openEntry(inbox, key, v []byte) (entry, error) {
	body, err := ledger.Unseal(inbox, key, v)
	if err == nil {
		var e entry
		if e, err = parseEntry(body); err == nil {
			return e, nil
		}
	}
	return entry{size: max(0, len(v)-entryHeadSize-ledger.SumSize)}, err
}

// arrivalOf reads the time of an entry without its checksum; 0 if there is none.
func arrivalOf(v []byte) int64 {
	if len(v) < entryHeadSize {
		return 0
	}
	return int64(binary.BigEndian.Uint64(v[1:]))
}

// Depositor is who leaves a payload, and the network that it calls from; both are
// hashes or keys. A zero Who is nobody, a zero Place one that says nothing.
type Depositor struct{ Who, Place [32]byte }

// tag makes the tag of a depositor. The salt is in memory alone: who gets hold of
// the file does not learn who wrote to whom. So what was left before a restart
// counts for nobody who comes after it.
func (s *Store) tag(inbox Inbox, from Depositor) (t share.Tag) {
	var b [len(s.salt) + inboxKeySize + len(from.Who)]byte
	end := b[copy(b[:], s.salt[:])+copy(b[len(s.salt):], inbox.key()):]
	for i, part := range [...][32]byte{from.Place, from.Who} {
		if part != [32]byte{} {
			copy(end, part[:])
			sum := sha256.Sum256(b[:])
			copy(t[i*len(share.Place{}):], sum[:len(share.Place{})])
		}
	}
	return t
}

// shared stores a payload for many entries and returns its number.
func (b *batch) shared(payload []byte, refs uint32) (uint64, error) {
	bucket := b.Tx.Bucket(bucketPayloads)
	bucket.FillPercent = file.FillPercent
	number, err := nextShared(bucket)
	if err != nil {
		return 0, err
	}
	key := u64(number)
	if err := bucket.Put(key, ledger.Seal(bucketPayloads, key, stamped(b.Now, payload))); err != nil {
		return 0, err
	}
	b.Grow(payloadCost(len(payload)))
	return number, b.putRefs(key, refs)
}

func (b *batch) putRefs(key []byte, refs uint32) error {
	bucket := b.Tx.Bucket(bucketRefs)
	bucket.FillPercent = file.FillPercent
	return bucket.Put(key, ledger.Seal(bucketRefs, key, binary.BigEndian.AppendUint32(nil, refs)))
}

// release takes n entries off a shared payload, and deletes it with the last
// one. If their number is damaged or gone it stays until it expires.
func (b *batch) release(number uint64, n uint32) error {
	key := u64(number)
	body, err := ledger.Unseal(bucketRefs, key, b.Tx.Bucket(bucketRefs).Get(key))
	if err != nil || len(body) != 4 {
		return nil
	}
	if refs := binary.BigEndian.Uint32(body); refs > n {
		return b.putRefs(key, refs-n)
	}
	return b.dropShared(key)
}

func (b *batch) dropShared(key []byte) error {
	bucket := b.Tx.Bucket(bucketPayloads)
	if v := bucket.Get(key); v != nil {
		b.Shrink(payloadCost(max(0, len(v)-8-ledger.SumSize)))
	}
	return errors.Join(bucket.Delete(key), b.Tx.Bucket(bucketRefs).Delete(key))
}

// sharedPayload returns a payload that many entries share, not copied.
func sharedPayload(tx *bolt.Tx, number uint64) ([]byte, error) {
	key := u64(number)
	body, err := ledger.Unseal(bucketPayloads, key, tx.Bucket(bucketPayloads).Get(key))
	if err != nil {
		return nil, err
	}
	_, payload, err := parseStamped(body)
	return payload, err
}

// sharedGrace is how long a shared payload outlives its retention: it goes with
// its last entry, unless their number was damaged.
const sharedGrace = time.Hour

func sharedDue(c *Config, _ *bolt.Bucket, _, v []byte) bool {
	return len(v) < 8 || int64(binary.BigEndian.Uint64(v)) < c.oldest()-sharedGrace.Milliseconds()
}

func (b *batch) sweepShared(_, key []byte, budget *int) error {
	if *budget--; *budget < 0 {
		return ledger.ErrBudget
	}
	return ledger.Abort(b.dropShared(key))
}
