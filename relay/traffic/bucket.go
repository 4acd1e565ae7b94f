package traffic

import (
	"maps"
	"time"
)

// leastBuckets is how many callers are known before any is forgotten, and
// mostBuckets how many at most: beyond them, who is new waits until others were
// quiet for a while.
const (
	leastBuckets = 1024
	mostBuckets  = 1 << 18
)

// tidyPause is the time between two looks for whom to forget, which take a while.
const tidyPause = time.Second

// burst is how many seconds' worth of calls may come at once.
const burst = 10

// buckets are the token buckets of many callers. The zero value is empty. One that
// is full is as good as none, and is forgotten when many have come.
type buckets[K comparable] struct {
	m    map[K]bucket
	tidy int       // forget at this size
	next time.Time // and not before, if that did not help
}

// bucket says that at a time so much is left.
type bucket struct {
	left float64
	at   time.Time
}

// rate is what a bucket holds, and how much comes back in a second.
type rate struct{ size, second float64 }

// callRate is the rate of so many calls a second.
func callRate(calls int) rate { return rate{burst * float64(calls), float64(calls)} }

// take takes n from k's bucket and reports whether there was so much, or it was full.
func (b *buckets[K]) take(k K, n float64, r rate, now time.Time) bool {
	v, known := b.m[k]
	if !known && !b.room(r, now) {
		return false
	}
	if v = v.filled(r, now); !known {
		v.left = r.size
	}
	if v.left < min(n, r.size) {
		return false
	}
	v.left -= n
	b.m[k] = v
	return true
}

// giveBack puts what was taken and not used back.
func (b *buckets[K]) giveBack(k K, n float64) {
	if v, known := b.m[k]; known {
		v.left += n
		b.m[k] = v
	}
}

// filled is the bucket now. A clock set back fills nothing.
func (v bucket) filled(r rate, now time.Time) bucket {
	v.left = min(v.left+max(0, now.Sub(v.at).Seconds())*r.second, r.size)
	v.at = now
	return v
}

// room makes room for one more.
func (b *buckets[K]) room(r rate, now time.Time) bool {
	if b.m == nil {
		b.m, b.tidy = make(map[K]bucket), leastBuckets
	}
	if len(b.m) < b.tidy {
		return true
	}
	if wait := b.next.Sub(now); wait > 0 && wait <= tidyPause {
		return false
	}
	b.forget(r, now)
	full := len(b.m) >= mostBuckets
	if full {
		b.next = now.Add(tidyPause)
	}
	b.tidy = min(max(leastBuckets, 2*len(b.m)), mostBuckets)
	return !full
}

// forget drops the buckets that are full.
func (b *buckets[K]) forget(r rate, now time.Time) {
	maps.DeleteFunc(b.m, func(_ K, v bucket) bool { return v.filled(r, now).left >= r.size })
}
