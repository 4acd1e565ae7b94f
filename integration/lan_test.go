package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

// lab is network namespaces on one bridge, with no way out of them.
type lab struct {
	t      *testing.T
	prefix string
	hosts  int
}

// labs counts the labs of this process: a namespace may outlive its test for a moment.
var labs atomic.Int64

// newLab makes the bridge. Without the means it skips the test, in CI it fails.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, prefix: fmt.Sprintf("qpc%d-%d", os.Getpid(), labs.Add(1))}
	if _, err := exec.LookPath("ip"); err != nil {
		l.lack("there is no ip command (iproute2)")
	}
	if out, err := l.ip("netns", "add", l.ns("lan")); err != nil {
		l.lack(out)
	}
	t.Cleanup(func() { _, _ = l.ip("netns", "del", l.ns("lan")) })
	l.bridge("br0")
	return l
}

func (l *lab) bridge(name string) {
	l.t.Helper()
	l.must("-n", l.ns("lan"), "link", "add", name, "type", "bridge", "mcast_snooping", "0")
	l.must("-n", l.ns("lan"), "link", "set", name, "up")
}

// lack skips the test because a means is missing; in CI it fails.
func (l *lab) lack(why string) {
	l.t.Helper()
	if os.Getenv("CI") != "" {
		l.t.Fatalf("no network namespaces: %s", why)
	}
	l.t.Skipf("no network namespaces: %s", why)
}

func (l *lab) ns(name string) string { return l.prefix + name }

