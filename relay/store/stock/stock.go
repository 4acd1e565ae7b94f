package stock

import (
	"encoding/binary"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/relay/store/ledger"
)

// Stock lists the key packages of one owner, oldest first. Entry number 0, if
// there is one, is the last-resort package and comes first. On the disk it is
//
//	next u64, base u64, window end u64, handed out u32,
//	count u16, spent 16 each, entries: number u64, size u32, not after u64, fingerprint 32
type Stock struct {
	next uint64
	// base is that of the ledger's totals when the list was written.
	base uint64
	// handed counts the single-use packages handed out in the window that ends at
	// windowEnd.
	windowEnd int64
	handed    uint32
	spent     []spent
	entries   []entry
}

// spent is the beginning of the fingerprint of a package that was handed out. An
// owner that did not hear that it was taken brings it again.
type spent [16]byte

// maxSpent bounds how many of them are kept, the newest.
const maxSpent = 64

// Limits bound a Stock.
type Limits struct {
	// Packages and Bytes bound the single-use packages that are there; the newest one
	// is always kept.
	Packages int
	Bytes    int64
	// Handouts bounds those that are handed out within Window.
	Handouts int
	Window   time.Duration
}

type entry struct {
	number      uint64
	size        uint32
	notAfter    int64
	fingerprint [32]byte
}

func (e entry) lastResort() bool { return e.number == 0 }

// Bytes is what Parse reads.
func (k Stock) Bytes() []byte {
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

// Parse reads a list. The error is ledger.ErrDamaged.
func Parse(b []byte) (k Stock, err error) {
	s := cryptobyte.String(b)
	var windowEnd uint64
	var n uint16
	if !s.ReadUint64(&k.next) || !s.ReadUint64(&k.base) || !s.ReadUint64(&windowEnd) || !s.ReadUint32(&k.handed) || !s.ReadUint16(&n) {
		return Stock{}, ledger.ErrDamaged
	}
	k.windowEnd = int64(windowEnd)
	k.spent = make([]spent, min(int(n), len(s)/len(spent{})))
	for i := range k.spent {
		s.CopyBytes(k.spent[i][:])
	}
	if len(k.spent) < int(n) {
		return Stock{}, ledger.ErrDamaged
	}
	for !s.Empty() {
		var e entry
		var notAfter uint64
		if !s.ReadUint64(&e.number) || !s.ReadUint32(&e.size) || !s.ReadUint64(&notAfter) || !s.CopyBytes(e.fingerprint[:]) {
			return Stock{}, ledger.ErrDamaged
		}
		e.notAfter = int64(notAfter)
		k.entries = append(k.entries, e)
	}
	return k, nil
}

// Live leaves out what has expired. When base is another than the one of before,
// because a copy of another time was put back, it also counts the single-use packages
// as spent: they may be.
func (k Stock) Live(now time.Time, base uint64) Stock {
	at, old := now.UnixMilli(), k.base != base
	if k.base = base; old {
		k.windowEnd = max(k.windowEnd, at)
	}
	k.entries = slices.DeleteFunc(k.entries, func(e entry) bool {
		if old && !e.lastResort() {
			k.spend(e)
			return true
		}
		return e.notAfter <= at
	})
	return k
}

// spend notes that a package was handed out.
func (k *Stock) spend(e entry) {
	k.spent = append(k.spent, spent(e.fingerprint[:]))
	k.spent = k.spent[max(0, len(k.spent)-maxSpent):]
}

// Knows reports whether a package is in the stock or was.
func (k Stock) Knows(fingerprint [32]byte) bool {
	return slices.Contains(k.spent, spent(fingerprint[:16])) ||
		slices.ContainsFunc(k.entries, func(e entry) bool { return e.fingerprint == fingerprint })
}

// MayHand reports whether one more single-use package may be handed out now. A
// window that lies in a future that a clock set back made is over.
func (k *Stock) MayHand(c Limits, now time.Time) bool {
	if end := time.UnixMilli(k.windowEnd); !now.Before(end) || now.Before(end.Add(-c.Window)) {
		k.windowEnd, k.handed = now.Add(c.Window).UnixMilli(), 0
	}
	return int64(k.handed) < int64(c.Handouts)
}

// Idle reports whether nothing of the list is worth keeping: it is empty, and nothing
// was handed out since.
func (k Stock) Idle(since time.Time) bool {
	return len(k.entries) == 0 && k.windowEnd < since.UnixMilli()
}

// Trimmed leaves out the oldest single-use packages over the bounds.
func (k Stock) Trimmed(c Limits) Stock {
	n, size := 0, int64(0)
	for _, e := range slices.Backward(k.entries) {
		if e.lastResort() {
			continue
		}
		n++
		if size += int64(e.size); n > 1 && (n > c.Packages || size > c.Bytes) {
			k.entries = slices.DeleteFunc(k.entries, func(o entry) bool {
				return !o.lastResort() && o.number <= e.number
			})
			break
		}
	}
	return k
}

// SingleUse is how many single-use packages there are.
func (k Stock) SingleUse() (n int) {
	for _, e := range k.entries {
		if !e.lastResort() {
			n++
		}
	}
	return n
}

// HasLastResort reports whether there is a last-resort package.
func (k Stock) HasLastResort() bool { return k.Has(0) }

// Has reports whether the package of that number is listed.
func (k Stock) Has(number uint64) bool {
	return slices.ContainsFunc(k.entries, func(e entry) bool { return e.number == number })
}

// Numbers are those of all that is listed.
func (k Stock) Numbers() (numbers []uint64) {
	for _, e := range k.entries {
		numbers = append(numbers, e.number)
	}
	return numbers
}

// Add lists a package of size bytes as the newest one, a last-resort package in place
// of the one before, and returns its number.
func (k *Stock) Add(size int, notAfter time.Time, fingerprint [32]byte, lastResort bool) (number uint64) {
	e := entry{size: uint32(size), notAfter: notAfter.UnixMilli(), fingerprint: fingerprint}
	if lastResort {
		k.entries = slices.DeleteFunc(k.entries, entry.lastResort)
		k.entries = slices.Insert(k.entries, 0, e)
		return 0
	}
	k.next++
	e.number = k.next
	k.entries = append(k.entries, e)
	return e.number
}

// Take takes the oldest single-use package off the list; found is false if there is
// none. When it is there to be handed out, CountHandout follows.
func (k *Stock) Take() (number uint64, found bool) {
	i := slices.IndexFunc(k.entries, func(e entry) bool { return !e.lastResort() })
	if i < 0 {
		return 0, false
	}
	e := k.entries[i]
	k.spend(e)
	k.entries = slices.Delete(k.entries, i, i+1)
	return e.number, true
}

// CountHandout counts a package that is handed out in the window that MayHand found.
func (k *Stock) CountHandout() { k.handed++ }
