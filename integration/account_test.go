package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/accounts/proof"
	"quicnprotochat/node/localapi"
	"quicnprotochat/relay"
)

// register makes an account at a relay for a node, as a command would.
func (n *simNode) register(r *simRelay, name, invite string) error {
	_, err := proof.Register(context.Background(), n, localapi.AccountRequest{Relay: r.url(), Name: name, Invite: invite}, []byte("correct horse"))
	return err
}

// refusal is what the status of a node says of its only relay, "" if it is reached.
func (n *simNode) refusal() string {
	n.w.t.Helper()
	s, err := n.Status(context.Background())
	if err != nil || len(s.Relays) != 1 {
		n.w.t.Fatal(s.Relays, err)
	}
	return s.Relays[0].Error
}

// TestInvitedNode: a node gets in at a relay by invitation, keeps its account over a
// restart, and is told when the account is gone.
func TestInvitedNode(t *testing.T) {
	simulate(t, func(w *world) {
		ctx := context.Background()
		r := w.relayFor(relay.AccessInvite)
		a, b := w.node("anna", r.url()), w.node("bob")
		b.add(a)
		time.Sleep(5 * time.Second)
		if why := a.refusal(); !strings.Contains(why, "qpc account register") {
			t.Fatalf("without an account: %q", why)
		}
		if err := a.register(r, "anna", ""); err == nil {
			t.Fatal("an account without a code")
		}
		code, _, err := r.Operator().Invite(ctx, time.Hour, "for anna")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.register(r, "anna", code); err != nil {
			t.Fatal(err)
		}
		if err := b.register(r, "bob", code); err == nil {
			t.Fatal("a second account by one code")
		}
		a.settled() // without a restart
		b.await(b.send(a, "before"), localapi.Delivered, time.Minute)

		a.halt()
		id := b.send(a, "while away")
		if d := b.await(id, localapi.Stored, time.Minute); d.Path != localapi.PathMailbox {
			t.Errorf("to who has an account: path %s", d.Path)
		}
		a.start()
		a.settled()
		b.await(id, localapi.Delivered, time.Minute)

		if err := r.Operator().Remove(ctx, "anna"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if why := a.refusal(); !strings.Contains(why, "qpc account") {
			t.Errorf("after the account was removed: %q", why)
		}
		if list, err := a.Accounts(ctx); err != nil || len(list) != 1 || list[0].Session {
			t.Errorf("accounts: got %+v, %v", list, err)
		}
	})
}

// TestEndedSession: who had an account at the relay of a contact, and has none any
// more, leaves mail there all the same.
func TestEndedSession(t *testing.T) {
	simulate(t, func(w *world) {
		ctx := context.Background()
		r := w.relay()
		a, b := w.node("anna", r.url()), w.node("bob", r.url())
		a.settled()
		a.meet(b, "one")
		if err := a.register(r, "anna", ""); err != nil {
			t.Fatal(err)
		}
		if err := a.ForgetRelay(ctx, r.url()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := r.Operator().Remove(ctx, "anna"); err != nil {
			t.Fatal(err)
		}
		b.halt()
		a.await(a.send(b, "two"), localapi.Stored, time.Minute)
		if list, err := a.Accounts(ctx); err != nil || len(list) != 1 || list[0].Session {
			t.Errorf("accounts: got %+v, %v", list, err)
		}
	})
}
