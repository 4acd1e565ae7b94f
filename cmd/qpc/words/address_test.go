package words

import (
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	const key = "12D3KooWCP5u9pYaFqCvzMELiJWc6YL4KDJBiv5JVZkNkXHyLmPp"
	for text, want := range map[string]string{
		"/ip4/1.2.3.4/udp/7/quic-v1: no answer; /dns/a.example/tcp/8: no answer": "1.2.3.4 port 7 (udp): no answer; a.example port 8 (tcp): no answer",
		"/ip6zone/eth0/ip6/fe80::1/udp/7/quic-v1":                                "fe80::1 port 7 (udp)",
		"/p2p/" + key + "/p2p-circuit: no answer":                                "straight, with the help of relay …kXHyLmPp: no answer",
		"/ip4/1.2.3.4/udp/7/quic-v1/p2p/" + key + "/p2p-circuit":                 "straight, with the help of relay 1.2.3.4:7 (…kXHyLmPp)",
		"/ip6/2a10::1/udp/7/quic-v1/p2p/" + key + "/p2p-circuit":                 "straight, with the help of relay [2a10::1]:7 (…kXHyLmPp)",
		"connection lost": "connection lost",
	} {
		if got := Places(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestRelayName(t *testing.T) {
	const key = "12D3KooWCP5u9pYaFqCvzMELiJWc6YL4KDJBiv5JVZkNkXHyLmPp"
	for url, want := range map[string]string{
		"qpc-relay://" + key + "@relay.example:7000": "relay.example:7000 (…kXHyLmPp)",
		"qpc-relay://" + key + "@[2a10::1]:7000":     "[2a10::1]:7000 (…kXHyLmPp)",
		"qpc-relay://x@y\x1b[31m":                    "y",
		"":                                           "",
	} {
		if got := RelayName(url); got != want && !(want == "y" && !strings.Contains(got, "\x1b")) {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
}
