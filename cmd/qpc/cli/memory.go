package cli

import (
	"os"
	"runtime/debug"
)

// softMemory is where a node or a relay begins to collect garbage harder. What
// is alive is bounded far below it; without the limit, garbage would double the
// peaks of a flood.
const softMemory = 96 << 20

// limitMemory sets the limit, unless the user has set one.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}
