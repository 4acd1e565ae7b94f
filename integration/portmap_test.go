package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// forwarding are the rules of a router that forwards ports on request: miniupnpd
// fills the chains that it names. Its NAT uses another port for each destination.
const forwarding = `table inet filter {
	chain forward {
		type filter hook forward priority 0; policy drop;
		iifname "br0" accept
		ct state established,related accept
		jump miniupnpd
	}
	chain miniupnpd { }
	chain input {
		type filter hook input priority 0; policy accept;
		iifname "br0" ip protocol { tcp, udp } counter
	}
	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		jump prerouting_miniupnpd
	}
	chain prerouting_miniupnpd { }
	chain postrouting {
		type nat hook postrouting priority 100; policy accept;
		jump postrouting_miniupnpd
		oifname "wan" masquerade fully-random
	}
	chain postrouting_miniupnpd { }
}
`

// forwarder is the configuration of miniupnpd, without what it speaks.
const forwarder = `ext_ifname=wan
listening_ip=br0
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
secure_mode=yes
system_uptime=yes
uuid=8a2f0c5e-0d5b-4c5e-9a53-0b6b8e6a3c11
allow 1024-65535 192.168.21.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`

// TestPortMap: of two nodes behind NATs that use another port for each
// destination, which nobody can punch, one asks its router for a port and gets a
// direct connection, whichever of the two protocols the router speaks; also if it has no
// network yet when it starts. A router that has forwarded the port is left in peace.
func TestPortMap(t *testing.T) {
	for _, c := range []struct{ name, conf string }{
		{"NAT-PMP", "enable_natpmp=yes\nenable_upnp=no\n"},
		{"UPnP", "enable_natpmp=no\nenable_upnp=yes\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it waits
			portMap(t, forwarder+c.conf)
		})
	}
}

// portMap runs it with a configuration of miniupnpd.
func portMap(t *testing.T, forwarder string) {
	l := newNATLab(t)
	for _, name := range []string{"nft", "miniupnpd"} {
		if _, err := exec.LookPath(name); err != nil {
			l.lack("there is no " + name)
		}
	}
	l.router("ar")
	l.plug("ar", "wan", "lan", "")
	l.public4("ar", "wan", 21)
	l.machine("a")
	l.home("a", "ar", 21, 2)
	l.settle("b", siteSym, 22)

	dir := t.TempDir()
	rules, conf := filepath.Join(dir, "rules"), filepath.Join(dir, "miniupnpd.conf")
	for file, text := range map[string]string{rules: forwarding, conf: forwarder} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.in("ar", "nft", "-f", rules)
	run := append(l.exec("ar"), "miniupnpd", "-d", "-f", conf, "-P", filepath.Join(dir, "pid"))
	daemon := exec.Command(run[0], run[1:]...)
	said, err := os.Create(filepath.Join(dir, "said"))
	must(t, err)
	defer said.Close()
	daemon.Stdout, daemon.Stderr = said, said
	must(t, daemon.Start())
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
		if words, err := os.ReadFile(said.Name()); t.Failed() {
			t.Logf("miniupnpd says:\n%s%v", words, err)
		}
	})
	eventually(t, "miniupnpd is ready", func() bool {
		words, err := os.ReadFile(said.Name())
		return err == nil && strings.Contains(string(words), "istening")
	})

	alice, bob := l.node("a", "alice", siteSym), l.node("b", "bob", siteSym)
	alice.args = append(alice.args, "--port-map", "on")
	l.must("-n", l.ns("a"), "link", "set", "eth0", "down")
	must(t, alice.start())
	l.online(bob)
	l.must("-n", l.ns("a"), "link", "set", "eth0", "up")
	l.must("-n", l.ns("a"), "route", "add", "default", "via", homeAddr(21, 1))
	l.reaches(alice)
	eventually(t, "the router forwards a port", func() bool {
		out, err := l.ip("netns", "exec", l.ns("ar"), "nft", "list", "ruleset")
		return err == nil && strings.Contains(out, "dnat")
	})
	row := l.meet(alice, bob, [2]site{siteSym, siteSym}, true)
	t.Logf("first message %v, direct after %v, path %s", row.first, row.connect, row.path)
	before := l.received("ar")
	time.Sleep(portQuiet)
	if got := l.received("ar"); got != before {
		t.Errorf("the router was sent something in %v: %s, before %s", portQuiet, got, before)
	}
}

// portQuiet is how long TestPortMap looks whether a router is left in peace.
const portQuiet = 25 * time.Second

// received is how many packets of TCP and UDP a router was sent from the home, as text.
func (l *natLab) received(router string) string {
	l.t.Helper()
	out, err := l.ip("netns", "exec", l.ns(router), "nft", "list", "chain", "inet", "filter", "input")
	must(l.t, err)
	_, counted, ok := strings.Cut(out, "counter ")
	if !ok {
		l.t.Fatalf("nothing is counted: %s", out)
	}
	return strings.Join(strings.Fields(counted)[:4], " ")
}
