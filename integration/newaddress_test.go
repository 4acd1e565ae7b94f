package integration

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// ping is `qpc ping`.
func (p *process) ping(who string) (answer localapi.Ping, err error) {
	err = p.call(func(b []byte) error { return json.Unmarshal(b, &answer) }, "ping", who)
	return answer, err
}

// TestNewAddress gives a machine whose node runs another address, while the only one who
// calls it is away: the relay has the new one when it is back. Nobody announces anything
// on this LAN.
func TestNewAddress(t *testing.T) {
	l := newLab(t)
	relay := newWrapped(t, l.host("r", "192.168.79.9/24"), "relay", "relay", "run", "--listen", "/ip4/192.168.79.9/udp/7000/quic-v1")
	up := func(ns, addr, name string) *process {
		return newWrapped(t, l.host(ns, addr), name, "up", "--name", name, "--lan", "off", "--relay", relay.line().URL)
	}
	alice, bob := up("a", "192.168.79.1/24", "alice"), up("b", "192.168.79.2/24", "bob")
	befriend(t, alice, bob)
	if _, err := alice.send("bob", "hello", "--wait", "delivered", "--timeout", "2m"); err != nil {
		t.Fatal(err)
	}
	alice.kill()
	l.must("-n", l.ns("b"), "addr", "del", "192.168.79.2/24", "dev", "eth0")
	l.must("-n", l.ns("b"), "addr", "add", "192.168.79.3/24", "dev", "eth0")
	must(t, alice.start())
	var last localapi.Ping
	eventually(t, "alice reaches bob where he is now", func() bool {
		var err error
		last, err = alice.ping("bob")
		return err == nil && last.Reached
	})
	if !strings.HasPrefix(last.Addr, "/ip4/192.168.79.3/") {
		t.Errorf("got %+v, want the new address", last)
	}

	// A cable that is pulled leaves the address where it is, and nobody is reached there.
	l.must("-n", l.ns("b"), "link", "set", "eth0", "down")
	if s := bob.status(t); slices.ContainsFunc(s.Addrs, func(a string) bool { return strings.HasPrefix(a, "/ip4/192.168.79.3/") }) {
		t.Errorf("got the addresses %q with no cable", s.Addrs)
	} else if s.Online != "no" {
		t.Errorf("with no cable the machine is online: %q", s.Online)
	}
	d, err := bob.send("alice", "with no cable")
	must(t, err)
	var x localapi.Explanation
	eventually(t, "bob is told that it is his own machine", func() bool {
		must(t, bob.call(func(b []byte) error { return json.Unmarshal(b, &x) }, "why", d.ID))
		return x.Online == "no" && strings.Contains(x.Why, "this machine is not online")
	})
	l.must("-n", l.ns("b"), "link", "set", "eth0", "up")
	eventually(t, "bob tells the address with the cable in, and that the network leads no further", func() bool {
		s := bob.status(t)
		return s.Online == "lan" && slices.ContainsFunc(s.Addrs, func(a string) bool { return strings.HasPrefix(a, "/ip4/192.168.79.3/") })
	})
	eventually(t, "alice has what was written with no cable", func() bool { return alice.has("bob", "with no cable") })
}
