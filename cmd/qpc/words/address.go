package words

import (
	"regexp"
	"sync"

	"quicnprotochat/cmd/qpc/cli"
)

// addresses finds the addresses that machines are dialled at, in a text for people: a
// circuit at a relay, and an IP address or name with its port.
var addresses = sync.OnceValue(func() (all [2]*regexp.Regexp) {
	const place = `(?:/ip6zone/[^/\s]+)?/(?:ip4|ip6|dns|dns4|dns6)/([^/\s;]+)/(udp|tcp)/(\d+)(?:/quic-v1)?`
	return [2]*regexp.Regexp{regexp.MustCompile(`(?:` + place + `)?/p2p/(12D3Koo[1-9A-Za-z]+)/p2p-circuit`), regexp.MustCompile(place)}
})

// Places makes a text safe for terminals, and the addresses in it such as people know
// them.
func Places(text string) string {
	find := addresses()
	text = find[0].ReplaceAllString(cli.Defuse(text), "by way of relay $4")
	return find[1].ReplaceAllString(text, "$1 port $3 ($2)")
}
