package integration

import (
	"testing"

	"quicnprotochat/node/localapi"
)

// replug takes the interface of a machine out, and puts it in again with an address.
func (l *lab) replug(name, mac, addr string) {
	l.t.Helper()
	ns, port := l.ns(name), "again"+name
	l.must("-n", ns, "link", "del", "eth0")
	l.must("-n", l.ns("lan"), "link", "add", port, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", ns)
	l.must("-n", l.ns("lan"), "link", "set", port, "master", "br0", "up")
	l.must("-n", ns, "link", "set", "eth0", "up")
	l.must("-n", ns, "addr", "add", addr, "dev", "eth0")
}

// say sends a message over the LAN.
func (p *process) say(t *testing.T, to, text string) {
	t.Helper()
	if d, err := p.send(to, text, "--wait", "delivered", "--timeout", "2m"); err != nil || d.Path != localapi.PathLAN {
		t.Errorf("%q: got %+v, %v, want a message over the LAN", text, d, err)
	}
}

// TestLANCable puts two nodes on a cable with nobody to give them addresses: they have
// those that machines choose for themselves. They find each other and chat, also when the
// interface of one was taken out and is in again, with all as it was.
func TestLANCable(t *testing.T) {
	l := newLab(t)
	const mac = "02:00:00:00:77:02"
	atAlice, atBob := l.host("a", "169.254.7.1/16"), l.host("b", "169.254.8.2/16")
	l.replug("b", mac, "169.254.8.2/16")
	alice, bob := newWrapped(t, atAlice, "alice", "up", "--name", "alice"), newWrapped(t, atBob, "bob", "up", "--name", "bob")
	t.Logf("listed after %v and %v", alice.hear(t, bob), bob.hear(t, alice))
	befriend(t, alice, bob)
	alice.say(t, "bob", "hello")
	alice.kill()
	l.replug("b", mac, "169.254.8.2/16")
	must(t, alice.start())
	alice.hear(t, bob)
	bob.say(t, "alice", "here again")
}

// TestLANOfIP6 puts two nodes on a network that has IPv6 alone. The first interface of
// each leads to another one, which has IPv4 alone.
func TestLANOfIP6(t *testing.T) {
	l := newLab(t)
	at := func(name, addr string) *process {
		ns := l.ns(name)
		run := l.host(name, "192.168.77.1/32")
		l.must("-n", ns, "link", "add", "first", "type", "veth", "peer", "name", "end")
		l.must("-n", ns, "link", "set", "end", "up")
		l.must("netns", "exec", ns, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/first/disable_ipv6")
		l.must("-n", ns, "link", "set", "first", "up")
		l.must("-n", ns, "addr", "add", "192.168.78.1/24", "dev", "first")
		l.replug(name, "02:00:00:00:77:0"+addr[len("fd00::"):len("fd00::1")], addr)
		return newWrapped(t, run, name, "up", "--name", name)
	}
	alice, bob := at("a", "fd00::1/64"), at("b", "fd00::2/64")
	t.Logf("listed after %v and %v", alice.hear(t, bob), bob.hear(t, alice))
	befriend(t, alice, bob)
	alice.say(t, "b", "hello")
}
