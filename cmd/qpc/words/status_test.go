package words

import (
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// TestNetworkWords asks that addresses and machines read as people know them.
func TestNetworkWords(t *testing.T) {
	const addr = "/ip4/192.168.7.1/udp/38703/quic-v1/p2p/12D3KooWCP5u9pYaFqCvzMELiJWc6YL4KDJBiv5JVZkNkXHyLmPp"
	for text, want := range map[string]string{
		Status(localapi.Status{Addrs: []string{addr}}):                                                        "listening on 192.168.7.1 port 38703 (udp)\n",
		Status(localapi.Status{Name: "anna", Online: "no"}):                                                   "\nThis machine is not online: it has no network. Switch on Wi-Fi or plug in the cable.\n",
		Status(localapi.Status{Online: "yes", Relays: []localapi.Relay{{URL: relayURL, Error: "no answer"}}}): "relay " + relayURL + " not reached: no answer (qpc netcheck says what to do)\n",
		Netcheck(localapi.Netcheck{Seen: []localapi.NetSeen{{Relay: relayKey, Addr: "/ip4/192.168.7.1/udp/38703/quic-v1"}}, Relays: []localapi.NetRelay{{URL: relayURL, Reached: true, RTT: "2ms", Transport: "udp"}}}): "seen as 192.168.7.1 port 38703 (udp) by relay relay.example:7000 (…kXHyLmPp)\n",
		Netcheck(localapi.Netcheck{Relays: []localapi.NetRelay{{URL: relayURL, Reached: true, RTT: "2ms", Transport: "udp"}}}):                                                                                          "relay            relay.example:7000 (…kXHyLmPp) answers in 2ms over UDP\n",
		Netcheck(localapi.Netcheck{Relays: []localapi.NetRelay{{URL: relayURL, Error: "no answer"}}}):                                                                                                                   "relay            relay.example:7000 (…kXHyLmPp) does not answer\n",
		Netcheck(localapi.Netcheck{Online: "no", LAN: "off", Advice: []string{"not online"}}):                                                                                                                           "not online\n\nUDP  ",
		Netcheck(localapi.Netcheck{Online: "yes", LAN: "off", Advice: []string{"first", "second"}}):                                                                                                                     "LAN              off\n\nfirst\nsecond",
		Netcheck(localapi.Netcheck{LAN: "on", Nearby: 1}):                                                                                                                                                               "on, 1 other machine heard there\n",
		Netcheck(localapi.Netcheck{LAN: "on", Nearby: 2}):                                                                                                                                                               "on, 2 other machines heard there\n",
		Netcheck(localapi.Netcheck{LAN: "off", NAT: "none"}):                                                                                                                                                            "LAN              off\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %q in it", text, want)
		}
	}
}
