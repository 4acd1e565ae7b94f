package tries

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

func TestPlain(t *testing.T) {
	one := errors.New("dial 12D3KooWM6mXp3MwpY7oxbYpPNAM92WqyDVgLFQdDMs9VJaV7i55: context deadline exceeded: /ip4/1.2.3.4/udp/1/quic-v1: no answer")
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.Join(one, one, context.DeadlineExceeded), "/ip4/1.2.3.4/udp/1/quic-v1: no answer; no answer in time"},
		{fmt.Errorf("take mail: %w: connection closed (local): code: 0x0", rpc.ErrDisconnected), "take mail: connection lost"},
		{fmt.Errorf("take mail: %w", rpc.ErrBanned), "take mail: this node was banned by who hosts this relay"},
		{errors.Join(rpc.ErrBusy.With("too many calls at once"), rpc.ErrQueueFull), "it is asked for too much at once; this is tried again by itself; the mailbox there is full until they fetch their mail"},
		{rpc.ErrKeyPackage.With("not within its lifetime"), "not within its lifetime"},
		{fmt.Errorf("%w: 3 numbers for 2 recipients", rpc.ErrBadAnswer), "its answer makes no sense here: is one of the two versions of qpc much older?: 3 numbers for 2 recipients"},
		{fmt.Errorf("wait: %w", context.Canceled), "wait: not waited for any longer"},
	} {
		if got := Plain(c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

// TestCodes asks that no code of package rpc is shown to people.
func TestCodes(t *testing.T) {
	for _, e := range []*rpc.Error{
		rpc.ErrBadRequest, rpc.ErrUnauthenticated, rpc.ErrForbidden, rpc.ErrVersion, rpc.ErrNotOffered, rpc.ErrTooLarge, rpc.ErrQueueFull,
		rpc.ErrBusy, rpc.ErrInternal, rpc.ErrEndpoint, rpc.ErrKeyPackage, rpc.ErrHybridKey, rpc.ErrNotRecipient, rpc.ErrChannel, rpc.ErrLogin,
		rpc.ErrUsername, rpc.ErrShutdown, rpc.ErrAccount, rpc.ErrInvite, rpc.ErrPass, rpc.ErrSuite, rpc.ErrDeletion, rpc.ErrBanned,
	} {
		if got := Plain(fmt.Errorf("there: %w", e)); strings.Contains(got, string(e.Code)) || len(got) < len("there: x") {
			t.Errorf("%v: got %q", e, got)
		}
	}
}

// TestFailure asks that people are told of each way, and of a relay by where it is.
func TestFailure(t *testing.T) {
	u, err := transport.ParseRelayURL("qpc-relay://12D3KooWPyL2kwMhJEjQ2L9sga3bJwpNAyymgGq6DpkQUEVtPWvY@1.2.3.4:7000")
	if err != nil {
		t.Fatal(err)
	}
	f := &Failure{Machine: errors.New("no answer"), Relays: []AtRelay{{u, rpc.ErrQueueFull}}}
	const want = "their machine: no answer; their relay 1.2.3.4:7000: the mailbox there is full until they fetch their mail"
	for _, got := range []string{Plain(f), Short(f)} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Short(fmt.Errorf("no key yet: %w", f)); got != "no key yet: "+want {
		t.Errorf("got %q", got)
	}
	if Offline(f) || Offline(errors.New("x")) {
		t.Error("it is taken for offline")
	}
	for want, f := range map[string]*Failure{
		"their machine does not answer; they have no relay":           {Alone: true},
		"their machine: connection lost; their relay does not answer": {Machine: rpc.ErrDisconnected},
	} {
		if got := Short(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
