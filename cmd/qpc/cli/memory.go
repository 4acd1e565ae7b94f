package cli

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// softMemory is where a node or a relay begins to collect garbage harder. What
	// is alive is bounded far below it, but for a relay with thousands of
	// connections; without the limit, garbage would double the peaks of a flood.
	softMemory = 96 << 20
	// memoryPause is the time between two looks at what is alive.
	memoryPause = time.Second
)

// limitMemory keeps a limit of memory until ctx ends, unless the user has set one. It
// is half as much again as what is alive, where that is more than softMemory: a
// collector that cannot get below its limit takes half of the processor and helps
// nobody.
func limitMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(softMemory)
	look := time.NewTicker(memoryPause)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			debug.SetMemoryLimit(max(softMemory, aliveMemory()*3/2))
		case <-ctx.Done():
			return
		}
	}
}

// aliveMemory is what the last collection left, with the stacks, in bytes.
func aliveMemory() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() + s[1].Value.Uint64())
}
