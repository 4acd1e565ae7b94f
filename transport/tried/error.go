package tried

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"quicnprotochat/transport/punch"
)

// maxReason bounds the text of a reason in bytes.
const maxReason = 200

// What an attempt may fail for that others look at.
var (
	// ErrWrongKey means that the machine at an address proved another key than
	// the one asked for.
	ErrWrongKey = errors.New("another machine answers there: it proved another key")
	// ErrNoName means that a name has no address, or that nobody could be asked for it.
	ErrNoName = errors.New("this name was not found")
)

// Attempt is one try to connect to an address.
type Attempt struct {
	Addr address.Addr
	Err  string    // why it failed, one line; "" if it worked
	At   time.Time // when it ended

	cause error
}

// Error says why no connection to a peer came about. It matches, with errors.Is,
// ErrWrongKey if an address proved another key, and what Because was told.
type Error struct {
	Key      address.Key
	Attempts []Attempt // one per address, as far as known when Open returned

	cause error
}

// Because says that nothing was tried, or no address more than those, and why.
func Because(k address.Key, cause error, attempts ...Attempt) *Error {
	return &Error{Key: k, Attempts: attempts, cause: cause}
}

// Error lists what was tried.
func (e *Error) Error() string {
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
func (e *Error) Unwrap() []error {
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

// Failed describes an attempt that failed at the time now.
func Failed(addr address.Addr, err error, now time.Time) Attempt {
	var mismatch sec.ErrPeerIDMismatch
	if errors.As(err, &mismatch) {
		err = ErrWrongKey
		if k, keyErr := address.KeyOfPeer(mismatch.Actual); keyErr == nil {
			err = fmt.Errorf("%w, %s", ErrWrongKey, k)
		}
	}
	return Attempt{Addr: addr, Err: Reason(err), At: now, cause: err}
}

// The reasons of an attempt that others look at.
const (
	noAnswer  = "no answer"
	noNetwork = "no network of this machine leads there"
	noProgram = "a machine is there, and no program listens on this port"
)

// Offline reports whether this machine has no network that leads to any of the
// addresses. Who can be asked for a name, or help, without a network says nothing.
func (e *Error) Offline() bool {
	addrs := slices.DeleteFunc(slices.Clone(e.Attempts), func(t Attempt) bool { return t.Err == ErrNoName.Error() || t.circuit() })
	return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(t Attempt) bool { return t.Err != noNetwork })
}

// Stopped reports whether a machine answers that no program listens where we dialled.
func (e *Error) Stopped() bool {
	return slices.ContainsFunc(e.Attempts, func(t Attempt) bool { return t.Err == noProgram })
}

// With returns e and what a later dial of the same peer says: of an address that both tried,
// the later word.
func (e *Error) With(later *Error) *Error {
	both := &Error{Key: e.Key, cause: e.cause}
	if both.cause == nil {
		both.cause = later.cause
	}
	both.Attempts = slices.DeleteFunc(slices.Clone(e.Attempts), func(t Attempt) bool {
		return slices.ContainsFunc(later.Attempts, func(u Attempt) bool { return u.Addr == t.Addr })
	})
	both.Attempts = append(both.Attempts, later.Attempts...)
	return both
}

// Short is what of the attempts tells most, without the addresses: one that another
// machine answers, then what became of punching, then anything but silence.
func (e *Error) Short() string {
	best, most := "", -1
	for _, t := range e.Attempts {
		if told := t.tells(); told > most {
			best, most = t.Err, told
		}
	}
	switch {
	case best != "":
		return best
	case e.cause != nil:
		return Reason(e.cause)
	}
	return noAnswer
}

// circuit reports whether an attempt was one to punch.
func (t Attempt) circuit() bool { return strings.HasSuffix(string(t.Addr), "/p2p-circuit") }

// tells is how much of the way to a machine an attempt tells, beside others.
func (t Attempt) tells() int {
	switch {
	case errors.Is(t.cause, ErrWrongKey):
		return 6
	case t.circuit() && punch.Heard(t.cause):
		return 5
	case t.Err == ErrNoName.Error():
		return 0
	case t.Err == noNetwork:
		return 2
	case t.Err == noAnswer:
		return 3
	case t.circuit():
		return 1
	}
	return 4
}

// says reports whether err is that of a system call. Of what ends a connection by
// itself quic-go keeps the text alone.
func says(err error, no syscall.Errno) bool {
	text := err.Error()
	return errors.Is(err, no) || strings.HasPrefix(text, "INTERNAL_ERROR (local)") && strings.HasSuffix(text, ": "+no.Error())
}

// Reason returns one clean line for an error; part of it may come from a peer.
func Reason(err error) string {
	if text := punch.Reason(err); text != "" {
		return text
	}
	var timeout net.Error
	var refused *quic.TransportError
	var closed *quic.ApplicationError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return noAnswer
	case errors.Is(err, context.Canceled):
		return "not waited for any longer"
	case says(err, syscall.ENETUNREACH):
		return noNetwork
	case says(err, syscall.EPERM):
		return "a firewall of this machine forbids it"
	case says(err, syscall.EHOSTUNREACH):
		return "no machine is there"
	case errors.Is(err, syscall.ECONNREFUSED):
		return noProgram
	case errors.As(err, &closed) && closed.Remote, errors.Is(err, network.ErrReset), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return "it answered and hung up"
	case errors.Is(err, swarm.ErrDialToSelf):
		return "this is an address of this node itself"
	case errors.Is(err, swarm.ErrNoTransport):
		return "this node does not dial such addresses"
	case errors.Is(err, network.ErrResourceLimitExceeded):
		return "this machine has too many connections"
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

// Attempts lists what a failed dial of addrs says of each of them.
func Attempts(addrs []address.Addr, err error, now time.Time) []Attempt {
	var out []Attempt
	seen := make(map[address.Addr]bool)
	resolved := false
	var dial *swarm.DialError
	if errors.As(err, &dial) {
		for _, te := range dial.DialErrors {
			addr, addrErr := address.Of(te.Address)
			if addrErr != nil || seen[addr] {
				continue
			}
			seen[addr] = true
			out = append(out, Failed(addr, te.Cause, now))
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
			cause = ErrNoName
		}
		out = append(out, Failed(addr, cause, now))
	}
	return out
}
