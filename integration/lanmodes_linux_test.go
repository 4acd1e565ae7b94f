package integration

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// TestLANModes captures what nodes of each mode say on a segment that has a way
// out: with on and contacts they find each other at once, also two on one machine;
// only of the first all can read who it is, nobody is named, who is off says
// nothing, and nothing is for somebody beyond the segment.
func TestLANModes(t *testing.T) {
	l := newLab(t)
	segment := netip.MustParsePrefix("192.168.77.0/24")
	l.host("gw", "192.168.77.254/24") // whatever is meant for afar is sent to it
	start := func(ns, addr, name, lan string) *process {
		run := []string{"ip", "netns", "exec", l.ns(ns)}
		if addr != "" {
			run = l.host(ns, addr)
			l.must("-n", l.ns(ns), "route", "add", "default", "via", "192.168.77.254")
		}
		return newWrapped(t, run, name, "up", "--name", name, "--lan", lan)
	}
	capture := l.capture()
	alice := start("a", "192.168.77.1/24", "alice", "on")
	pace := alice.pace(t)
	bob := start("b", "192.168.77.2/24", "bob", "on")
	began := time.Now()
	here, there := alice.hear(t, bob), bob.hear(t, alice)
	alice.soon(t, "both are listed", time.Since(began), pace)
	t.Logf("listed after %v and %v", here, there)
	befriend(t, alice, bob)
	began = time.Now()
	if d, err := alice.send("bob", "hello", "--wait", "delivered", "--timeout", "2m"); err != nil || d.Path != localapi.PathLAN {
		t.Errorf("got %+v, %v, want a message over the LAN", d, err)
	}
	first := time.Since(began)
	alice.soon(t, "the first message", first, pace)
	t.Logf("first message delivered after %v", first)

	// Dora hides from all but her contact carl, who is on her machine.
	carl := start("c", "192.168.77.3/24", "carl", "on")
	dora := start("c", "", "dora", "contacts")
	befriend(t, dora, carl)
	dora.kill() // its good-bye is not heard: carl knows its address from the link
	if err := dora.start(); err != nil {
		t.Fatal(err)
	}
	carl.hear(t, dora, alice, bob)
	dora.hear(t, carl, alice, bob)
	alice.hear(t, bob, carl)
	all, err := alice.nearby()
	must(t, err)
	for _, n := range all {
		if n.Identity == dora.line().Identity {
			t.Error("alice, who is no contact of dora, reads that she is there")
		}
	}
	erin := start("e", "192.168.77.5/24", "erin", "off")
	time.Sleep(time.Second)

	frames := capture.frames()
	said, sent := map[string]int{}, map[string]int{}
	for _, f := range frames {
		if f.leaves(segment) {
			t.Errorf("a packet from %v is for %v, port %d, and may take %d hops", f.src, f.dst, f.port, f.hops)
		}
		if f.proto == syscall.IPPROTO_UDP || f.proto == syscall.IPPROTO_TCP {
			sent[f.src.String()]++
		}
		if f.port != 5353 {
			continue
		}
		said[f.src.String()]++
		for _, p := range []*process{alice, bob, carl, dora, erin} {
			if bytes.Contains(bytes.ToLower(f.bytes), []byte(p.name)) {
				t.Errorf("a multicast packet of %v names %s", f.src, p.name)
			}
		}
		for _, p := range []*process{dora, erin} {
			if bytes.Contains(f.bytes, []byte(p.line().Identity)) {
				t.Errorf("a multicast packet of %v has the identity of %s", f.src, p.name)
			}
		}
	}
	t.Logf("%d frames, multicast DNS: %v", len(frames), said)
	if said["192.168.77.1"] == 0 || said["192.168.77.3"] == 0 {
		t.Errorf("captured %v: nothing of those who announce themselves", said)
	}
	addrs, err := l.ip("-n", l.ns("e"), "-o", "addr", "show", "dev", "eth0")
	if err != nil || !strings.Contains(addrs, " 192.168.77.5/") {
		t.Fatalf("addresses of erin: %q, %v", addrs, err)
	}
	for from := range sent {
		if strings.Contains(addrs, " "+from+"/") { // also that of IPv6
			t.Errorf("got %v: who is off speaks to the LAN", sent)
		}
	}
}

// befriend gives one node the link of another.
func befriend(t *testing.T, a, b *process) {
	t.Helper()
	link, err := b.invite()
	must(t, err)
	must(t, a.add(link))
	eventually(t, b.name+" knows "+a.name, func() bool {
		known := false
		err := b.call(func(line []byte) error {
			known = known || bytes.Contains(line, []byte(a.line().Identity))
			return nil
		}, "contacts")
		return err == nil && known
	})
}

// TestLANMerges puts two nodes on two segments that become one; and one on a
// machine without any network, which is a warning and no end.
func TestLANMerges(t *testing.T) {
	t.Parallel() // it waits for the next announcement, a minute at most
	l := newLab(t)
	l.bridge("br1")
	alice := newWrapped(t, l.hostOn("br0", "a", "192.168.77.1/24"), "alice", "up", "--name", "alice")
	bob := newWrapped(t, l.hostOn("br1", "b", "192.168.77.2/24"), "bob", "up", "--name", "bob")
	l.must("netns", "add", l.ns("none"))
	t.Cleanup(func() { _, _ = l.ip("netns", "del", l.ns("none")) })
	alone := newWrapped(t, []string{"ip", "netns", "exec", l.ns("none")}, "alone", "up", "--name", "alone", "--log", "warn")
	time.Sleep(4 * time.Second) // the questions of the start are over
	if all, err := alice.nearby(); err != nil || len(all) != 0 {
		t.Errorf("got %v, %v before the segments are one", all, err)
	}
	l.must("-n", l.ns("lan"), "link", "add", "j0", "type", "veth", "peer", "name", "j1")
	l.must("-n", l.ns("lan"), "link", "set", "j0", "master", "br0", "up")
	l.must("-n", l.ns("lan"), "link", "set", "j1", "master", "br1", "up")
	t.Logf("after the segments were one, they were listed after %v", alice.hear(t, bob))
	bob.hear(t, alice)
	log, err := os.ReadFile(filepath.Clean(alone.home + ".log"))
	must(t, err)
	if all, err := alone.nearby(); err != nil || len(all) != 0 || !strings.Contains(string(log), "no interface takes multicast") {
		t.Errorf("got %v, %v without a network, and the log %q, want a warning", all, err, log)
	}
}
