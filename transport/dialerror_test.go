package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/quic-go/quic-go"
)

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
		{fmt.Errorf("dial: %w", syscall.ECONNREFUSED), "nothing listens there"},
		{&quic.TransportError{Remote: true, ErrorCode: quic.ConnectionRefused}, "it takes no more connections now"},
		{errors.New("evil \x1b[31m\u202ename\nline"), "evil  [31m name line"},
		{errors.New(strings.Repeat("é", 500)), strings.Repeat("é", 100)},
		{errors.New(""), "unknown error"},
	} {
		if got := reason(tt.in); got != tt.want {
			t.Errorf("reason(%q): got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestAttempts(t *testing.T) {
	ip, name := Addr("/ip4/1.2.3.4/udp/7/quic-v1"), Addr("/dns/nowhere.example/udp/7/quic-v1")
	mismatch := sec.ErrPeerIDMismatch{Expected: keyFor(1).PeerID(), Actual: keyFor(2).PeerID()}
	dial := &swarm.DialError{DialErrors: []swarm.TransportError{{Address: ip.Multiaddr(), Cause: fmt.Errorf("tls: %w", mismatch)}}}
	got := attempts([]Addr{ip, name}, dial, time.Now())
	if len(got) != 1 || got[0].Addr != ip || !errors.Is(got[0].cause, ErrWrongKey) || !strings.Contains(got[0].Err, keyFor(2).String()) {
		t.Errorf("got %+v", got)
	}
	unreachable := &swarm.DialError{DialErrors: []swarm.TransportError{{Address: ip.Multiaddr(), Cause: syscall.ENETUNREACH}}}
	if err := (&DialError{Attempts: attempts([]Addr{ip}, unreachable, time.Now())}); !err.Offline() || (&DialError{Attempts: got}).Offline() {
		t.Errorf("got %+v", err)
	}
	got = attempts([]Addr{ip, name}, &swarm.DialError{Cause: swarm.ErrNoGoodAddresses}, time.Now())
	if len(got) != 2 || got[0].Err == "" || !strings.Contains(got[1].Err, "name") {
		t.Errorf("got %+v", got)
	}
	err := &DialError{Key: keyFor(1), Attempts: got, cause: context.Canceled}
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), string(ip)) || !strings.Contains(err.Error(), keyFor(1).String()) {
		t.Errorf("got %v", err)
	}
}
