package localapi

import (
	"context"
	"net/http"
	"time"
)

// Netcheck is how this machine is connected and can be reached. Its lists are never
// null in JSON. Of what nothing is known, the answer is "unknown".
type Netcheck struct {
	// UDP is yes if something answers over it, no if relays answer over TCP alone.
	UDP string `json:"udp"`
	// IPv4 and IPv6 are yes if something beyond this machine answers over them,
	// address if this machine has one and nothing has proved it yet, else no.
	IPv4 string `json:"ipv4"`
	IPv6 string `json:"ipv6"`
	// Addrs are those that this machine gives its contacts.
	Addrs []string `json:"addrs"`
	// Seen are the addresses that relays see this machine at.
	Seen []NetSeen `json:"seen"`
	// NAT is none, independent (one port for all destinations: holes can be punched),
	// dependent (another for each) or unknown.
	NAT string `json:"nat"`
	// PortMap is what became of asking the router to forward our port: off, none (no
	// router answers), refused or open; PortMapAddrs is what it forwards.
	PortMap      string   `json:"port_map"`
	PortMapAddrs []string `json:"port_map_addrs"`
	// Reachable is yes if a relay could dial this machine from afar, no if it could
	// not; Checks are its tries.
	Reachable string     `json:"reachable"`
	Checks    []NetTried `json:"checks"`
	// Relays are the home relays.
	Relays []NetRelay `json:"relays"`
	// LAN is on, contacts or off, Nearby how many are heard there.
	LAN    string `json:"lan"`
	Nearby int    `json:"nearby"`
	Online string `json:"online"` // as in Status
	// Advice says what follows and what to do, the most important first; one sentence
	// or more each, never empty.
	Advice []string `json:"advice"`
}

// NetSeen is an address of this machine and the relay that sees it.
type NetSeen struct {
	Relay string `json:"relay"`
	Addr  string `json:"addr"`
}

// NetTried is what came of a relay's try to dial an address of this machine.
type NetTried struct {
	Addr string `json:"addr"`
	Open bool   `json:"open"`
	Time Time   `json:"time"`
}

// NetRelay is a home relay and how it answers.
type NetRelay struct {
	URL     string `json:"url"`
	Reached bool   `json:"reached"`
	// Transport is udp or tcp, RTT the fastest of three round trips; empty if it does
	// not answer, and then Error says why.
	Transport string `json:"transport"`
	RTT       string `json:"rtt"`
	Error     string `json:"error"`
	// Reserved says that others may call this machine there to punch holes, Refused
	// why they may not, if it is the relay that says so.
	Reserved bool   `json:"reserved"`
	Refused  string `json:"refused"`
}

// netcheckTime bounds how long a Netcheck takes.
const netcheckTime = 15 * time.Second

func (s *Server) netcheck(ctx context.Context) (Netcheck, error) {
	ctx, cancel := context.WithTimeout(ctx, netcheckTime)
	defer cancel()
	n, err := s.cfg.Reasons.Netcheck(ctx)
	n.Addrs, n.Seen, n.PortMapAddrs = present(n.Addrs), present(n.Seen), present(n.PortMapAddrs)
	n.Checks, n.Relays, n.Advice = present(n.Checks), present(n.Relays), present(n.Advice)
	return n, err
}

// Netcheck says how this machine is connected and can be reached.
func (c *Client) Netcheck(ctx context.Context) (v Netcheck, err error) {
	return v, c.callFor(ctx, netcheckTime, http.MethodPost, "/v1/netcheck", nil, &v)
}
