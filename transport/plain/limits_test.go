package plain

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestDoor(t *testing.T) {
	d := newDoor(Limits{Conns: 10, ConnsPerAddr: 2, NewConnsPerAddr: 1, Handshakes: 64}.withDefaults())
	now := time.Unix(1000, 0)
	enter := func(k kind, ip string) (leave func(), ok bool) { return d.enter(k, netip.MustParseAddr(ip), now) }
	want := func(what string, k kind, ip string, want bool) func() {
		t.Helper()
		leave, ok := enter(k, ip)
		if ok != want {
			t.Errorf("%s: got %v, want %v", what, ok, want)
		}
		return leave
	}
	leave := want("first", conns, "1.2.3.4", true)
	want("second", conns, "::ffff:1.2.3.4", true)
	want("third of one address", conns, "1.2.3.4", false)
	leave()
	leave()
	want("after one left, twice", conns, "1.2.3.4", true)
	want("again a third", conns, "1.2.3.4", false)
	want("one subnet", conns, "2001:db8::1", true)
	want("one subnet", conns, "2001:db8::2", true)
	want("third of one subnet", conns, "2001:db8:0:1::2", false)
	want("another subnet", conns, "2001:db8:0:100::2", true)
	for range 5 {
		want("loopback", conns, "127.0.0.1", true)
	}
	want("over all", conns, "127.0.0.1", false)
	want("over all", conns, "9.9.9.9", false)

	for range 8 { // an eighth of all
		want("handshake", handshakes, "5.5.5.5", true)
	}
	want("too many at once", handshakes, "5.5.5.5", false)
	for i := range 40 { // the lines of one site have half of all
		want("handshake of a site", handshakes, fmt.Sprintf("2001:db8:1:%x00::1", i/8), i < 32)
	}
	for range burst {
		want("handshake", handshakes, "6.6.6.6", true)()
	}
	want("too fast", handshakes, "6.6.6.6", false)
	now = now.Add(time.Second)
	want("a second later", handshakes, "6.6.6.6", true)()
	want("too fast again", handshakes, "6.6.6.6", false)
}

// TestDoorForgets lets many addresses come and go.
func TestDoorForgets(t *testing.T) {
	d := newDoor(Limits{}.withDefaults())
	now := time.Unix(1000, 0)
	for i := range 200_000 {
		now = now.Add(10 * time.Millisecond)
		if leave, ok := d.enter(handshakes, netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1}), now); ok {
			leave()
		}
	}
	if len(d.guests) > 5000 {
		t.Errorf("%d addresses are remembered", len(d.guests))
	}
}
