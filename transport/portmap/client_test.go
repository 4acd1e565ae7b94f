package portmap

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// obliging is a router that forwards what it is asked to, from a port of its own choice.
type obliging struct {
	external netip.Addr // invalid: it is gone
	wanted   []uint16
	given    []uint16
	back     []uint16
}

func (o *obliging) External(context.Context) (netip.Addr, error) {
	if !o.external.IsValid() {
		return o.external, errors.New("no answer")
	}
	return o.external, nil
}

func (o *obliging) Map(_ context.Context, port, wanted uint16, life time.Duration) (uint16, time.Duration, error) {
	o.wanted, o.given = append(o.wanted, wanted), append(o.given, port+1)
	return port + 1, life / 2, nil
}

func (o *obliging) Unmap(_ context.Context, _, outside uint16) error {
	o.back = append(o.back, outside)
	return nil
}

// TestAsk keeps a port at a router, moves with the router's address, gives the port back,
// and says that there is none when the router is gone.
func TestAsk(t *testing.T) {
	c := New(Config{Log: slog.New(slog.DiscardHandler)})
	o := &obliging{external: netip.MustParseAddr("11.0.0.21")}
	at := look{place: place{router: netip.MustParseAddr("127.0.0.1")}, ports: []uint16{7000}}
	for range 2 {
		with, next := c.ask(t.Context(), at, o)
		if life := time.Until(next); with != o || life > lifetime/4 || life < lifetime/4-time.Minute {
			t.Errorf("to be asked again after %v, want a half of what was granted", life)
		}
		if outside, ok := c.Mapped(7000); !ok || outside != netip.AddrPortFrom(o.external, 7001) || !c.Router() {
			t.Errorf("got %v, %v", outside, ok)
		}
		o.external = netip.MustParseAddr("11.0.0.22")
	}
	if !slices.Equal(o.wanted, []uint16{0, 7001}) {
		t.Errorf("wanted %v, want the port from before", o.wanted)
	}
	c.giveBack(o)
	if !slices.Equal(o.back, []uint16{7001}) {
		t.Errorf("gave back %v", o.back)
	}
	o.external = netip.Addr{} // and nothing else answers on this machine
	if with, _ := c.ask(t.Context(), at, o); with != nil || c.Router() {
		t.Error("a router that is gone is taken for one that answers")
	}
	if outside, ok := c.Mapped(7000); ok {
		t.Errorf("got %v of a router that is gone", outside)
	}
}

// TestNews says when a router is asked before its time.
func TestNews(t *testing.T) {
	router, own, seen := netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("11.0.0.21")
	last := look{place: place{router, own}, ports: []uint16{7000}, seen: []netip.Addr{seen}}
	for name, c := range map[string]struct {
		last   look
		change func(*look)
		want   bool
	}{
		"nothing":               {last, func(*look) {}, false},
		"another router":        {last, func(l *look) { l.router = own }, true},
		"another network":       {last, func(l *look) { l.own = router }, true},
		"another port":          {last, func(l *look) { l.ports = []uint16{7001} }, true},
		"seen elsewhere":        {last, func(l *look) { l.seen = []netip.Addr{own} }, true},
		"tried in vain":         {last, func(l *look) { l.shut = true }, true},
		"seen at last":          {look{place: last.place, ports: last.ports}, func(*look) {}, false},
		"still tried in vain":   {look{place: last.place, ports: last.ports, shut: true}, func(l *look) { l.shut = true }, false},
		"no network any longer": {last, func(l *look) { l.place = place{} }, true},
	} {
		now := last
		c.change(&now)
		if got := now.news(c.last); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if due(time.Now().Add(time.Hour)) || !due(time.Now()) || !due(time.Now().Round(0).Add(-time.Second)) {
		t.Error("the time is told wrongly")
	}
}
