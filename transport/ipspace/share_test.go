package ipspace

import (
	"net/netip"
	"slices"
	"testing"
)

func TestShares(t *testing.T) {
	for text, want := range map[string][]string{
		"1.2.3.4":               {"1.2.3.4/32"},
		"::ffff:1.2.3.4":        {"1.2.3.4/32"},
		"192.168.1.1":           {"192.168.1.1/32"},
		"2001:db8:1:1ff::1":     {"2001:db8:1:100::/56", "2001:db8:1::/48"},
		"fe80::1%eth0":          {"fe80::/56", "fe80::/48"},
		"127.0.0.1":             nil,
		"127.9.9.9":             nil,
		"::ffff:127.0.0.1":      nil,
		"::1":                   nil,
		"2001:db8:ffff:ffff::9": {"2001:db8:ffff:ff00::/56", "2001:db8:ffff::/48"},
	} {
		var got []string
		for _, s := range Shares(netip.MustParseAddr(text)) {
			got = append(got, s.Network.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("Shares(%s): got %v, want %v", text, got, want)
		}
		line, ok := Line(netip.MustParseAddr(text))
		if ok != (want != nil) || ok && line.String() != want[0] {
			t.Errorf("Line(%s): got %v, %v, want %v", text, line, ok, want)
		}
	}
	if s := Shares(netip.Addr{}); s != nil {
		t.Errorf("Shares of no address: got %v", s)
	}
}

func TestMost(t *testing.T) {
	for _, tt := range []struct {
		lines          int
		one, all, want int64
	}{
		{1, 10, 1000, 10},
		{1, 10, 5, 10}, // who may have more than there is sees to it himself
		{SiteLines, 10, 1000, 80},
		{SiteLines, 125, 1000, 500},
		{SiteLines, 600, 1000, 600},
	} {
		if got := (Share{Lines: tt.lines}).Most(tt.one, tt.all); got != tt.want {
			t.Errorf("%+v: got %d", tt, got)
		}
	}
}
