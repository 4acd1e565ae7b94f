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
		Status(localapi.Status{Addrs: []string{addr}}):       "listening on 192.168.7.1 port 38703 (udp)\n",
		Netcheck(localapi.Netcheck{LAN: "on", Nearby: 1}):    "on, 1 other machine heard there\n",
		Netcheck(localapi.Netcheck{LAN: "on", Nearby: 2}):    "on, 2 other machines heard there\n",
		Netcheck(localapi.Netcheck{LAN: "off", NAT: "none"}): "LAN              off\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %q in it", text, want)
		}
	}
}
