package integration

import (
	"encoding/json"
	"slices"
	"testing"

	"quicnprotochat/node/localapi"
)

// TestUDPComesBack: a node whose network blocks UDP reaches its relay over TCP. Some time
// after UDP gets through again, the connection is over QUIC: netcheck no longer says that
// UDP is blocked, and messages go straight where they went by the mailbox.
func TestUDPComesBack(t *testing.T) {
	l := newNATLab(t)
	l.settle("a", siteNoUDP, 21)
	l.settle("b", sitePort, 22)
	alice, bob := l.node("a", "alice", siteNoUDP), l.node("b", "bob", sitePort)
	l.online(alice, bob)
	befriend(t, alice, bob)
	over := func() string {
		var n localapi.Netcheck
		if err := alice.call(func(b []byte) error { return json.Unmarshal(b, &n) }, "netcheck"); err != nil || len(n.Relays) != 1 {
			return "nothing"
		}
		return n.Relays[0].Transport
	}
	eventually(t, "the relay is reached over TCP", func() bool { return over() == "tcp" })
	d, err := alice.send("bob", "by TCP", "--wait", "delivered")
	if err != nil || d.Path != localapi.PathMailbox {
		t.Errorf("got %+v, %v, want it delivered by the mailbox", d, err)
	}
	l.in("ar", "iptables", "-w", "-D", "FORWARD", "-p", "udp", "-j", "DROP")
	eventually(t, "the relay is reached over QUIC", func() bool { return over() == "udp" })
	eventually(t, "messages go straight", func() bool {
		d, err := alice.send("bob", "straight", "--wait", "delivered")
		return err == nil && d.Path != localapi.PathMailbox
	})
	got := bob.shown(t, "alice")
	if len(got) < 2 || got[0] != "by TCP" || slices.ContainsFunc(got[1:], func(text string) bool { return text != "straight" }) {
		t.Errorf("bob was shown %q", got)
	}
}
