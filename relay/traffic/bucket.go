package traffic

import "time"

// leastBuckets is how many callers are known before any is forgotten, and
// mostBuckets how many at most: beyond them, who is new waits until others were
// quiet for ten seconds.
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

// bucket says that at a time so many calls may begin.
type bucket struct {
	left float64
	at   time.Time
}

// take takes one call from k's bucket and reports whether there was one.
func (b *buckets[K]) take(k K, rate int, now time.Time) bool {
	size := float64(rate) * burst
	v, known := b.m[k]
	if !known && !b.room(rate, now) {
		return false
	}
	if v = v.filled(rate, now); !known {
		v.left = size
	}
	if v.left < 1 {
		return false
	}
	v.left--
	b.m[k] = v
	return true
}

// filled is the bucket now. A clock set back fills nothing.
func (v bucket) filled(rate int, now time.Time) bucket {
	v.left = min(v.left+max(0, now.Sub(v.at).Seconds())*float64(rate), float64(rate)*burst)
	v.at = now
	return v
}

// room makes room for one more.
func (b *buckets[K]) room(rate int, now time.Time) bool {
	if b.m == nil {
		b.m, b.tidy = make(map[K]bucket), leastBuckets
	}
	if len(b.m) < b.tidy {
		return true
	}
	if wait := b.next.Sub(now); wait > 0 && wait <= tidyPause {
		return false
	}
	for k, v := range b.m {
		if v.filled(rate, now).left >= float64(rate)*burst {
			delete(b.m, k)
		}
	}
	full := len(b.m) >= mostBuckets
	if full {
		b.next = now.Add(tidyPause)
	}
	b.tidy = min(max(leastBuckets, 2*len(b.m)), mostBuckets)
	return !full
}
