package words

import "testing"

func TestPlaces(t *testing.T) {
	const key = "12D3KooWCP5u9pYaFqCvzMELiJWc6YL4KDJBiv5JVZkNkXHyLmPp"
	for text, want := range map[string]string{
		"/ip4/1.2.3.4/udp/7/quic-v1: no answer; /dns/a.example/tcp/8: no answer": "1.2.3.4 port 7 (udp): no answer; a.example port 8 (tcp): no answer",
		"/ip6zone/eth0/ip6/fe80::1/udp/7/quic-v1":                                "fe80::1 port 7 (udp)",
		"/p2p/" + key + "/p2p-circuit: no answer":                                "by way of relay " + key + ": no answer",
		"/ip4/1.2.3.4/udp/7/quic-v1/p2p/" + key + "/p2p-circuit":                 "by way of relay " + key,
		"connection lost": "connection lost",
	} {
		if got := Places(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
