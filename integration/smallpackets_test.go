package integration

import (
	"encoding/json"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// TestSmallPackets: the networks of two people drop each packet over 1280 bytes, headers
// included, without a word, as behind a VPN: they reach their relay over UDP, get a direct
// connection, and write what takes many packets. The relay sees that a third one is open to
// everybody, whose router forwards a port.
func TestSmallPackets(t *testing.T) {
	l := newNATLab(t)
	l.settle("a", sitePort, 21)
	l.settle("b", sitePort, 22)
	l.settle("c", siteCone, 23)
	for _, router := range []string{"ar", "br", "cr"} {
		l.in(router, "iptables", "-w", "-I", "FORWARD", "-m", "length", "--length", "1281:65535", "-j", "DROP")
		l.in(router, "iptables", "-w", "-I", "FORWARD", "-p", "tcp", "-j", "DROP")
	}
	alice, bob := l.node("a", "alice", sitePort), l.node("b", "bob", sitePort)
	open := l.node("c", "open", siteCone)
	l.online(alice, bob, open)
	befriend(t, alice, bob)
	eventually(t, "a direct connection", func() bool { return alice.status(t).Peers[0].Connected })
	long := strings.Repeat("0123456789", 6000)
	d, err := alice.send("bob", long, "--wait", "delivered", "--timeout", "2m")
	if err != nil || d.Path == localapi.PathMailbox {
		t.Errorf("got %+v, %v, want it delivered straight", d, err)
	}
	if got := bob.shown(t, "alice"); len(got) != 1 || got[0] != long {
		t.Errorf("bob was shown %d messages", len(got))
	}
	eventually(t, "the forwarded port is found open", func() bool {
		var n localapi.Netcheck
		err := open.call(func(b []byte) error { return json.Unmarshal(b, &n) }, "netcheck")
		return err == nil && n.Reachable == "yes"
	})
}
