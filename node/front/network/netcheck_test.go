package network

import (
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// TestAdvice asks what people are told to do.
func TestAdvice(t *testing.T) {
	up := []localapi.NetRelay{{URL: "qpc-relay://a", Reached: true, Transport: "udp"}}
	for _, c := range []struct {
		name string
		n    localapi.Netcheck
		want string // words of the first advice
		last string // and of the last
	}{
		{"no relay", localapi.Netcheck{}, "Name one: qpc relay add", "Name one"},
		{"offline", localapi.Netcheck{Relays: []localapi.NetRelay{{URL: "qpc-relay://a"}}}, "is not online", "Switch on Wi-Fi"},
		{"no answer", localapi.Netcheck{Relays: []localapi.NetRelay{{URL: "qpc-relay://a"}}}, "No relay answers", "port 7001"},
		{"stopped", localapi.Netcheck{Relays: []localapi.NetRelay{{URL: "qpc-relay://a", Error: "/ip4/1.2.3.4/tcp/7000: nothing listens there; /ip4/1.2.3.4/udp/7000/quic-v1: no answer"}}}, "no relay runs on it", "operator"},
		{"open", localapi.Netcheck{Relays: up, UDP: yes, Reachable: yes}, "Nothing to do", "Nothing to do"},
		{"udp blocked", localapi.Netcheck{Relays: up, UDP: no, Reachable: unknown}, "blocks UDP", "Another network"},
		{"symmetric", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "dependent", PortMap: "none"}, "another port", "turn on UPnP"},
		{"symmetric, not asked", localapi.Netcheck{Relays: up, UDP: yes, NAT: "dependent", PortMap: "off"}, "another port", "--port-map on"},
		{"cone", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "independent", PortMap: "refused"}, "holes can be punched", "Nothing to do"},
		{"firewall", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "none"}, "let UDP port 7001 in", "Holes"},
		{"unknown NAT", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "unknown", PortMap: "refused"}, "cannot be reached", "UDP port 7001"},
		{"one of two relays", localapi.Netcheck{Relays: append([]localapi.NetRelay{{URL: "qpc-relay://b"}}, up...), UDP: yes, Reachable: yes}, "Nothing to do", "qpc-relay://b does not answer"},
	} {
		got := advice(c.n, 7001, c.name == "offline")
		if len(got) == 0 || !strings.Contains(got[0], c.want) || !strings.Contains(got[len(got)-1], c.last) {
			t.Errorf("%s: got %q, want %q and %q", c.name, got, c.want, c.last)
		}
	}
}
