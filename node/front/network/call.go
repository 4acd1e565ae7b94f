package network

import (
	"context"
	"errors"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/tries"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Call calls the machine and the relays of a contact, which is called name here.
func (n *Network) Call(ctx context.Context, id rpc.Identity, name string) localapi.Ping {
	host, relays := n.cfg.Deliverer.Places(id)
	p := localapi.Ping{Identity: transport.Key(id).String(), Name: name, Path: localapi.PathNone}
	found := make(chan call, 1)
	go func() { found <- n.call(ctx, host) }()
	answers := make([]chan call, len(relays))
	for i, r := range relays {
		answers[i] = make(chan call, 1)
		go func() { answers[i] <- n.call(ctx, r.Key) }()
	}
	kept, called := "", []call(nil)
	for i, r := range relays {
		a := <-answers[i]
		called = append(called, a)
		p.Relays = append(p.Relays, localapi.PingRelay{URL: r.String(), Reached: a.err == nil, RTT: a.rtt, Error: a.reason()})
		if a.err == nil && kept == "" {
			kept = r.Place()
		}
	}
	a := <-found
	p.Reached, p.RTT, p.Dialled, p.Error = a.err == nil, a.rtt, a.dialled, a.reason()
	state := n.cfg.Host.Peer(host)
	if p.Reached {
		p.Path, p.Addr = localapi.Path(state.Path), state.Remote.String()
	}
	for _, t := range state.Tried {
		p.Tried = append(p.Tried, localapi.Tried{Addr: t.Addr.String(), Error: t.Err, Time: localapi.Time{Time: t.At}})
	}
	p.Online = n.Online()
	p.Why = outlook(p, kept, offline(p.Online, append(called, a)...))
	return p
}

// outlook says what becomes of a message now; kept is the relay that answers, and offline
// that no network of this machine leads to any of them.
func outlook(p localapi.Ping, kept string, offline bool) string {
	switch {
	case p.Reached:
		return "a message goes straight to their machine"
	case kept != "":
		return "a message goes to their relay " + kept + ": their machine fetches it there at once if it is up and only cannot be reached from here, else when it is back"
	case offline:
		return "this machine is not online: a message waits here and goes out by itself when it is"
	case len(p.Relays) > 0:
		return "neither their machine nor a relay of theirs answers: a message waits here and goes out by itself when one does; qpc netcheck says whether it is this machine that is cut off"
	default:
		return "their machine does not answer and they have no relay: a message waits here until both machines are up; a relay would keep it (qpc relay add URL, on their side)"
	}
}

// call is how a machine answered.
type call struct {
	rtt, dialled string
	err          error
}

// stopped reports whether a machine answers that nothing runs there.
func (c call) stopped() bool {
	var dial *transport.DialError
	return errors.As(c.err, &dial) && dial.Stopped()
}

func (c call) reason() string {
	if c.err == nil {
		return ""
	}
	return tries.Short(c.err)
}

const (
	// pings is how many round trips a call takes, pingWait how long one may, and
	// pingDial how long it may take to connect.
	pings    = 3
	pingWait = 3 * time.Second
	pingDial = 6 * time.Second
)

// call connects to a machine, if need be, and measures its round trip. A link that
// is dead is replaced once.
func (n *Network) call(ctx context.Context, k [32]byte) (c call) {
	for range 2 {
		began := time.Now()
		connected := n.cfg.Host.Peer(k).Connected
		dialling, cancel := context.WithTimeout(ctx, pingDial)
		client, drop, err := n.cfg.Deliverer.Client(dialling, k)
		cancel()
		if err != nil {
			return call{err: err}
		}
		if !connected {
			c.dialled = Took(time.Since(began))
		}
		if c.rtt, c.err = roundTrip(ctx, client); c.err == nil || !connected {
			return c
		}
		drop()
	}
	return c
}

func roundTrip(ctx context.Context, client *rpc.Client) (string, error) {
	var least time.Duration
	for i := range pings {
		ctx, cancel := context.WithTimeout(ctx, pingWait)
		began := time.Now()
		_, err := client.Health(ctx)
		rtt := time.Since(began)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return "", errors.New("it is connected and does not answer")
		case err != nil:
			return "", err
		}
		if i == 0 || rtt < least {
			least = rtt
		}
	}
	return Took(least), nil
}

// Took is a duration as it is shown: what nobody can tell apart is left out.
func Took(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= 10*time.Millisecond:
		d = d.Round(time.Millisecond)
	default:
		d = d.Round(10 * time.Microsecond)
	}
	return d.String()
}
