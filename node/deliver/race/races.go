package race

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"quicnprotochat/node/deliver/asked"
	"quicnprotochat/node/deliver/deposit"
	"quicnprotochat/node/deliver/links"
	"quicnprotochat/node/deliver/people"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Config says how the ways are gone. All fields are required.
type Config struct {
	// Links lead to the machines, Asked are those to be waited for.
	Links *links.Links
	Asked *asked.Machines
	// AtRelay makes a call about a person at one of its relays, maybe more than once.
	// call is told whether the relay is not told who we are.
	AtRelay func(ctx context.Context, p people.Person, u transport.RelayURL, call func(ctx context.Context, w *links.Wire, sealed bool) error) error
	// Tries keeps how each way ended.
	Tries *tries.Book
	// Stuck notes why what is for a person has not been taken yet.
	Stuck func(ctx context.Context, to rpc.Identity, why string, tried []tries.Try) error
	// Offline reports whether this machine has no network.
	Offline func() bool
	// Go runs fn in a goroutine, and reports whether it did.
	Go  func(fn func(ctx context.Context)) bool
	Log *slog.Logger
}

// Item is a payload and what to note when somebody has taken it: who, and what was
// tried since it is there. Of one payload both may be called.
type Item struct {
	Payload []byte
	Shared  bool      // it is for other people, too
	Since   time.Time // when it was made
	Direct  func(ctx context.Context, path transport.Path, why string, tried []tries.Try) error
	Stored  func(ctx context.Context, relay transport.Key, why string, tried []tries.Try) error
}

// Races are those of one node. Their methods may be called from many goroutines.
type Races struct {
	cfg  Config
	desk deposit.Desk

	mu     sync.Mutex
	strays map[rpc.Identity]int // guarded by mu; races that are over but for their machine's answer
}

// New returns no races yet.
func New(cfg Config) *Races { return &Races{cfg: cfg, strays: make(map[rpc.Identity]int)} }

// Run brings items to a person. It returns nil when each has been taken by somebody, and
// an *tries.Failure when no way is left for one.
func (r *Races) Run(ctx context.Context, p people.Person, items []Item) error {
	one := &race{
		Races: r, p: p, items: items, acks: make(chan ack), ends: make(chan end),
		taken: make([]bool, len(items)), open: len(items), failure: tries.Failure{Alone: len(p.Relays) == 0},
		lost: make(map[transport.Key]time.Time),
	}
	return one.run(ctx)
}
