package ipspace

import (
	"net/netip"
	"testing"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]Scope{
		"0.0.0.0": None, "::": None, "224.0.0.251": None, "ff02::fb": None, "255.255.255.255": None,
		"127.0.0.1": Loopback, "::1": Loopback, "127.9.9.9": Loopback, "::ffff:127.0.0.1": Loopback,
		"10.0.0.1": Local, "172.16.0.1": Local, "192.168.1.1": Local, "169.254.1.1": Local,
		"fe80::1": Local, "fd00::1": Local, "100.64.0.1": Local,
		"8.8.8.8": Public, "2001:4860:4860::8888": Public, "172.32.0.1": Public, "100.128.0.1": Public,
	} {
		if got := Of(netip.MustParseAddr(text)); got != want {
			t.Errorf("Of(%s): got %v, want %v", text, got, want)
		}
	}
}

func TestNear(t *testing.T) {
	own := []netip.Prefix{
		netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("192.168.7.9/24"),
		netip.MustParsePrefix("10.9.0.2/32"), netip.MustParsePrefix("2001:db8:1::2/64"), netip.MustParsePrefix("::1/128"),
	}
	for text, want := range map[string]bool{
		"127.0.0.1": false, "::1": false, "127.1.2.3": false,
		"192.168.7.200": true, "192.168.7.9": true, "::ffff:192.168.7.1": true,
		"192.168.8.1": false, "10.9.0.2": false, "8.8.8.8": false,
		"169.254.3.4": false, "fe80::1": true, "fe80::1%eth0": true,
		"2001:db8:1::77": true, "2001:db8:2::77": false,
	} {
		if got := Near(netip.MustParseAddr(text), own); got != want {
			t.Errorf("Near(%s): got %v, want %v", text, got, want)
		}
	}
	if got := Near(netip.Addr{}, own); got != false {
		t.Errorf("Near of no address: got %v, want %v", got, false)
	}
}
