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
		{"offline, no relay", localapi.Netcheck{Online: "no"}, "it has no network", "go out by themselves"},
		{"only a LAN", localapi.Netcheck{Online: "lan", Relays: []localapi.NetRelay{{URL: "qpc-relay://a"}}}, "leads nowhere else", "on that network are reached"},
		{"no answer", localapi.Netcheck{Relays: []localapi.NetRelay{{URL: "qpc-relay://a"}}}, "No relay answers", "port 7001"},
		{"stopped", localapi.Netcheck{Relays: []localapi.NetRelay{{URL: "qpc-relay://a"}}}, "no relay runs on it", "operator"},
		{"open", localapi.Netcheck{Relays: up, UDP: yes, Reachable: yes}, "Nothing to do", "Nothing to do"},
		{"udp blocked", localapi.Netcheck{Relays: up, UDP: no, Reachable: unknown}, "blocks UDP", "Another network"},
		{"symmetric", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "dependent", PortMap: "none"}, "is strict (symmetric NAT)", "turn on UPnP"},
		{"symmetric, not asked", localapi.Netcheck{Relays: up, UDP: yes, NAT: "dependent", PortMap: "off"}, "is strict", "--port-map on"},
		{"cone", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "independent", PortMap: "refused"}, "behind a router, which lets through", "Nothing to do"},
		{"firewall", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "none"}, "let UDP port 7001 in", "with the help of a relay"},
		{"unknown NAT", localapi.Netcheck{Relays: up, UDP: yes, Reachable: no, NAT: "unknown", PortMap: "refused"}, "cannot be reached", "UDP port 7001"},
		{"one of two relays", localapi.Netcheck{Relays: append([]localapi.NetRelay{{URL: "qpc-relay://b"}}, up...), UDP: yes, Reachable: yes}, "Nothing to do", "qpc-relay://b does not answer"},
		{"no help", localapi.Netcheck{Relays: []localapi.NetRelay{{URL: "qpc-relay://b", Reached: true, Refused: "it has no room for that"}}, UDP: yes, Reachable: yes}, "Nothing to do", "does not help others to connect straight to this machine: it has no room"},
	} {
		got := advice(c.n, 7001, strings.HasPrefix(c.name, "offline") || c.name == "only a LAN", c.name == "stopped")
		if len(got) == 0 || !strings.Contains(got[0], c.want) || !strings.Contains(got[len(got)-1], c.last) {
			t.Errorf("%s: got %q, want %q and %q", c.name, got, c.want, c.last)
		}
	}
}
