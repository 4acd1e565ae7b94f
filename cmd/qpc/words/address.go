package words

import (
	"net"
	"regexp"
	"strings"
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
	text = find[0].ReplaceAllStringFunc(cli.Defuse(text), func(circuit string) string {
		part := find[0].FindStringSubmatch(circuit)
		place := ""
		if part[1] != "" {
			place = net.JoinHostPort(part[1], part[3])
		}
		return "straight, with the help of relay " + relayName(part[4], place)
	})
	return find[1].ReplaceAllString(text, "$1 port $3 ($2)")
}

// RelayName is a relay as people know it, from its URL: HOST:PORT, and the end of its key.
func RelayName(url string) string {
	key, place, ok := strings.Cut(strings.TrimPrefix(url, "qpc-relay://"), "@")
	if !ok {
		return cli.Defuse(url)
	}
	return relayName(key, place)
}

// relayName is RelayName of a key, which may be all that is known.
func relayName(key, place string) string {
	end := shortKey(key)
	if place == "" {
		return end
	}
	return cli.Defuse(place) + " (" + end + ")"
}

// shortKey is the end of a key, by which people can tell it from others.
func shortKey(key string) string { return cli.Defuse("…" + key[max(0, len(key)-8):]) }
