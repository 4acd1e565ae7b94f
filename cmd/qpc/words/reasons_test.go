package words

import (
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

const (
	relayKey = "12D3KooWCP5u9pYaFqCvzMELiJWc6YL4KDJBiv5JVZkNkXHyLmPp"
	relayURL = "qpc-relay://" + relayKey + "@relay.example:7000"
)

// at is a moment of the tests.
func at(second int) localapi.Time {
	return localapi.Time{Time: time.Date(2026, 5, 4, 10, 0, second, 0, time.Local)}
}

// try is what was tried on a way.
func try(way, took, result string) localapi.Try {
	t := localapi.Try{Way: way, Time: at(1), Last: at(1), Times: 1, Took: took, Path: localapi.PathNone, Result: result}
	if way == "relay" {
		t.Relay, t.RelayURL, t.Path = relayKey, relayURL, localapi.PathMailbox
	}
	return t
}

// TestExplanation asks how what was tried reads, line by line.
func TestExplanation(t *testing.T) {
	const (
		silent = "/ip4/10.0.0.2/udp/4001/quic-v1: no answer; /ip6/fd00::2/udp/4001/quic-v1: no answer"
		circ   = "/ip4/192.0.2.9/udp/7000/quic-v1/p2p/" + relayKey + "/p2p-circuit: their machine is not connected to that relay: it is off"
		none   = "/ip4/10.0.0.2/udp/4001/quic-v1: no network of this machine leads there; /ip6/fd00::2/udp/4001/quic-v1: no network of this machine leads there"
	)
	kept, took := try("relay", "3ms", "keeps it"), try("machine", "2ms", "took it")
	kept.OK, took.OK, took.Path = true, true, localapi.PathDirect
	receipt := try("receipt", "0s", "their receipt came back")
	receipt.Path = localapi.PathDirect
	old := try("machine", "25s", "no answer")
	old.Time, old.Last, old.Times = at(-5), at(9), 4
	unknown := kept
	unknown.RelayURL = ""
	for _, c := range []struct {
		name   string
		state  localapi.State
		path   localapi.Path
		online string
		tries  []localapi.Try
		want   string
	}{
		{"delivered", localapi.Delivered, localapi.PathDirect, "yes", []localapi.Try{took, receipt}, `delivered, path direct: so
Their machine has it and has confirmed it.
written 2026-05-04 10:00:00
to bob: delivered
    10:00:01.000  their machine: took it (direct, 2ms)
    10:00:01.000  their receipt came back (direct)`},
		{"kept", localapi.Stored, localapi.PathMailbox, "yes", []localapi.Try{try("machine", "5s", silent+"; "+circ), kept}, `stored, path mailbox: so
A relay has it; their machine fetches it there as soon as it can.
written 2026-05-04 10:00:00
to bob: stored
    10:00:01.000  their machine: not reached (5s)
        10.0.0.2 port 4001 (udp), fd00::2 port 4001 (udp): no answer
        straight, with the help of relay 192.0.2.9:7000 (…kXHyLmPp): their machine is not connected to that relay: it is off
    10:00:01.000  their relay relay.example:7000 (…kXHyLmPp): keeps it (3ms)`},
		{"kept by one that moved", localapi.Stored, localapi.PathMailbox, "yes", []localapi.Try{unknown}, `stored, path mailbox: so
A relay has it; their machine fetches it there as soon as it can.
written 2026-05-04 10:00:00
to bob: stored
    10:00:01.000  their relay …kXHyLmPp: keeps it (3ms)`},
		{"silent", localapi.Queued, localapi.PathNone, "yes", []localapi.Try{try("machine", "5s", silent)}, `queued, path none: so
It is only on this machine so far; it goes out by itself.
written 2026-05-04 10:00:00
to bob: queued
    10:00:01.000  their machine: no answer (5s)
        10.0.0.2 port 4001 (udp), fd00::2 port 4001 (udp)
qpc ping CONTACT calls them now; qpc netcheck says how this machine is connected`},
		{"offline", localapi.Queued, localapi.PathNone, "no", []localapi.Try{try("machine", "1ms", none), try("relay", "1ms", "/ip4/192.0.2.9/udp/7000/quic-v1: no network of this machine leads there")}, `This machine is not online: it has no network. Switch on Wi-Fi or plug in the cable.
queued, path none: so
It is only on this machine so far; it goes out by itself.
written 2026-05-04 10:00:00
to bob: queued
    10:00:01.000  their machine: no network of this machine leads there (1ms)
    10:00:01.000  their relay relay.example:7000 (…kXHyLmPp): no network of this machine leads there (1ms)
qpc ping CONTACT calls them now; qpc netcheck says how this machine is connected`},
		{"a LAN alone", localapi.Queued, localapi.PathNone, "lan", []localapi.Try{old, try("machine", "", "no answer yet"), try("keys", "", "no key yet")}, `The network of this machine leads nowhere else: only people on that network are reached.
queued, path none: so
It is only on this machine so far; it goes out by itself.
written 2026-05-04 10:00:00
to bob: queued
    10:00:09.000  their machine: no answer (25s)
    10:00:01.000  their machine: no answer yet
    10:00:01.000  no key yet
qpc ping CONTACT calls them now; qpc netcheck says how this machine is connected`},
	} {
		x := localapi.Explanation{
			State: c.state, Path: c.path, Why: "so", Sent: at(0), Online: c.online,
			To: []localapi.Recipient{{Name: "bob", State: c.state, Tries: c.tries}},
		}
		if got := Explanation(x); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestDialled asks that no part of a result is lost.
func TestDialled(t *testing.T) {
	for result, want := range map[string][]string{
		"connection lost":                           nil,
		"it is busy; this is tried again":           nil,
		"/ip4/1.2.3.4/tcp/7: no answer":             {"1.2.3.4 port 7 (tcp): no answer"},
		"/ip4/1.2.3.4/tcp/7: busy; again; no …":     {"1.2.3.4 port 7 (tcp): busy; again; no …"},
		"/dns/a.b/tcp/7: x; /dns/a.c/tcp/7: y":      {"a.b port 7 (tcp): x", "a.c port 7 (tcp): y"},
		"/dns/a.b/tcp/7: x; /ip4/1.2.3.4/udp/7/q …": {"a.b port 7 (tcp): x; 1.2.3.4 port 7 (udp)/q …"},
	} {
		var got []string
		for _, r := range dialled(result) {
			got = append(got, strings.Join(r.at, ", ")+": "+r.why)
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: got %q, want %q", result, got, want)
		}
	}
}

// TestPing asks how it reads that somebody answers, or does not, and why.
func TestPing(t *testing.T) {
	tried := []localapi.Tried{{Addr: "/ip4/10.0.0.2/udp/4001/quic-v1", Error: "no answer", Time: at(7)}}
	away := []localapi.PingRelay{{URL: relayURL, Error: "a machine is there, and no program listens on this port"}, {URL: relayURL, Reached: true, RTT: "2ms"}}
	for _, c := range []struct {
		name string
		p    localapi.Ping
		want string
	}{
		{"there", localapi.Ping{Online: "lan", Reached: true, RTT: "1ms", Path: "lan", Addr: "/ip4/10.0.0.2/udp/4001/quic-v1"}, "bob answers in 1ms, path lan, at 10.0.0.2 port 4001 (udp)\nSo so."},
		{"away", localapi.Ping{Online: "yes", Error: "no answer", Tried: tried, Relays: away}, `bob does not answer
    tried 10.0.0.2 port 4001 (udp) at 10:00:07: no answer
    relay relay.example:7000 (…kXHyLmPp) is not reached: a machine is there, and no program listens on this port
    relay relay.example:7000 (…kXHyLmPp) answers in 2ms
So so.`},
		{"offline", localapi.Ping{Online: "no", Error: "no network of this machine leads there", Tried: tried}, `This machine is not online: it has no network. Switch on Wi-Fi or plug in the cable.
bob is not reached: no network of this machine leads there
So so.`},
	} {
		c.p.Name, c.p.Why = "bob", "so"
		if got := Ping(c.p); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
