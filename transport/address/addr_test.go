package address

import (
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
	if got, want := a.WithPort(1), Addr("/ip6/2001:db8::1/udp/1/quic-v1"); got != want {
		t.Errorf("withPort: got %v, want %v", got, want)
	}
	if got, want := a.WithKey(keyFor(1)), string(a)+"/p2p/"+keyFor(1).String(); got != want {
		t.Errorf("WithKey: got %v, want %v", got, want)
	}
	var none Addr
	if none.Host() != "" || none.Port() != 0 || none.Bytes() != nil || none.CanDial() || none.WithPort(1) != "" {
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
