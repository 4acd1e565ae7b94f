package address

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestRelayURL(t *testing.T) {
	id := keyFor(1).String()
	for _, tt := range []struct {
		in, want, addr string
	}{
		{"qpc-relay://ID@relay.example.org:7000", "", "/dns/relay.example.org/udp/7000/quic-v1"},
		{"qpc-relay://ID@Relay.Example.org:7000", "qpc-relay://ID@relay.example.org:7000", "/dns/relay.example.org/udp/7000/quic-v1"},
		{"qpc-relay://ID@127.0.0.1:1", "", "/ip4/127.0.0.1/udp/1/quic-v1"},
		{"qpc-relay://ID@[2001:db8::1]:65535", "", "/ip6/2001:db8::1/udp/65535/quic-v1"},
		{"qpc-relay://ID@[2001:DB8:0::1]:7", "qpc-relay://ID@[2001:db8::1]:7", "/ip6/2001:db8::1/udp/7/quic-v1"},
	} {
		in := strings.Replace(tt.in, "ID", id, 1)
		want := in
		if tt.want != "" {
			want = strings.Replace(tt.want, "ID", id, 1)
		}
		u, err := ParseRelayURL(in)
		if err != nil || u.String() != want || u.Key != keyFor(1) {
			t.Errorf("ParseRelayURL(%q): got %q, %v", in, u, err)
		}
		if got := u.Addrs(); !slices.Equal(got, []Addr{Addr(tt.addr), Addr(tt.addr).OverTCP()}) {
			t.Errorf("Addrs of %q: got %v, want %v", in, got, tt.addr)
		}
	}
}

func TestRelayURLRefuses(t *testing.T) {
	id := keyFor(1).String()
	for _, in := range []string{
		"", "qpc-relay://", "relay.example.org:7000", id + "@h:1", "qpc-relay://@h:1", "qpc-relay://ID", "qpc-relay://ID@",
		"qpc-relay://ID@h", "qpc-relay://ID@h:", "qpc-relay://ID@:7000", "qpc-relay://ID@h:0", "qpc-relay://ID@h:65536",
		"qpc-relay://ID@h:07", "qpc-relay://ID@h:+7", "qpc-relay://ID@h:7/", "qpc-relay://ID@h:7?x", "qpc-relay://ID@h:7 ",
		" qpc-relay://ID@h:7", "QPC-RELAY://ID@h:7", "qpc-relay://ID@2001:db8::1:7", "qpc-relay://ID@[1.2.3.4]:7",
		"qpc-relay://ID@[h]:7", "qpc-relay://ID@0.0.0.0:7", "qpc-relay://ID@[::]:7", "qpc-relay://ID@[fe80::1%25eth0]:7",
		"qpc-relay://ID@[fe80::1%eth0]:7", "qpc-relay://ID@[::ffff:1.2.3.4]:7", "qpc-relay://ID@1.2.3:7", "qpc-relay://ID@u@h:7",
		"qpc-relay://ID@a_very bad:7", "qpc-relay://IDx@h:7", "qpc-relay://ID@" + strings.Repeat("a.", 200) + "b:7",
	} {
		in = strings.Replace(in, "ID", id, 1)
		if u, err := ParseRelayURL(in); err == nil {
			t.Errorf("ParseRelayURL(%q): got %v, want an error", in, u)
		}
	}
}

func TestRelayURLJSON(t *testing.T) {
	u, err := NewRelayURL(keyFor(1), "::1", 7)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal([]RelayURL{u, {}})
	if err != nil {
		t.Fatal(err)
	}
	var out []RelayURL
	if err := json.Unmarshal(b, &out); err != nil || !slices.Equal(out, []RelayURL{u, {}}) {
		t.Errorf("got %v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`["x"]`), &out); err == nil {
		t.Error("malformed URL: got no error")
	}
}

func TestAnnounceHost(t *testing.T) {
	for _, tt := range []struct {
		announce string
		listen   []Addr
		want     string
	}{
		{"example.org", []Addr{"/ip4/1.2.3.4/udp/7/quic-v1"}, "example.org"},
		{"", []Addr{"/ip4/0.0.0.0/udp/7/quic-v1", "/ip4/1.2.3.4/udp/7/quic-v1"}, "1.2.3.4"},
		{"", []Addr{"/ip4/127.0.0.1/udp/7/quic-v1"}, "127.0.0.1"},
		{"", []Addr{"/ip6/::1/udp/7/quic-v1"}, "::1"},
	} {
		if got := AnnounceHost(tt.announce, tt.listen); got != tt.want {
			t.Errorf("AnnounceHost(%q, %v): got %v, want %v", tt.announce, tt.listen, got, tt.want)
		}
	}
	if _, err := ParseHost(AnnounceHost("", nil)); err != nil {
		t.Errorf("host of this machine: %v", err)
	}
}

func FuzzParseRelayURL(f *testing.F) {
	f.Add("qpc-relay://" + keyFor(1).String() + "@example.org:7000")
	f.Add("qpc-relay://" + keyFor(1).String() + "@[2001:db8::1]:7000")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseRelayURL(text)
		if err != nil {
			return
		}
		if again, err := ParseRelayURL(u.String()); err != nil || again != u {
			t.Errorf("%q: again %v, %v", text, again, err)
		}
		if len(u.Addrs()) == 0 {
			t.Errorf("%q has no address", text)
		}
	})
}
