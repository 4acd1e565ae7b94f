package proof

import (
	"context"
	"errors"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc/account"
)

// relay is a node and its relay in one: it keeps one account.
type relay struct {
	server  *account.Server
	name    string
	record  []byte
	mac     []byte
	session bool
	lost    error // of what follows a registration
	seen    []byte
}

func (r *relay) step(q localapi.AccountRequest, message []byte, err error) (localapi.AccountStep, error) {
	r.seen = append(r.seen, q.Message...)
	return localapi.AccountStep{Relay: "qpc-relay://r", Name: "anna", Message: message, Stretch: account.DefaultStretch().Encode()}, err
}

func (r *relay) BeginRegister(_ context.Context, q localapi.AccountRequest) (localapi.AccountStep, error) {
	response, err := r.server.Register("anna", q.Message)
	return r.step(q, response, err)
}

func (r *relay) BeginPassword(ctx context.Context, q localapi.AccountRequest) (localapi.AccountStep, error) {
	return r.BeginRegister(ctx, q)
}

func (r *relay) Register(_ context.Context, q localapi.AccountRequest) (localapi.Account, error) {
	r.name, r.record, r.seen = q.Name, q.Message, append(r.seen, q.Message...)
	return localapi.Account{Relay: q.Relay, Name: q.Name}, nil
}

func (r *relay) ChangePassword(ctx context.Context, q localapi.AccountRequest) (localapi.Account, error) {
	if !r.session {
		return localapi.Account{}, errors.New("no session")
	}
	q.Name = r.name
	return r.Register(ctx, q)
}

func (r *relay) DeleteAccount(_ context.Context, q localapi.AccountRequest) (localapi.Account, error) {
	if !r.session {
		return localapi.Account{}, errors.New("no session")
	}
	r.record = nil
	return localapi.Account{Relay: q.Relay, Name: r.name}, nil
}

func (r *relay) BeginLogin(_ context.Context, q localapi.AccountRequest) (localapi.AccountStep, error) {
	if r.lost != nil {
		return localapi.AccountStep{}, r.lost
	}
	ke2, mac, err := r.server.Login("anna", r.record, q.Message)
	r.mac = mac
	return r.step(q, ke2, err)
}

func (r *relay) Login(_ context.Context, q localapi.AccountRequest) (localapi.Account, error) {
	r.seen = append(r.seen, q.Message...)
	if string(q.Message) != string(r.mac) || q.Name != "anna" {
		return localapi.Account{}, errors.New("refused")
	}
	r.session = true
	return localapi.Account{Relay: q.Relay, Name: q.Name, Session: true}, nil
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	server, err := account.NewServer(account.NewServerKeys())
	if err != nil {
		t.Fatal(err)
	}
	return &relay{server: server}
}

// TestProof: an account is made, used, given another password and deleted, and none of
// the messages holds a password.
func TestProof(t *testing.T) {
	r, ctx := newRelay(t), t.Context()
	first, second := []byte("velvet anchor"), []byte("copper lantern")
	want := localapi.Account{Relay: "qpc-relay://r", Name: "anna", Session: true}
	ask := localapi.AccountRequest{Name: "anna"}
	if _, err := Register(ctx, r, ask, []byte("short")); localapi.AsError(err).Exit != localapi.ExitUsage {
		t.Errorf("a short password: got %v", err)
	}
	if a, err := Register(ctx, r, ask, first); err != nil || a != want {
		t.Fatalf("register: got %+v, %v", a, err)
	}
	if _, err := Login(ctx, r, ask, second); err == nil || localapi.AsError(err).Message != localapi.LoginRefused {
		t.Errorf("a wrong password: got %v", err)
	}
	if _, err := ChangePassword(ctx, r, "", second, second); err == nil || localapi.AsError(err).Message != localapi.LoginRefused {
		t.Errorf("a change with a wrong password: got %v", err)
	}
	if _, err := ChangePassword(ctx, r, "", first, second); err != nil {
		t.Fatalf("change: %v", err)
	}
	if _, err := Login(ctx, r, ask, first); err == nil {
		t.Error("the old password does")
	}
	if a, err := Login(ctx, r, localapi.AccountRequest{}, second); err != nil || a != want {
		t.Errorf("login: got %+v, %v", a, err)
	}
	if _, err := Delete(ctx, r, "", first); err == nil || r.record == nil {
		t.Errorf("deleted with a wrong password: %v", err)
	}
	if _, err := Delete(ctx, r, "", second); err != nil || r.record != nil {
		t.Errorf("delete: %v", err)
	}
	for _, secret := range [][]byte{first, second} {
		if strings.Contains(string(r.seen), string(secret)) {
			t.Errorf("the node was given %q", secret)
		}
	}
}

// TestLostAfterRegister: who is cut off between a registration and the login learns
// that the account is there.
func TestLostAfterRegister(t *testing.T) {
	r := newRelay(t)
	r.lost = &localapi.Error{Message: "the relay is not reached", Exit: localapi.ExitNetwork}
	_, err := Register(t.Context(), r, localapi.AccountRequest{Name: "anna"}, []byte("velvet anchor"))
	if e := localapi.AsError(err); e.Exit != localapi.ExitNetwork || e.Hint != "the account is made: qpc account login anna --relay qpc-relay://r" {
		t.Errorf("got %+v", e)
	}
}
