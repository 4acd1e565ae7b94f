package outside

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestMapping(t *testing.T) {
	const home, router, other = "/ip4/192.168.1.2/udp/4001/quic-v1", "/ip4/11.0.0.1/udp/4001/quic-v1", "/ip4/11.0.0.1/udp/50000/quic-v1"
	seen := func(by peer.ID, addr string) Seen { return Seen{by, ma.StringCast(addr)} }
	for name, tt := range map[string]struct {
		own  string
		seen []Seen
		want Mapping
	}{
		"nobody looks":           {home, nil, MappingUnknown},
		"one relay":              {home, []Seen{seen("r1", router)}, MappingUnknown},
		"one relay, twice":       {home, []Seen{seen("r1", router), seen("r1", other)}, MappingUnknown},
		"no NAT":                 {router, []Seen{seen("r1", router)}, MappingNone},
		"same port":              {home, []Seen{seen("r1", router), seen("r2", router)}, MappingIndependent},
		"a port for each":        {home, []Seen{seen("r1", router), seen("r2", other)}, MappingDependent},
		"IPv6 is not asked":      {home, []Seen{seen("r1", router), seen("r2", "/ip6/2a10::1/udp/1/quic-v1")}, MappingUnknown},
		"an address for each":    {home, []Seen{seen("r1", router), seen("r2", "/ip4/11.0.0.9/udp/4001/quic-v1")}, MappingDependent},
		"no NAT, another family": {"/ip6/2a10::1/udp/1/quic-v1", []Seen{seen("r1", "/ip6/2a10::1/udp/1/quic-v1")}, MappingUnknown},
	} {
		if got := mappingOf(tt.seen, []ma.Multiaddr{ma.StringCast(tt.own)}); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestIsQUIC(t *testing.T) {
	for text, want := range map[string]bool{
		"/ip4/1.2.3.4/udp/1/quic-v1": true, "/ip6/2a10::1/udp/1/quic-v1": true, "/ip4/1.2.3.4/tcp/1": false, "/ip4/1.2.3.4/udp/1": false,
		"/dns/a.b/udp/1/quic-v1": false, "/p2p-circuit": false, "/ip4/1.2.3.4/udp/1/quic-v1/p2p-circuit": false,
	} {
		if got := isQUIC(ma.StringCast(text)); got != want {
			t.Errorf("isQUIC(%s): got %v", text, got)
		}
	}
	if isQUIC(nil) {
		t.Error("no address is one")
	}
}
