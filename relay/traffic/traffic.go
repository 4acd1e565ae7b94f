package traffic

import (
	"cmp"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport/ipspace"
)

// Config describes the bounds. Zero fields mean the defaults.
type Config struct {
	// MaxCalls bounds the calls of one caller in flight, over all its streams.
	// Default 256.
	MaxCalls int
	// MaxDeviceCalls bounds those of one device of a caller, if it names one.
	// Default: half of MaxCalls.
	MaxDeviceCalls int
	// MaxAddressCalls bounds those of one address. Default 2048.
	MaxAddressCalls int
	// MaxAllCalls bounds all of them. Default 8192.
	MaxAllCalls int
	// MaxAddressWaiters bounds the calls of one address that wait for mail, and
	// MaxAllWaiters all of them. Default 8192 and 65,536.
	MaxAddressWaiters int
	MaxAllWaiters     int
	// CallRate is how many calls a second one caller may begin in the long run,
	// and ten times as many at once. Default 1000.
	CallRate int
	// AddressRate is the same for an address. Default 5000.
	AddressRate int
	// AddressBytes is how many bytes an address may leave here at once; as much
	// comes back within BytesTime. Default 1 GiB, 7 days.
	AddressBytes int64
	BytesTime    time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// WithDefaults fills in the defaults.
func (c Config) WithDefaults() Config {
	c.MaxCalls = cmp.Or(c.MaxCalls, 256)
	c.MaxDeviceCalls = cmp.Or(c.MaxDeviceCalls, max(1, c.MaxCalls/2))
	c.MaxAddressCalls = cmp.Or(c.MaxAddressCalls, 2048)
	c.MaxAllCalls = cmp.Or(c.MaxAllCalls, 8192)
	c.MaxAddressWaiters = cmp.Or(c.MaxAddressWaiters, 8192)
	c.MaxAllWaiters = cmp.Or(c.MaxAllWaiters, 65_536)
	c.CallRate = cmp.Or(c.CallRate, 1000)
	c.AddressRate = cmp.Or(c.AddressRate, 5000)
	c.AddressBytes = cmp.Or(c.AddressBytes, 1<<30)
	c.BytesTime = cmp.Or(c.BytesTime, 7*24*time.Hour)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Caller is who calls, as far as it counts here.
type Caller struct {
	// Who is the identity, or what else callers are told apart by.
	Who [32]byte
	// Device is the device that it names; zero is none.
	Device [16]byte
	// Remote is the host part of its address; "" if it is not known.
	Remote string
}

type device struct {
	who [32]byte
	id  [16]byte
}

// Gate counts. Its methods may be called from any goroutine.
type Gate struct {
	cfg atomic.Pointer[Config]

	// mu guards the fields below.
	mu        sync.Mutex
	all       int // in flight, without those that wait
	waiting   int
	callers   map[[32]byte]int // with those that wait
	devices   map[device]int
	addresses map[netip.Prefix]int
	waiters   map[netip.Prefix]int // those that wait, by address
	rates     buckets[[32]byte]
	byAddress buckets[netip.Prefix]
	bytes     buckets[netip.Prefix]
}

// New returns a Gate.
func New(cfg Config) *Gate {
	g := &Gate{
		callers: make(map[[32]byte]int), devices: make(map[device]int),
		addresses: make(map[netip.Prefix]int), waiters: make(map[netip.Prefix]int),
	}
	g.Set(cfg)
	return g
}

// Set changes the bounds, for calls to come.
func (g *Gate) Set(cfg Config) {
	cfg = cfg.WithDefaults()
	g.cfg.Store(&cfg)
}

// Call is one call that is let in, until Leave.
type Call struct {
	g       *Gate
	who     [32]byte
	device  device
	address netip.Prefix
	waits   bool
}

var (
	errRate   = rpc.ErrBusy.With("too many calls, try again later")
	errCalls  = rpc.ErrBusy.With("too many calls at once")
	errBytes  = rpc.ErrBusy.With("that address left as much here as one may, try again later")
	errOthers = rpc.ErrBusy.With("too many calls of others at once, try again later")
)

// Enter lets a call in, or refuses it with an rpc.ErrBusy.
func (g *Gate) Enter(c Caller) (*Call, error) {
	cfg := g.cfg.Load()
	address, remote := Network(c.Remote)
	call := &Call{g: g, who: c.Who, address: address}
	if c.Device != [16]byte{} {
		call.device = device{c.Who, c.Device}
	}
	now := cfg.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.callers[c.Who] >= cfg.MaxCalls, g.devices[call.device] >= cfg.MaxDeviceCalls:
		return nil, errCalls
	case g.addresses[address] >= cfg.MaxAddressCalls, g.all >= cfg.MaxAllCalls:
		return nil, errOthers
	case !g.rates.take(c.Who, 1, callRate(cfg.CallRate), now), remote && !g.byAddress.take(address, 1, callRate(cfg.AddressRate), now):
		return nil, errRate
	}
	g.callers[c.Who]++
	call.count(1)
	return call, nil
}

// count adds n for what a call counts for that does not wait. g.mu is held.
func (c *Call) count(n int) {
	c.g.all += n
	add(c.g.addresses, c.address, n)
	if c.device != (device{}) {
		add(c.g.devices, c.device, n)
	}
}

func add[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// Wait tells that the call waits for mail from now on, or is refused.
func (c *Call) Wait() error {
	cfg := c.g.cfg.Load()
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	if c.g.waiters[c.address] >= cfg.MaxAddressWaiters || c.g.waiting >= cfg.MaxAllWaiters {
		return rpc.ErrBusy.With("too many wait for mail, try again later")
	}
	c.waits = true
	c.count(-1)
	c.g.waiting++
	add(c.g.waiters, c.address, 1)
	return nil
}

// Leave ends the call. It is called once.
func (c *Call) Leave() {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	add(c.g.callers, c.who, -1)
	if !c.waits {
		c.count(-1)
		return
	}
	c.g.waiting--
	add(c.g.waiters, c.address, -1)
}

// InFlight returns how many calls there are, with those that wait.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all + g.waiting
}

// Spend counts n bytes that somebody at an address leaves here, or refuses them with
// an rpc.ErrBusy. unspend takes that back.
func (g *Gate) Spend(remote string, n int) (unspend func(), err error) {
	address, known := Network(remote)
	if !known {
		return func() {}, nil
	}
	cfg := g.cfg.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.bytes.take(address, float64(n), cfg.byteRate(), cfg.Now()) {
		return nil, errBytes
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.bytes.giveBack(address, float64(n))
	}, nil
}

func (c Config) byteRate() rate {
	return rate{float64(c.AddressBytes), float64(c.AddressBytes) / c.BytesTime.Seconds()}
}

// Forget drops what is remembered of those who have not called for a while, and of
// the bytes of an address what hardly counts: not more than comes back in ten minutes
// of seven days.
func (g *Gate) Forget() {
	cfg := g.cfg.Load()
	now := cfg.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rates.forget(callRate(cfg.CallRate), now)
	g.byAddress.forget(callRate(cfg.AddressRate), now)
	almost := cfg.byteRate()
	almost.size -= almost.size / 1024
	g.bytes.forget(almost, now)
}

// Network returns what an address counts as, its line (package ipspace); known is false
// for one that is not known and for the loopback, where it says nothing of who calls.
func Network(remote string) (line netip.Prefix, known bool) {
	ip, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Prefix{}, false
	}
	return ipspace.Line(ip)
}
