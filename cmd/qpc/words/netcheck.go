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
		"independent": "yes, one port for all destinations: holes can be punched",
		"dependent":   "yes, another port for each destination (symmetric): holes can be punched to few",
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
	line("UDP", "%s", udpWords[n.UDP])
	line("IPv4", "%s", familyWords[n.IPv4])
	line("IPv6", "%s", familyWords[n.IPv6])
	line("NAT", "%s", natWords[n.NAT])
	for _, s := range n.Seen {
		line("", "seen as %s by %s", Places(s.Addr), cli.Defuse(s.Relay))
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
			line("relay", "%s does not answer: %s", cli.Defuse(r.URL), Places(r.Error))
			continue
		}
		line("relay", "%s answers in %s over %s", cli.Defuse(r.URL), r.RTT, strings.ToUpper(r.Transport))
	}
	if len(n.Relays) == 0 {
		line("relay", "none")
	}
	lan := n.LAN
	if n.LAN != "off" {
		lan = fmt.Sprintf("%s, %s heard there", n.LAN, Count(n.Nearby, "other machine", "other machines"))
	}
	line("LAN", "%s", lan)
	for _, a := range n.Advice {
		fmt.Fprintf(&b, "\n%s", cli.Defuse(a))
	}
	return b.String()
}
