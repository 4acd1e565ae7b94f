package transport

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseAddr(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"/ip4/1.2.3.4/udp/7000/quic-v1", "/ip4/1.2.3.4/udp/7000/quic-v1"},
		{"/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/udp/0/quic-v1"},
		{"/ip6/2001:DB8:0::1/udp/1/quic-v1", "/ip6/2001:db8::1/udp/1/quic-v1"},
		{"/ip6/::/udp/0/quic-v1", "/ip6/::/udp/0/quic-v1"},
		{"/dns/relay.example.org/udp/7000/quic-v1", "/dns/relay.example.org/udp/7000/quic-v1"},
		{"/dns4/a-b_c.example/udp/7000/quic-v1", "/dns4/a-b_c.example/udp/7000/quic-v1"},
		{"/dns6/localhost/tcp/7000", "/dns6/localhost/tcp/7000"},
		{"/ip4/1.2.3.4/tcp/7000", "/ip4/1.2.3.4/tcp/7000"},
		{in: ""},
		{in: "/"},
		{in: "/ip4/1.2.3.4"},
		{in: "/ip4/1.2.3.4/udp/7000"},
		{in: "/ip4/1.2.3/udp/7000/quic-v1"},
		{in: "/ip4/1.2.3.4/udp/70000/quic-v1"},
		{in: "/ip4/1.2.3.4/udp/7000/quic-v1/quic-v1"},
		{in: "/ip4/1.2.3.4/udp/7000/quic"},
		{in: "/ip4/1.2.3.4/udp/7000/quic-v1/webtransport"},
		{in: "/ip4/1.2.3.4/udp/7000/quic-v1/p2p/" + keyFor(1).String()},
		{in: "/ip4/1.2.3.4/udp/7000/quic-v1/p2p/" + keyFor(1).String() + "/p2p-circuit"},
		{in: "/ip4/1.2.3.4/tcp/7000/ws"},
		{in: "/ip6/::ffff:127.0.0.1/udp/7000/quic-v1"},
		{in: "/ip6zone/eth0/ip6/fe80::1/udp/7000/quic-v1"},
		{in: "/dns/1.2.3.4/udp/7000/quic-v1"},
		{in: "/dns/a..b/udp/7000/quic-v1"},
		{in: "/dns/a b/udp/7000/quic-v1"},
		{in: "/dns/\x1b[31m/udp/7000/quic-v1"},
		{in: "/dns/" + strings.Repeat("a.", 126) + "bc/udp/1/quic-v1"},
		{in: "/dnsaddr/example.org/udp/7000/quic-v1"},
		{in: "/unix/tmp/x"},
		{in: strings.Repeat("/ip4/1.2.3.4", 1000)},
	} {
		got, err := ParseAddr(tt.in)
		if (err == nil) != (tt.want != "") || string(got) != tt.want {
			t.Errorf("ParseAddr(%q): got %q, %v, want %q", tt.in, got, err, tt.want)
		}
		if err != nil {
			continue
		}
		if back, err := ParseAddrBytes(got.Bytes()); err != nil || back != got {
			t.Errorf("ParseAddrBytes of %q: got %q, %v", got, back, err)
		}
	}
}

func TestAddrParts(t *testing.T) {
	a := mustAddr(t, "/ip6/2001:db8::1/udp/7000/quic-v1")
	if a.Host() != "2001:db8::1" || a.Port() != 7000 {
		t.Errorf("got %q and %d", a.Host(), a.Port())
	}
	if got, want := a.withPort(1), Addr("/ip6/2001:db8::1/udp/1/quic-v1"); got != want {
		t.Errorf("withPort: got %v, want %v", got, want)
	}
	if got, want := a.WithKey(keyFor(1)), string(a)+"/p2p/"+keyFor(1).String(); got != want {
		t.Errorf("WithKey: got %v, want %v", got, want)
	}
	var none Addr
	if none.Host() != "" || none.Port() != 0 || none.Bytes() != nil || none.CanDial() || none.withPort(1) != "" {
		t.Error("the zero address has parts")
	}
}

