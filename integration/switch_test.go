package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestSwitchInterface: while she writes, and is written to, the cable of alice's machine
// is pulled, and another network, behind another NAT, takes over; then the first one again.
// Each message is there once, on both sides in one order, and waits for no time-out.
func TestSwitchInterface(t *testing.T) {
	l := newNATLab(t)
	l.settle("a", sitePort, 21)
	l.settle("b", siteNone, 22)
	l.router("cr")
	l.plug("cr", "wan", "lan", "")
	l.public4("cr", "wan", 23)
	l.nat("cr")
	l.machine("c")
	l.home("c", "cr", 23, 2)
	l.plug("a", "eth1", "cr", "")
	l.must("-n", l.ns("a"), "addr", "add", homeAddr(23, 3)+"/24", "dev", "eth1")
	l.must("-n", l.ns("a"), "link", "set", "eth1", "down")
	alice, bob := l.node("a", "alice", sitePort), l.node("b", "bob", siteNone)
	l.online(alice, bob)
	befriend(t, alice, bob)
	var want []string
	say := func(from *process, to, text string, more ...string) {
		t.Helper()
		want = append(want, text)
		if d, err := from.send(to, text, more...); err != nil {
			t.Fatalf("%q: %v: %+v", text, err, d)
		}
	}
	say(alice, "bob", "hello", "--wait", "delivered", "--timeout", "2m")
	pace := alice.pace(t)
	for _, n := range [][3]string{{"eth0", "eth1", homeAddr(23, 1)}, {"eth1", "eth0", homeAddr(21, 1)}} {
		began := time.Now()
		for i := range 6 {
			if i == 3 {
				l.must("-n", l.ns("a"), "link", "set", n[0], "down")
				l.must("-n", l.ns("a"), "link", "set", n[1], "up")
				l.must("-n", l.ns("a"), "route", "replace", "default", "via", n[2])
			}
			say(alice, "bob", fmt.Sprintf("to bob over %s, %d", n[1], i))
			say(bob, "alice", fmt.Sprintf("to alice over %s, %d", n[1], i))
		}
		for p, with := range map[*process]string{alice: "bob", bob: "alice"} {
			eventually(t, p.name+" has all over "+n[1], func() bool { return len(p.shown(t, with)) >= len(want) })
		}
		took := time.Since(began)
		alice.soon(t, "messages over "+n[1], took, pace)
		t.Logf("over %s: 12 messages in %v, path %s", n[1], took, alice.status(t).Peers[0].Path)
	}
	for p, with := range map[*process]string{alice: "bob", bob: "alice"} {
		if got := p.shown(t, with); !sameTexts(got, want) {
			t.Errorf("%s was shown %q, want %q", p.name, got, want)
		}
	}
	if a, b := alice.shown(t, "bob"), bob.shown(t, "alice"); !slices.Equal(a, b) {
		t.Errorf("alice was shown %q, and bob %q", a, b)
	}
}
