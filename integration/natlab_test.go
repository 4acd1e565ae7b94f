package integration

import (
	"cmp"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// site is how a machine is connected to the internet of a natLab.
type site string

const (
	siteNone  site = "none"            // public IPv4 and IPv6 addresses, no NAT, no firewall
	sitePort  site = "port-preserving" // NAT that keeps the port, and lets in only who was sent to
	siteSym   site = "symmetric"       // NAT with another port for each destination
	siteCone  site = "full-cone"       // NAT that forwards one port to the machine, from anybody
	siteCGNAT site = "cgnat"           // a home's NAT behind a carrier's, both port-preserving
	siteNoUDP site = "udp-blocked"     // NAT that drops all UDP
	siteIP6   site = "ipv6-only"       // public IPv6 address behind a firewall, no IPv4
	// siteSame puts the second machine of a pair onto the network of the first.
	siteSame site = "same-nat"
)

// sites are the kinds that the grid pairs.
var sites = []site{siteNone, sitePort, siteSym, siteCone, siteCGNAT, siteNoUDP, siteIP6}

// conePort is what a full cone forwards.
const conePort = "4001"

// natLab is an internet in network namespaces: a bridge, a relay, and sites of two
// machines. Its public addresses are of real ranges, for programs tell them apart
// from private ones; no namespace has a link or a route out of the lab.
type natLab struct {
	*lab
	relay *process
	ends  int // links that were made
}

// newNATLab makes the internet and its relay. Without the means it skips the test,
// in CI it fails.
func newNATLab(t *testing.T) *natLab {
	t.Helper()
	l := &natLab{lab: newLab(t)}
	for _, name := range []string{"iptables", "ip6tables"} {
		if out, err := exec.Command("ip", "netns", "exec", l.ns("lan"), name, "-w", "-L", "-n").CombinedOutput(); err != nil {
			l.lack(fmt.Sprintf("%s does not work: %v: %s", name, err, out))
		}
	}
	l.machine("relay")
	l.plug("relay", "eth0", "lan", "")
	l.public4("relay", "eth0", 10)
	l.public6("relay", "eth0", 10)
	l.relay = newWrapped(t, l.exec("relay"), "relay", "relay", "run", "--log", "debug")
	return l
}

// relayURL is that of the relay for a machine at a site.
func (l *natLab) relayURL(s site) string {
	url := l.relay.line().URL
	if s != siteIP6 {
		return url
	}
	return strings.Replace(url, "@11.0.0.10:", "@[2a10:1::10]:", 1)
}

func (l *natLab) exec(name string) []string { return []string{"ip", "netns", "exec", l.ns(name)} }

// in runs a command on a machine.
func (l *natLab) in(name string, command ...string) {
	l.t.Helper()
	l.must(append([]string{"netns", "exec", l.ns(name)}, command...)...)
}

// machine makes one without links.
func (l *natLab) machine(name string) {
	l.t.Helper()
	l.must("netns", "add", l.ns(name))
	l.t.Cleanup(func() { _, _ = l.ip("netns", "del", l.ns(name)) })
	l.must("-n", l.ns(name), "link", "set", "lo", "up")
}

// plug links an interface of a machine to an interface of another, which is made a
// port of its bridge if to is empty.
func (l *natLab) plug(name, dev, at, to string) {
	l.t.Helper()
	l.ends++
	port := cmp.Or(to, fmt.Sprintf("n%d", l.ends))
	l.must("-n", l.ns(at), "link", "add", port, "type", "veth", "peer", "name", dev, "netns", l.ns(name))
	if to == "" {
		l.must("-n", l.ns(at), "link", "set", port, "master", "br0")
	}
	l.must("-n", l.ns(at), "link", "set", port, "up")
	l.must("-n", l.ns(name), "link", "set", dev, "up")
}

// public4 gives an interface on the internet an IPv4 address. Each is a network of
// its own: to live on one internet is not to live on one LAN.
func (l *natLab) public4(name, dev string, n int) {
	l.t.Helper()
	l.must("-n", l.ns(name), "addr", "add", fmt.Sprintf("11.0.0.%d/32", n), "dev", dev)
	l.must("-n", l.ns(name), "route", "add", "11.0.0.0/24", "dev", dev)
}

// public6 is public4 for IPv6.
func (l *natLab) public6(name, dev string, n int) {
	l.t.Helper()
	l.must("-n", l.ns(name), "addr", "add", fmt.Sprintf("2a10:1::%d/128", n), "dev", dev, "nodad")
	l.must("-n", l.ns(name), "route", "add", "2a10:1::/64", "dev", dev)
}

// settle makes the machine name at a site, the nth of the lab.
func (l *natLab) settle(name string, s site, n int) {
	l.t.Helper()
	l.machine(name)
	router := name + "r"
	switch s {
	case siteNone:
		l.plug(name, "eth0", "lan", "")
		l.public4(name, "eth0", n)
		l.public6(name, "eth0", n)
		return
	case siteIP6:
		l.plug(name, "eth0", "lan", "")
		l.public6(name, "eth0", n)
		l.firewall(name)
		return
	case siteCGNAT:
		l.carrier(name+"c", router, n)
	default:
		l.router(router)
		l.plug(router, "wan", "lan", "")
		l.public4(router, "wan", n)
	}
	switch s {
	case siteSym:
		l.nat(router, "--random-fully")
	case siteCone:
		l.in(router, "iptables", "-w", "-t", "nat", "-A", "PREROUTING", "-i", "wan", "-p", "udp", "--dport", conePort, "-j", "DNAT", "--to", homeAddr(n, 2)+":"+conePort)
		l.in(router, "iptables", "-w", "-A", "FORWARD", "-i", "wan", "-p", "udp", "--dport", conePort, "-j", "ACCEPT")
		l.nat(router)
	case siteNoUDP:
		l.in(router, "iptables", "-w", "-A", "FORWARD", "-p", "udp", "-j", "DROP")
		l.nat(router)
	default:
		l.nat(router)
	}
	l.home(name, router, n, 2)
}

// firewall lets only answers in to a machine, over IPv6.
func (l *natLab) firewall(name string) {
	l.t.Helper()
	for _, rule := range []string{"-i lo -j ACCEPT", "-p icmpv6 -j ACCEPT", "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", "-j DROP"} {
		l.in(name, append([]string{"ip6tables", "-w", "-A", "INPUT"}, strings.Fields(rule)...)...)
	}
}

// carrier makes the NAT of a carrier, and the router of a home behind it, which is
// no NAT yet.
func (l *natLab) carrier(name, router string, n int) {
	l.t.Helper()
	l.router(name)
	l.plug(name, "wan", "lan", "")
	l.public4(name, "wan", n)
	l.router(router)
	l.plug(router, "wan", name, "homes")
	l.must("-n", l.ns(name), "addr", "add", "100.64.0.1/24", "dev", "homes")
	l.must("-n", l.ns(router), "addr", "add", "100.64.0.2/24", "dev", "wan")
	l.must("-n", l.ns(router), "route", "add", "default", "via", "100.64.0.1")
	l.nat(name)
}

// router makes a machine that forwards packets.
func (l *natLab) router(name string) {
	l.t.Helper()
	l.machine(name)
	l.in(name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
}

// nat makes a router translate addresses, and let in only answers.
func (l *natLab) nat(router string, how ...string) {
	l.t.Helper()
	l.in(router, append([]string{"iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-j", "MASQUERADE"}, how...)...)
	for _, chain := range []string{"FORWARD", "INPUT"} {
		l.in(router, "iptables", "-w", "-A", chain, "-i", "wan", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
		l.in(router, "iptables", "-w", "-A", chain, "-i", "wan", "-j", "DROP")
	}
}

// homeAddr is the address of the kth machine of the nth home; the router is the first.
func homeAddr(n, k int) string { return fmt.Sprintf("192.168.%d.%d", n, k) }

// home puts a machine onto the home network of a router, which is made with the
// first.
func (l *natLab) home(name, router string, n, k int) {
	l.t.Helper()
	if k == 2 {
		l.must("-n", l.ns(router), "link", "add", "br0", "type", "bridge")
		l.must("-n", l.ns(router), "link", "set", "br0", "up")
		l.must("-n", l.ns(router), "addr", "add", homeAddr(n, 1)+"/24", "dev", "br0")
	}
	l.plug(name, "eth0", router, "")
	l.must("-n", l.ns(name), "addr", "add", homeAddr(n, k)+"/24", "dev", "eth0")
	l.must("-n", l.ns(name), "route", "add", "default", "via", homeAddr(n, 1))
}
