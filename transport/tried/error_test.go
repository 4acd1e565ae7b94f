package tried

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/quic-go/quic-go"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/punch"
)

// errNone stands for what only package transport knows of a dial.
var errNone = errors.New("no address is known")

// keyFor is the key of a machine of the tests.
func keyFor(n byte) address.Key {
	return address.KeyOf(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize)).Public().(ed25519.PublicKey))
}

func TestReason(t *testing.T) {
	for _, tt := range []struct {
		in   error
		want string
	}{
		{context.DeadlineExceeded, "no answer"},
		{fmt.Errorf("dial: %w", os.ErrDeadlineExceeded), "no answer"},
		{&net.OpError{Op: "write", Err: os.NewSyscallError("sendmsg", syscall.ENETUNREACH)}, "no network of this machine leads there"},
		{fmt.Errorf("dial: %w", syscall.EHOSTUNREACH), "no machine is there"},
		{&quic.TransportError{ErrorCode: quic.InternalError, ErrorMessage: "write udp4 0.0.0.0:1->1.2.3.4:2: sendmsg: network is unreachable"}, noNetwork},
		{&quic.TransportError{ErrorCode: quic.InternalError, ErrorMessage: "write udp4 0.0.0.0:1->1.2.3.4:2: sendmsg: operation not permitted"}, "a firewall of this machine forbids it"},
		{&quic.TransportError{Remote: true, ErrorCode: quic.InternalError, ErrorMessage: "x: network is unreachable"}, "INTERNAL_ERROR (remote): x: network is unreachable"},
		{fmt.Errorf("dial: %w", syscall.ECONNREFUSED), "a machine is there, and no program listens on this port"},
		{&quic.ApplicationError{Remote: true}, "it answered and hung up"},
		{fmt.Errorf("negotiate: %w", io.EOF), "it answered and hung up"},
		{fmt.Errorf("%w: %w", punch.ErrExchange, punch.ErrClosed), punch.ErrExchange.Error()},
		{fmt.Errorf("%w: %w", punch.ErrFailed, context.DeadlineExceeded), punch.ErrFailed.Error()},
		{&quic.TransportError{Remote: true, ErrorCode: quic.ConnectionRefused}, "it takes no more connections now"},
		{errors.New("evil \x1b[31m\u202ename\nline"), "evil  [31m name line"},
		{errors.New(strings.Repeat("é", 500)), strings.Repeat("é", 100)},
		{errors.New(""), "unknown error"},
	} {
		if got := Reason(tt.in); got != tt.want {
			t.Errorf("Reason(%q): got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// TestShort asks which of several attempts is told of where there is room for one.
func TestShort(t *testing.T) {
	at := func(text string, err error) Attempt { return Failed(address.Addr(text), err, time.Time{}) }
	const circuit = "/ip4/1.2.3.4/udp/7/quic-v1/p2p/12D3/p2p-circuit"
	silent := at("/ip4/1.2.3.4/udp/7/quic-v1", context.DeadlineExceeded)
	away := at("/ip6/2a10::1/udp/7/quic-v1", syscall.ENETUNREACH)
	name := at("/dns/a.example/udp/7/quic-v1", ErrNoName)
	unasked := at(circuit, (&punch.CircuitError{}).At("relay"))
	for _, tt := range []struct {
		name    string
		e       Error
		want    string
		offline bool
	}{
		{"silence", Error{Attempts: []Attempt{silent, away}}, noAnswer, false},
		{"no network", Error{Attempts: []Attempt{away, name, unasked}}, noNetwork, true},
		{"only a name", Error{Attempts: []Attempt{name}}, ErrNoName.Error(), false},
		{"a circuit tells more", Error{Attempts: []Attempt{silent, at(circuit, punch.ErrFailed)}}, punch.ErrFailed.Error(), false},
		{"one that was not asked less", Error{Attempts: []Attempt{unasked, silent}}, noAnswer, false},
		{"no program", Error{Attempts: []Attempt{silent, at("/ip4/1.2.3.4/tcp/7", syscall.ECONNREFUSED)}}, noProgram, false},
		{"another machine", Error{Attempts: []Attempt{at("/ip4/1.2.3.4/udp/7/quic-v1", ErrWrongKey), at(circuit, punch.ErrFailed)}}, ErrWrongKey.Error(), false},
		{"nothing known", Error{cause: errNone}, errNone.Error(), false},
		{"time over", Error{cause: context.DeadlineExceeded}, noAnswer, false},
	} {
		if got := tt.e.Short(); got != tt.want || tt.e.Offline() != tt.offline {
			t.Errorf("%s: got %q, offline %v, want %q, %v", tt.name, got, tt.e.Offline(), tt.want, tt.offline)
		}
	}
}

func TestWith(t *testing.T) {
	first := &Error{Attempts: []Attempt{{Addr: "/a", Err: "old"}, {Addr: "/b", Err: "b"}}, cause: context.Canceled}
	later := &Error{Attempts: []Attempt{{Addr: "/a", Err: "new"}, {Addr: "/c", Err: "c"}}, cause: errNone}
	got := first.With(later)
	if text := got.Error(); !strings.HasSuffix(text, "/b: b; /a: new; /c: c") || !errors.Is(got, context.Canceled) || len(first.Attempts) != 2 {
		t.Errorf("got %s", text)
	}
}

func TestAttempts(t *testing.T) {
	ip, name := address.Addr("/ip4/1.2.3.4/udp/7/quic-v1"), address.Addr("/dns/nowhere.example/udp/7/quic-v1")
	mismatch := sec.ErrPeerIDMismatch{Expected: keyFor(1).PeerID(), Actual: keyFor(2).PeerID()}
	dial := &swarm.DialError{DialErrors: []swarm.TransportError{{Address: ip.Multiaddr(), Cause: fmt.Errorf("tls: %w", mismatch)}}}
	got := Attempts([]address.Addr{ip, name}, dial, time.Now())
	if len(got) != 1 || got[0].Addr != ip || !errors.Is(got[0].cause, ErrWrongKey) || !strings.Contains(got[0].Err, keyFor(2).String()) {
		t.Errorf("got %+v", got)
	}
	unreachable := &swarm.DialError{DialErrors: []swarm.TransportError{{Address: ip.Multiaddr(), Cause: syscall.ENETUNREACH}}}
	if err := (&Error{Attempts: Attempts([]address.Addr{ip}, unreachable, time.Now())}); !err.Offline() || (&Error{Attempts: got}).Offline() {
		t.Errorf("got %+v", err)
	}
	got = Attempts([]address.Addr{ip, name}, &swarm.DialError{Cause: swarm.ErrNoGoodAddresses}, time.Now())
	if len(got) != 2 || got[0].Err == "" || !strings.Contains(got[1].Err, "name") {
		t.Errorf("got %+v", got)
	}
	err := &Error{Key: keyFor(1), Attempts: got, cause: context.Canceled}
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), string(ip)) || !strings.Contains(err.Error(), keyFor(1).String()) {
		t.Errorf("got %v", err)
	}
}
