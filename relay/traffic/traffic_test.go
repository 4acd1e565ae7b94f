package traffic

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newGate(cfg Config) (*Gate, *clock) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	cfg.Now = c.now
	return New(cfg), c
}

func who(n byte, remote string) Caller { return Caller{Who: [32]byte{n}, Remote: remote} }

func enter(t *testing.T, g *Gate, c Caller) *Call {
	t.Helper()
	call, err := g.Enter(c)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

func refused(t *testing.T, what string, g *Gate, c Caller) {
	t.Helper()
	if _, err := g.Enter(c); !errors.Is(err, rpc.ErrBusy) {
		t.Errorf("%s: got %v, want %v", what, err, rpc.ErrBusy)
	}
}

func TestInFlight(t *testing.T) {
	g, _ := newGate(Config{MaxCalls: 4, MaxDeviceCalls: 2, MaxAddressCalls: 6, MaxAllCalls: 8})
	var calls []*Call
	let := func(c Caller) { t.Helper(); calls = append(calls, enter(t, g, c)) }
	phone := Caller{Who: [32]byte{1}, Device: [16]byte{7}, Remote: "10.0.0.1"}
	let(phone)
	let(phone)
	refused(t, "device", g, phone)
	let(who(1, "10.0.0.1"))
	let(who(1, "10.0.0.2"))
	refused(t, "caller", g, who(1, "10.0.0.2"))
	for range 3 {
		let(who(2, "10.0.0.1"))
	}
	refused(t, "address", g, who(3, "10.0.0.1"))
	refused(t, "the same address", g, who(3, "::ffff:10.0.0.1"))
	let(who(3, "2001:db8::1"))
	refused(t, "all", g, who(4, "10.0.0.9"))
	if n := g.InFlight(); n != 8 {
		t.Errorf("%d in flight, want 8", n)
	}
	for _, c := range calls {
		c.Leave()
	}
	if g.InFlight() != 0 || len(g.callers)+len(g.devices)+len(g.addresses)+len(g.waiters) != 0 {
		t.Errorf("something is left: %+v", g)
	}
	let(phone)
}

func TestWaiters(t *testing.T) {
	g, _ := newGate(Config{MaxAllCalls: 1, MaxAddressWaiters: 2, MaxAllWaiters: 3})
	var calls []*Call
	for i, remote := range []string{"10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"} {
		c := enter(t, g, who(byte(i), remote))
		err := c.Wait()
		if want := i == 2 || i == 4; want != errors.Is(err, rpc.ErrBusy) {
			t.Errorf("waiter %d: got %v", i, err)
		}
		if err != nil {
			c.Leave()
		} else {
			calls = append(calls, c)
		}
	}
	for _, c := range calls {
		c.Leave()
	}
	if g.InFlight() != 0 || len(g.callers)+len(g.addresses)+len(g.waiters) != 0 {
		t.Errorf("something is left: %+v", g)
	}
}

func TestRates(t *testing.T) {
	g, clk := newGate(Config{CallRate: 2, AddressRate: 3})
	many := func(n int, c Caller) {
		t.Helper()
		for range n {
			enter(t, g, c).Leave()
		}
		refused(t, fmt.Sprint(n), g, c)
	}
	many(20, who(1, "10.0.0.1"))
	many(10, who(2, "10.0.0.1")) // the rest of the address
	many(20, who(3, "10.0.0.2"))
	clk.t = clk.t.Add(time.Second)
	many(2, who(3, "10.0.0.2"))
	clk.t = clk.t.Add(-time.Hour) // fills nothing, takes nothing
	refused(t, "clock back", g, who(3, "10.0.0.2"))
	clk.t = clk.t.Add(2 * time.Hour)
	many(20, who(3, "10.0.0.2"))
	for i := range 10 { // the loopback is no address
		many(20, who(byte(10+i), "127.0.0.1"))
	}
}

func TestSpend(t *testing.T) {
	g, clk := newGate(Config{AddressBytes: 1000, BytesTime: 100 * time.Second})
	spend := func(remote string, n int, ok bool) (unspend func()) {
		t.Helper()
		unspend, err := g.Spend(remote, n)
		if ok != (err == nil) || !ok && !errors.Is(err, rpc.ErrBusy) {
			t.Errorf("%d at %q: got %v", n, remote, err)
		}
		return unspend
	}
	spend("10.0.0.1", 600, true)
	undo := spend("10.0.0.1", 400, true)
	spend("::ffff:10.0.0.1", 1, false)
	undo()
	spend("10.0.0.1", 400, true)
	spend("10.0.0.2", 5000, true) // what is larger than all that is allowed goes alone
	spend("10.0.0.2", 1, false)
	spend("127.0.0.1", 5000, true)
	spend("127.0.0.1", 5000, true)
	clk.t = clk.t.Add(10 * time.Second)
	spend("10.0.0.1", 101, false)
	spend("10.0.0.1", 100, true)
	g.Forget()
	if len(g.bytes.m) != 2 {
		t.Errorf("%d addresses are remembered, want those that left much", len(g.bytes.m))
	}
	clk.t = clk.t.Add(1000 * time.Second)
	g.Forget()
	if len(g.bytes.m) != 0 {
		t.Errorf("%d addresses are remembered", len(g.bytes.m))
	}
	g, _ = newGate(Config{})
	for i := range 100 {
		_, _ = g.Spend(fmt.Sprintf("10.0.0.%d", i), 10_000)
	}
	if g.Forget(); len(g.bytes.m) != 0 {
		t.Errorf("%d who left little are remembered", len(g.bytes.m))
	}
}

// Who calls once and never again is forgotten.
func TestForgets(t *testing.T) {
	g, clk := newGate(Config{})
	for i := range 10 * leastBuckets {
		enter(t, g, Caller{Who: [32]byte{byte(i), byte(i >> 8)}, Remote: fmt.Sprintf("10.0.%d.%d", i>>8&255, i&255)}).Leave()
		clk.t = clk.t.Add(time.Millisecond)
	}
	if n := len(g.rates.m); n > 2*leastBuckets {
		t.Errorf("%d callers are remembered", n)
	}
	clk.t = clk.t.Add(burst * time.Second)
	g.Forget()
	if n := len(g.rates.m) + len(g.byAddress.m); n != 0 {
		t.Errorf("%d are remembered when they have been quiet", n)
	}
}

func TestAtOnce(t *testing.T) {
	g, _ := newGate(Config{MaxCalls: 10})
	var wg sync.WaitGroup
	for i := range byte(64) {
		wg.Go(func() {
			for range 100 {
				c, err := g.Enter(who(i%8, "10.0.0.1"))
				if err != nil {
					continue
				}
				if i%2 == 0 {
					_ = c.Wait()
				}
				c.Leave()
			}
		})
	}
	wg.Wait()
	if g.InFlight() != 0 || len(g.callers)+len(g.addresses)+len(g.waiters) != 0 {
		t.Errorf("something is left: %+v", g)
	}
}
