package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/quic-go/quic-go"

	"quicnprotochat/transport/address"
)

// maxReason bounds the text of a reason in bytes.
const maxReason = 200

// DialError says why no connection to a peer came about. It matches, with
// errors.Is, ErrWrongKey if an address proved another key, ErrNoAddress if none
// was known, and the error of the context if that ended first.
type DialError struct {
	Key      Key
	Attempts []Attempt // one per address, as far as known when Open returned

	cause error
}

// Error lists what was tried.
func (e *DialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dial %s", e.Key)
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	for i, t := range e.Attempts {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s: %s", sep, t.Addr, t.Err)
	}
	return b.String()
}

// Unwrap returns the causes.
func (e *DialError) Unwrap() []error {
	var out []error
	if e.cause != nil {
		out = append(out, e.cause)
	}
	for _, t := range e.Attempts {
		if t.cause != nil {
			out = append(out, t.cause)
		}
	}
	return out
}

// failed describes an attempt that failed at the time now.
func failed(addr Addr, err error, now time.Time) Attempt {
	var mismatch sec.ErrPeerIDMismatch
	if errors.As(err, &mismatch) {
		err = ErrWrongKey
		if k, keyErr := address.KeyOfPeer(mismatch.Actual); keyErr == nil {
			err = fmt.Errorf("%w, %s", ErrWrongKey, k)
		}
	}
	return Attempt{Addr: addr, Err: reason(err), At: now, cause: err}
}

// noNetwork is the reason of an attempt for which this machine has no route.
const noNetwork = "no network of this machine leads there"

// Offline reports whether this machine has no network that leads to any of the
// addresses.
func (e *DialError) Offline() bool {
	return len(e.Attempts) > 0 && !slices.ContainsFunc(e.Attempts, func(t Attempt) bool { return t.Err != noNetwork })
}

// says reports whether err is that of a system call. Of what ends a connection by
// itself quic-go keeps the text alone.
func says(err error, no syscall.Errno) bool {
	text := err.Error()
	return errors.Is(err, no) || strings.HasPrefix(text, "INTERNAL_ERROR (local)") && strings.HasSuffix(text, ": "+no.Error())
}

// reason returns one clean line for an error; part of it may come from a peer.
func reason(err error) string {
	var timeout net.Error
	var refused *quic.TransportError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer"
	case errors.Is(err, context.Canceled):
		return "given up"
	case says(err, syscall.ENETUNREACH):
		return noNetwork
	case says(err, syscall.EPERM):
		return "a firewall of this machine forbids it"
	case says(err, syscall.EHOSTUNREACH):
		return "no machine is there"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, swarm.ErrDialToSelf):
		return "is an address of this machine's own node"
	case errors.Is(err, swarm.ErrNoTransport):
		return "needs a transport that is off"
	case errors.Is(err, network.ErrResourceLimitExceeded):
		return "too many connections"
	case errors.As(err, &refused) && refused.Remote && refused.ErrorCode == quic.ConnectionRefused:
		return "it takes no more connections now"
	}
	text := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, err.Error())
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "")
	}
	if text == "" {
		return "unknown error"
	}
	return text
}

// attempts lists what a failed dial of addrs says of each of them.
func attempts(addrs []Addr, err error, now time.Time) []Attempt {
	var out []Attempt
	seen := make(map[Addr]bool)
	resolved := false
	var dial *swarm.DialError
	if errors.As(err, &dial) {
		for _, te := range dial.DialErrors {
			addr, addrErr := address.Of(te.Address)
			if addrErr != nil || seen[addr] {
				continue
			}
			seen[addr] = true
			out = append(out, failed(addr, te.Cause, now))
		}
		resolved = len(out) > 0
		err = errors.New("could not be dialled")
	}
	for _, addr := range addrs {
		if seen[addr] {
			continue
		}
		cause := err
		if _, isIP := addr.IP(); !isIP {
			if resolved {
				continue // its addresses are listed instead
			}
			cause = errors.New("no address was found for this name")
		}
		out = append(out, failed(addr, cause, now))
	}
	return out
}
