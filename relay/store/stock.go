package store

import (
	"encoding/binary"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// stock lists the key packages of one owner, oldest first. Entry number 0, if
// there is one, is the last-resort package and comes first.
//
//	next u64, base u64, window end u64, handed out u32,
//	count u16, spent 16 each, entries: number u64, size u32, not after u64, fingerprint 32
type stock struct {
	next uint64
	// base is that of the totals when the list was written, see MarkRestored.
	base uint64
	// handed counts the single-use packages handed out in the window that ends at
	// windowEnd.
	windowEnd int64
	handed    uint32
	spent     []spent
	entries   []stockEntry
}

// spent is the beginning of the fingerprint of a package that was handed out. An
// owner that did not hear that it was taken brings it again.
type spent [16]byte

// maxSpent bounds how many of them are kept, the newest.
const maxSpent = 64

type stockEntry struct {
	number      uint64
	size        uint32
	notAfter    int64
	fingerprint [32]byte
}

func (e stockEntry) lastResort() bool { return e.number == 0 }

func (k stock) bytesOf() []byte {
	b := binary.BigEndian.AppendUint64(nil, k.next)
	b = binary.BigEndian.AppendUint64(b, k.base)
	b = binary.BigEndian.AppendUint64(b, uint64(k.windowEnd))
	b = binary.BigEndian.AppendUint32(b, k.handed)
	b = binary.BigEndian.AppendUint16(b, uint16(len(k.spent)))
	for _, f := range k.spent {
		b = append(b, f[:]...)
	}
	for _, e := range k.entries {
		b = binary.BigEndian.AppendUint64(b, e.number)
		b = binary.BigEndian.AppendUint32(b, e.size)
		b = binary.BigEndian.AppendUint64(b, uint64(e.notAfter))
		b = append(b, e.fingerprint[:]...)
	}
	return b
}

func parseStock(b []byte) (k stock, err error) {
	s := cryptobyte.String(b)
	var windowEnd uint64
	var n uint16
	if !s.ReadUint64(&k.next) || !s.ReadUint64(&k.base) || !s.ReadUint64(&windowEnd) || !s.ReadUint32(&k.handed) || !s.ReadUint16(&n) {
		return stock{}, ErrDamaged
	}
	k.windowEnd = int64(windowEnd)
	k.spent = make([]spent, min(int(n), len(s)/len(spent{})))
	for i := range k.spent {
		s.CopyBytes(k.spent[i][:])
	}
	if len(k.spent) < int(n) {
		return stock{}, ErrDamaged
	}
	for !s.Empty() {
		var e stockEntry
		var notAfter uint64
		if !s.ReadUint64(&e.number) || !s.ReadUint32(&e.size) || !s.ReadUint64(&notAfter) || !s.CopyBytes(e.fingerprint[:]) {
			return stock{}, ErrDamaged
		}
		e.notAfter = int64(notAfter)
		k.entries = append(k.entries, e)
	}
	return k, nil
}

// live leaves out what has expired. After the store was restored it also counts
// the single-use packages of before as spent: they may be.
func (k stock) live(now time.Time, base uint64) stock {
	at, old := now.UnixMilli(), k.base != base
	if k.base = base; old {
		k.windowEnd = max(k.windowEnd, at)
	}
	k.entries = slices.DeleteFunc(k.entries, func(e stockEntry) bool {
		if old && !e.lastResort() {
			k.spend(e)
			return true
		}
		return e.notAfter <= at
	})
	return k
}

// spend notes that a package was handed out.
func (k *stock) spend(e stockEntry) {
	k.spent = append(k.spent, spent(e.fingerprint[:]))
	k.spent = k.spent[max(0, len(k.spent)-maxSpent):]
}

// knows reports whether a package is in the stock or was.
func (k stock) knows(fingerprint [32]byte) bool {
	return slices.Contains(k.spent, spent(fingerprint[:16])) ||
		slices.ContainsFunc(k.entries, func(e stockEntry) bool { return e.fingerprint == fingerprint })
}

// mayHand reports whether one more single-use package may be handed out now. A
// window that lies in a future that a clock set back made is over.
func (k *stock) mayHand(c *Config, now time.Time) bool {
	if end := time.UnixMilli(k.windowEnd); !now.Before(end) || now.Before(end.Add(-c.HandoutWindow)) {
		k.windowEnd, k.handed = now.Add(c.HandoutWindow).UnixMilli(), 0
	}
	return int64(k.handed) < int64(c.MaxHandouts)
}

// idle reports whether nothing of the list is worth keeping.
func (k stock) idle(c *Config, now time.Time) bool {
	return len(k.entries) == 0 && k.windowEnd < now.Add(-c.Forget).UnixMilli()
}

// trimmed leaves out the oldest single-use packages over the bounds.
func (k stock) trimmed(c *Config) stock {
	n, size := 0, int64(0)
	for _, e := range slices.Backward(k.entries) {
		if e.lastResort() {
			continue
		}
		n++
		if size += int64(e.size); n > 1 && (n > c.MaxKeyPackages || size > c.MaxKeyPackageBytes) {
			k.entries = slices.DeleteFunc(k.entries, func(o stockEntry) bool {
				return !o.lastResort() && o.number <= e.number
			})
			break
		}
	}
	return k
}

func (k stock) singleUse() (n int) {
	for _, e := range k.entries {
		if !e.lastResort() {
			n++
		}
	}
	return n
}
