package mls

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// A benchGroup is a group with a warm tree, in which every member has made a
// path, and three of its members: the first, one in the middle and the last.
type benchGroup struct {
	primitives     *primitives
	size           int
	a, middle, end *member
}

func newBenchGroup(b testing.TB, size int) *benchGroup {
	b.Helper()
	s := suites[0]
	groupID := []byte("group")
	all := make([]*member, size)
	for i := range all {
		all[i] = newMemberOf(b, s.id, fmt.Sprint(i))
	}
	tree := newTree(s, all[0].kp.leaf)
	edit := tree.edit()
	for _, m := range all[1:] {
		edit.add(m.kp.leaf)
	}
	tree = edit.freeze()
	keys := map[nodeIndex]*privateKey{}
	for i, m := range all {
		p, err := tree.newPath(uint32(i), m.kp.leaf, m.signer, groupID)
		must(b, err)
		tree = p.tree
		for x, key := range p.private {
			keys[x] = key
		}
	}
	context := &groupContext{suite: s.id, groupID: groupID, epoch: 7, treeHash: tree.hash(), transcriptHash: random(32)}
	joiner := random(s.size)
	g := &benchGroup{primitives: newPrimitives(b), size: size, a: all[0], middle: all[size/2], end: all[size-1]}
	for i, m := range all {
		if m != g.a && m != g.middle && m != g.end {
			continue
		}
		k, err := s.schedule(joiner, s.zeros(), encoded(context))
		must(b, err)
		e := newEpoch(s, m.signer, context, k, tree, uint32(i))
		e.private = map[nodeIndex]*privateKey{}
		for x, key := range keys {
			if x.covers(uint32(i)) {
				e.private[x] = key
			}
		}
		m.enter(e)
	}
	return g
}

// run measures f and compares it with the bound, the cryptography alone: xbound
// is the multiple in time, xcpu that in processor time of all threads, the
// garbage collector's too. The two take turns and the median turn counts, so
// that whatever else the machine does meets both.
func run(b *testing.B, bound work, f func()) {
	f()
	bound.run()
	b.ReportAllocs()
	var op, least stopwatch
	n := 0
	turn := func() {
		op.stop(n)
		b.StopTimer()
		least.start()
		for range n {
			bound.run()
		}
		least.stop(n)
		n = 0
		b.StartTimer()
		op.start()
	}
	op.start()
	for b.Loop() {
		f()
		if n++; time.Since(op.at) > time.Millisecond {
			turn()
		}
	}
	if n > 0 {
		turn()
	}
	if bound != nil {
		b.ReportMetric(op.median()/least.median(), "xbound")
		b.ReportMetric(float64(op.spent)/float64(least.spent), "xcpu")
	}
}

// A stopwatch measures turns of several calls, and the processor time of all
// threads.
type stopwatch struct {
	at    time.Time
	usage time.Duration
	spent time.Duration
	calls []float64 // the time of one call in each turn
}

func (w *stopwatch) start() { w.at, w.usage = time.Now(), processorTime() }

func (w *stopwatch) stop(n int) {
	w.calls = append(w.calls, float64(time.Since(w.at))/float64(n))
	w.spent += processorTime() - w.usage
}

func (w *stopwatch) median() float64 {
	slices.Sort(w.calls)
	return w.calls[len(w.calls)/2]
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkGroup is what a group of some members costs, each operation as a
// multiple of the cryptography that RFC 9420 requires for it.
func BenchmarkGroup(b *testing.B) {
	groups := map[int]*benchGroup{}
	for _, o := range operations {
		for _, size := range []int{2, 10, 100, 1000, 5000} {
			b.Run(fmt.Sprintf("%s/%d", o.name, size), func(b *testing.B) {
				if groups[size] == nil {
					groups[size] = newBenchGroup(b, size)
				}
				bound, f := o.make(b, groups[size])
				run(b, bound, f)
			})
		}
	}
}

// leastAllocated is what a call allocates. Another processor has buffers of its own to
// make, so of several calls the least counts.
func leastAllocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// TestMemoryOfGroup: no operation's memory grows faster than the group.
func TestMemoryOfGroup(t *testing.T) {
	small, large := newBenchGroup(t, 16), newBenchGroup(t, 128)
	for _, o := range operations {
		var took [2]uint64
		for i, g := range []*benchGroup{small, large} {
			_, f := o.make(t, g)
			f()
			took[i] = leastAllocated(f)
		}
		t.Logf("%s: %d bytes with 16 members, %d with 128", o.name, took[0], took[1])
		if got := float64(took[1]) / float64(took[0]); got > o.grows {
			t.Errorf("%s takes %.1f times the memory in a group 8 times as large, want at most %.1f", o.name, got, o.grows)
		}
	}
}
