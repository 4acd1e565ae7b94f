package words

import (
	"fmt"
	"strings"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// What the words of a Netcheck mean, for people.
var (
	udpWords = map[string]string{
		"yes": "works", "no": "is blocked: relays answer over TCP alone", "unknown": "unknown, nobody else is reached",
	}
	familyWords = map[string]string{
		"yes": "works", "address": "this machine has an address; nobody else is reached over it", "no": "none here",
	}
	natWords = map[string]string{
		"none":        "none: relays see an address of this machine itself",
		"independent": "a router is before this machine; most people connect straight through it, with the help of a relay",
		"dependent":   "a strict router (symmetric NAT) is before this machine; few people connect straight through it",
		"unknown":     "unknown: it takes two relays that see this machine from outside to tell",
	}
	portMapWords = map[string]string{
		"off": "not asked (--port-map off, or only loopback)", "none": "no router answers UPnP or NAT-PMP", "refused": "a router answers and forwards nothing",
		"open": "the router forwards",
	}
	reachableWords = map[string]string{
		"yes": "yes, a relay could dial this machine", "no": "no, a relay tried in vain", "unknown": "unknown, no relay has tried",
	}
)

// Netcheck is how a machine is connected, and what to do about it.
func Netcheck(n localapi.Netcheck) string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-16s %s\n", what, fmt.Sprintf(format, args...))
	}
	var advice []string
	for _, a := range n.Advice {
		advice = append(advice, cli.Defuse(a))
	}
	if n.Online == "no" {
		fmt.Fprintf(&b, "%s\n\n", strings.Join(advice, "\n")) // the rest follows from it
	}
	line("UDP", "%s", udpWords[n.UDP])
	line("IPv4", "%s", familyWords[n.IPv4])
	line("IPv6", "%s", familyWords[n.IPv6])
	line("NAT", "%s", natWords[n.NAT])
	for _, s := range n.Seen {
		line("", "seen as %s by relay %s", Places(s.Addr), relayOf(n, s.Relay))
	}
	line("port forwarding", "%s", strings.TrimSpace(portMapWords[n.PortMap]+" "+Places(strings.Join(n.PortMapAddrs, ", "))))
	line("from outside", "%s", reachableWords[n.Reachable])
	for _, c := range n.Checks {
		state := "closed"
		if c.Open {
			state = "open"
		}
		line("", "%s is %s", Places(c.Addr), state)
	}
	for _, r := range n.Relays {
		if !r.Reached {
			line("relay", "%s%s", RelayName(r.URL), silent(r.Error))
			continue
		}
		line("relay", "%s answers in %s over %s", RelayName(r.URL), r.RTT, strings.ToUpper(r.Transport))
	}
	if len(n.Relays) == 0 {
		line("relay", "none")
	}
	lan := n.LAN
	if n.LAN != "off" {
		lan = fmt.Sprintf("%s, %s heard there", n.LAN, Count(n.Nearby, "other machine", "other machines"))
	}
	line("LAN", "%s", lan)
	if n.Online == "no" {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String() + "\n" + strings.Join(advice, "\n")
}

// relayOf names a relay that is asked for by its key.
func relayOf(n localapi.Netcheck, key string) string {
	for _, r := range n.Relays {
		if strings.Contains(r.URL, key) {
			return RelayName(r.URL)
		}
	}
	return shortKey(key)
}
