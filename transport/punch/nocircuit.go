package punch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"
)

// Why a relay has no circuit to a peer, in words for people.
var (
	errUnconnected = errors.New("this machine is not connected to that relay")
	errAbsent      = errors.New("their machine is not connected to that relay: it is off, not online, or not allowed there")
	errShut        = errors.New("that relay does not get through to their machine")
	errFull        = errors.New("that relay has no room for the call now")
	errLendsNone   = errors.New("that relay calls no machine for others")
)

// CircuitError says of each relay why it has no circuit to the peer. It matches
// ErrNoCircuit.
type CircuitError struct {
	asked map[peer.ID]error // those to which there was a connection
}

// noCircuit says why there is none at the addresses, each of which is a relay's.
func noCircuit(addrs []ma.Multiaddr, err error) *CircuitError {
	e := &CircuitError{asked: make(map[peer.ID]error)}
	for _, a := range addrs {
		e.asked[relayOf(a)] = err
	}
	var dial *swarm.DialError
	if errors.As(err, &dial) {
		for _, t := range dial.DialErrors {
			e.asked[relayOf(t.Address)] = refusal(t.Cause)
		}
	}
	return e
}

// relayOf is whose circuit an address is, or "".
func relayOf(a ma.Multiaddr) peer.ID {
	text, _ := a.ValueForProtocol(ma.P_P2P) // the first: the relay's
	p, err := peer.Decode(text)
	if err != nil {
		return ""
	}
	return p
}

// refusal puts into words what a relay said that was asked for a circuit. The library
// hands on the name of the status alone.
func refusal(err error) error {
	var unknown multistream.ErrNotSupported[protocol.ID]
	says := func(s pb.Status) bool { return strings.Contains(err.Error(), s.String()) }
	switch {
	case errors.As(err, &unknown), says(pb.Status_PERMISSION_DENIED):
		return fmt.Errorf("%w: %w", errLendsNone, err)
	case says(pb.Status_NO_RESERVATION):
		return fmt.Errorf("%w: %w", errAbsent, err)
	case says(pb.Status_CONNECTION_FAILED):
		return fmt.Errorf("%w: %w", errShut, err)
	case says(pb.Status_RESOURCE_LIMIT_EXCEEDED):
		return fmt.Errorf("%w: %w", errFull, err)
	}
	return err
}

// Heard reports whether an error of Connect, or of CircuitError, tells more than that
// nobody was asked.
func Heard(err error) bool {
	return Reason(err) != "" && !errors.Is(err, errUnconnected) && !errors.Is(err, ErrLately) && !errors.Is(err, ErrBusy)
}

// At returns why one relay has no circuit.
func (e *CircuitError) At(relay peer.ID) error {
	if err := e.asked[relay]; err != nil {
		return err
	}
	return errUnconnected
}

// Error lists the relays that were asked.
func (e *CircuitError) Error() string {
	var b strings.Builder
	b.WriteString(ErrNoCircuit.Error())
	for p, err := range e.asked {
		fmt.Fprintf(&b, "; relay %s: %v", p, err)
	}
	return b.String()
}

// Is reports whether target is ErrNoCircuit.
func (e *CircuitError) Is(target error) bool { return target == ErrNoCircuit }