func (l *lab) ip(args ...string) (string, error) {
	out, err := exec.Command("ip", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (l *lab) must(args ...string) {
	l.t.Helper()
	if out, err := l.ip(args...); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// host adds a machine to the bridge and returns the command that runs a program
// there.
func (l *lab) host(name, addr string) (run []string) {
	l.t.Helper()
	return l.hostOn("br0", name, addr)
}

// hostOn adds a machine to one of several bridges.
func (l *lab) hostOn(bridge, name, addr string) (run []string) {
	l.t.Helper()
	l.hosts++
	ns, port := l.ns(name), fmt.Sprintf("p%d", l.hosts)
	l.must("netns", "add", ns)
	l.t.Cleanup(func() { _, _ = l.ip("netns", "del", ns) })
	l.must("-n", l.ns("lan"), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns)
	l.must("-n", l.ns("lan"), "link", "set", port, "master", bridge, "up")
	l.must("-n", ns, "link", "set", "lo", "up")
	l.must("-n", ns, "link", "set", "eth0", "up")
	l.must("-n", ns, "addr", "add", addr, "dev", "eth0")
	return []string{"ip", "netns", "exec", ns}
}

// nearby is `qpc lan`.
func (p *process) nearby() (all []localapi.Nearby, err error) {
	err = p.call(func(line []byte) error {
		var n localapi.Nearby
		err := json.Unmarshal(line, &n)
		all = append(all, n)
		return err
	}, "lan")
	return all, err
}

// hear waits until a node hears others on the LAN, and returns how long it took.
func (p *process) hear(t *testing.T, others ...*process) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, p.name+" hears the others on the LAN", func() bool {
		all, err := p.nearby()
		return err == nil && !slices.ContainsFunc(others, func(o *process) bool {
			return !slices.ContainsFunc(all, func(n localapi.Nearby) bool { return n.Identity == o.line().Identity })
		})
	})
	return time.Since(began)
}

// TestLAN puts two real nodes on one bridge, with no relay and no way out. Alice
// has a link of bob whose address is no longer true: they find each other by
// multicast, and chat over the path lan.
func TestLAN(t *testing.T) {
	l := newLab(t)
	atAlice, atBob := l.host("a", "192.168.77.1/24"), l.host("b", "192.168.77.2/24")
	up := func(name string) []string { return []string{"up", "--name", name} }
	alice := newWrapped(t, atAlice, "alice", up("alice")...)
	bob := newWrapped(t, atBob, "bob", up("bob")...)
	link, err := bob.invite()
	if err != nil {
		t.Fatal(err)
	}
	bob.kill()
	l.must("-n", l.ns("b"), "addr", "del", "192.168.77.2/24", "dev", "eth0")
	l.must("-n", l.ns("b"), "addr", "add", "192.168.77.3/24", "dev", "eth0")
	if err := bob.start(); err != nil {
		t.Fatal(err)
	}
	// Who is no contact has the name that it gives itself, as a claim.
	hears := func(name, claim string) func() bool {
		return func() bool {
			all, err := alice.nearby()
			return err == nil && len(all) == 1 && all[0] == localapi.Nearby{Identity: bob.line().Identity, Name: name, Claim: claim}
		}
	}
	eventually(t, "alice hears somebody on the LAN", hears("", "bob"))
	err = alice.call(func(line []byte) error {
		if got, want := string(line), fmt.Sprintf(`{"identity":%q,"name":"","claim":"bob"}`, bob.line().Identity); got != want {
			t.Errorf("qpc lan --json: got %s, want %s", got, want)
		}
		return nil
	}, "lan")
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.add(link); err != nil {
		t.Fatal(err)
	}
	eventually(t, "alice hears bob on the LAN", hears("bob", ""))
	began := time.Now()
	d, err := alice.send("bob", "is anybody here?", "--wait", "delivered", "--timeout", "2m")
	if err != nil {
		t.Fatal(err)
	}
	// Alice's node is connected to where bob was, for it asked what he is called.
	took := time.Since(began)
	if t.Logf("delivered after %v", took); took > 30*time.Second {
		t.Errorf("delivered after %v: QUIC had to find out that the connection is dead", took)
	}
	if d.Path != localapi.PathLAN {
		t.Errorf("path: got %s (%s), want lan", d.Path, d.Why)
	}
	if d, err = bob.send("alice", "yes", "--wait", "delivered", "--timeout", "2m"); err != nil || d.Path != localapi.PathLAN {
		t.Errorf("answer: got path %s, %v, want lan", d.Path, err)
	}
	for _, p := range []*process{alice, bob} {
		with := map[string]string{"alice": "bob", "bob": "alice"}[p.name]
		all, err := p.history(with)
		if err != nil || len(all) != 2 || all[0].Text != "is anybody here?" || all[1].Text != "yes" {
			t.Errorf("%s shows %+v, %v, want question and answer", p.name, all, err)
		}
	}
}

// TestAskOnLAN lets one who has no link ask another one on the LAN, by the name that the
// other one's node gives when it is asked.
func TestAskOnLAN(t *testing.T) {
	l := newLab(t)
	alice := newWrapped(t, l.host("a", "192.168.78.1/24"), "alice", "up", "--name", "alice")
	bob := newWrapped(t, l.host("b", "192.168.78.2/24"), "bob", "up", "--name", "bob")
	alice.hear(t, bob)
	eventually(t, "alice learns what bob is called", func() bool {
		called := ""
		err := alice.call(func(line []byte) error {
			var n localapi.Nearby
			err := json.Unmarshal(line, &n)
			if n.Identity == bob.line().Identity && n.Name == "" {
				called = n.Claim
			}
			return err
		}, "lan")
		return err == nil && called == "bob"
	})
	if err := alice.call(func([]byte) error { return nil }, "contact", "add", "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.send("bob", "who are you?"); err != nil {
		t.Fatal(err)
	}
	var asks localapi.Request
	eventually(t, "bob is asked", func() bool {
		err := bob.call(func(line []byte) error { return json.Unmarshal(line, &asks) }, "requests")
		return err == nil && asks.Text == "who are you?"
	})
	if asks.Name != "alice" || asks.Identity != alice.line().Identity {
		t.Errorf("got %+v", asks)
	}
	if err := bob.call(func([]byte) error { return nil }, "accept", "alice"); err != nil {
		t.Fatal(err)
	}
	d, err := bob.send("alice", "bob", "--wait", "delivered", "--timeout", "1m")
	if err != nil || d.Path != localapi.PathLAN {
		t.Errorf("answer: got path %s, %v, want lan", d.Path, err)
	}
	if all, err := alice.history("bob"); err != nil || len(all) != 2 {
		t.Errorf("alice shows %+v, %v", all, err)
	}
}

// TestByNameOnLAN: who looks somebody up at a relay that would keep no answer for it, and
// hears that person on the LAN, may ask all the same, and uses no other relay than before.
func TestByNameOnLAN(t *testing.T) {
	l := newLab(t)
	relay := newWrapped(t, l.host("r", "192.168.78.3/24"), "relay", "relay", "run", "--access", "account", "--listen", "/ip4/192.168.78.3/udp/7000/quic-v1")
	alice := newWrapped(t, l.host("a", "192.168.78.1/24"), "alice", "up", "--name", "alice")
	bob := newWrapped(t, l.host("b", "192.168.78.2/24"), "bob", "up", "--name", "bob")
	password := filepath.Join(filepath.Dir(bob.home), "pw")
	if err := os.WriteFile(password, []byte("correct horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := func([]byte) error { return nil }
	url := relay.line().URL
	if err := bob.call(none, "account", "register", "bob", "--relay", url, "--password-file", password); err != nil {
		t.Fatal(err)
	}
	alice.hear(t, bob)
	if err := alice.call(none, "contact", "add", "bob@"+url); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.send("bob", "who are you?"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bob is asked", func() bool { return bob.call(none, "accept", "alice") == nil })
	if d, err := bob.send("alice", "bob", "--wait", "delivered", "--timeout", "1m"); err != nil || d.Path != localapi.PathLAN {
		t.Errorf("answer: got path %s, %v, want lan", d.Path, err)
	}
	var st localapi.Status
	if err := alice.call(func(b []byte) error { return json.Unmarshal(b, &st) }, "status"); err != nil || len(st.Relays) > 0 {
		t.Errorf("alice uses %+v, %v, want no relay", st.Relays, err)
	}
}