func TestAddrFor(t *testing.T) {
	for host, want := range map[string]Addr{
		"1.2.3.4":     "/ip4/1.2.3.4/udp/9/quic-v1",
		"::1":         "/ip6/::1/udp/9/quic-v1",
		"example.org": "/dns/example.org/udp/9/quic-v1",
		"a/b":         "",
		"":            "",
		"fe80::1%en0": "",
	} {
		if got, err := AddrFor(host, 9); got != want || (err == nil) != (want != "") {
			t.Errorf("AddrFor(%q): got %q, %v, want %q", host, got, err, want)
		}
	}
}

func TestReach(t *testing.T) {
	for text, want := range map[string]reach{
		"0.0.0.0": reachNone, "::": reachNone, "224.0.0.251": reachNone, "ff02::fb": reachNone, "255.255.255.255": reachNone,
		"127.0.0.1": reachLoopback, "::1": reachLoopback, "127.9.9.9": reachLoopback, "::ffff:127.0.0.1": reachLoopback,
		"10.0.0.1": reachLocal, "172.16.0.1": reachLocal, "192.168.1.1": reachLocal, "169.254.1.1": reachLocal,
		"fe80::1": reachLocal, "fd00::1": reachLocal, "100.64.0.1": reachLocal,
		"8.8.8.8": reachPublic, "2001:4860:4860::8888": reachPublic, "172.32.0.1": reachPublic, "100.128.0.1": reachPublic,
	} {
		if got := reachOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("reachOf(%s): got %v, want %v", text, got, want)
		}
	}
}

func TestPathOf(t *testing.T) {
	own := []netip.Prefix{
		netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("192.168.7.9/24"),
		netip.MustParsePrefix("10.9.0.2/32"), netip.MustParsePrefix("2001:db8:1::2/64"), netip.MustParsePrefix("::1/128"),
	}
	for text, want := range map[string]Path{
		"127.0.0.1": PathDirect, "::1": PathDirect, "127.1.2.3": PathDirect,
		"192.168.7.200": PathLAN, "192.168.7.9": PathLAN, "::ffff:192.168.7.1": PathLAN,
		"192.168.8.1": PathDirect, "10.9.0.2": PathDirect, "8.8.8.8": PathDirect,
		"169.254.3.4": PathLAN, "fe80::1": PathLAN, "fe80::1%eth0": PathLAN,
		"2001:db8:1::77": PathLAN, "2001:db8:2::77": PathDirect,
	} {
		if got := pathOf(netip.MustParseAddr(text), own); got != want {
			t.Errorf("pathOf(%s): got %v, want %v", text, got, want)
		}
	}
	if got := pathOf(netip.Addr{}, own); got != PathDirect {
		t.Errorf("pathOf of no address: got %v, want %v", got, PathDirect)
	}
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"/ip4/1.2.3.4/udp/7000/quic-v1", "/ip6/::1/tcp/1", "/dns/a.b/udp/1/quic-v1"} {
		f.Add([]byte(s))
		f.Add(Addr(s).Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := ParseAddr(string(b)); err == nil {
			if again, err := ParseAddr(string(a)); err != nil || again != a {
				t.Errorf("text %q: again %q, %v", a, again, err)
			}
			if again, err := ParseAddrBytes(a.Bytes()); err != nil || again != a {
				t.Errorf("bytes of %q: again %q, %v", a, again, err)
			}
		}
		if a, err := ParseAddrBytes(b); err == nil && string(a.Bytes()) != string(b) {
			t.Errorf("bytes %x give %q, whose bytes differ", b, a)
		}
	})
}

// mustAddr parses an address that a test is sure of.
func mustAddr(t testing.TB, text string) Addr {
	t.Helper()
	a, err := ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
