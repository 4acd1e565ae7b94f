package integration

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
	"quicnprotochat/transport/reach"
)

// TestOutside: a node learns from its relay at which address it is seen in the
// internet, has the relay dial it back there, and tells contacts the address unless
// that fails. Without a NAT it is its own; behind one that lets in whoever was sent
// to, it is of no use; and behind a full cone it is. One with IPv6 alone has no NAT.
func TestOutside(t *testing.T) {
	l := newNATLab(t)
	kinds := []site{siteNone, sitePort, siteCone}
	var nodes []*process
	for i, s := range kinds {
		name := string(rune('a' + i))
		l.settle(name, s, 21+i)
		nodes = append(nodes, l.node(name, string(s), s))
	}
	l.online(nodes...)
	for i, p := range nodes {
		if kinds[i] == siteNone {
			continue // nothing is to be found out
		}
		eventually(t, "the relay has dialled "+p.name+" back", func() bool {
			log, err := os.ReadFile(p.home + ".log")
			return err == nil && strings.Contains(string(log), `"dialled back"`)
		})
	}
	for i, p := range nodes {
		want := kinds[i] != sitePort
		eventually(t, p.name+" knows whether to tell its public address", func() bool {
			return want == slices.ContainsFunc(p.status(t).Addrs, func(a string) bool { return strings.HasPrefix(a, "/ip4/11.0.0.") })
		})
	}
	l.settle("d", siteIP6, 24)
	alone := l.node("d", "ip6", siteIP6)
	l.online(alone)
	eventually(t, "a machine with IPv6 alone learns that no NAT is before it", func() bool {
		var n localapi.Netcheck
		err := alone.call(func(b []byte) error { return json.Unmarshal(b, &n) }, "netcheck")
		return err == nil && n.NAT == string(reach.NATNone)
	})
}
