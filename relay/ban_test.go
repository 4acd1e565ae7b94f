package relay

import (
	"errors"
	"testing"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
)

// TestBan: whoever is banned is out by key and by password, at once and after a
// restart, also where a key is all that it takes. Others write to it as ever, and
// what they wrote is there when it is let in again.
func TestBan(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	r, stop := run(t, Config{Dir: dir})
	url := r.URL()
	anna, bob := newPerson(1), newPerson(2).dial(t, url, true)
	byKey, byPassword := anna.dial(t, url, true), anna.dial(t, url, false)
	if err := byKey.register(t, "anna", "pw", anna.id, "", false); err != nil {
		t.Fatal(err)
	}
	if err := byPassword.login(t, "anna", "pw", anna.id); err != nil {
		t.Fatal(err)
	}
	ban := func(r *Relay, yes bool) {
		t.Helper()
		if err := r.Operator().Ban(ctx, "anna", yes); err != nil {
			t.Fatal(err)
		}
	}
	out := func(when string, byKey, byPassword *user) {
		t.Helper()
		for what, err := range byKey.owned(ctx, anna.id) {
			wantCode(t, when+", "+what, err, rpc.ErrBanned)
		}
		_, err := byKey.Enqueue(ctx, bob.id, rpc.Channel{}, []byte("from who is out"))
		wantCode(t, when+", deposit", err, rpc.ErrBanned)
		for what, err := range byKey.others(ctx, bob.id) {
			wantCode(t, when+", "+what, err, rpc.ErrBanned)
		}
		wantCode(t, when+", log in", byPassword.login(t, "anna", "pw", anna.id), rpc.ErrBanned)
		if err := byPassword.login(t, "anna", "no", anna.id); !errors.Is(err, account.ErrPassword) {
			t.Errorf("%s, a guess learns something: got %v", when, err)
		}
	}
	waits := make(chan error, 1)
	go func() {
		_, err := byKey.Peek(ctx, anna.id, rpc.Channel{}, 0, 0, 30*time.Second)
		waits <- err
	}()
	waitFor(t, func() bool { return r.service.waiters.count(anna.id) == 1 })
	ban(r, true)
	wantCode(t, "who waited for mail", <-waits, rpc.ErrBanned)
	_, err := byPassword.Peek(ctx, anna.id, rpc.Channel{}, 0, 0, 0)
	wantCode(t, "a session from before", err, rpc.ErrUnauthenticated)
	out("banned", byKey, byPassword)
	if _, err := bob.Enqueue(ctx, anna.id, rpc.Channel{}, []byte("for later")); err != nil {
		t.Errorf("others may write: %v", err)
	}
	stop()

	r, stop = run(t, Config{Dir: dir})
	t.Cleanup(stop)
	byKey, byPassword = anna.dial(t, r.URL(), true), anna.dial(t, r.URL(), false)
	out("after a restart", byKey, byPassword)
	ban(r, false)
	list, err := byKey.Peek(ctx, anna.id, rpc.Channel{}, 0, 0, 0)
	if err != nil || len(list) != 1 || string(list[0].Data) != "for later" {
		t.Errorf("let in again: got %v, %v", list, err)
	}
	if err := byPassword.login(t, "anna", "pw", anna.id); err != nil {
		t.Errorf("log in again: %v", err)
	}
	ban(r, true)
	if err := r.Operator().Remove(ctx, "anna"); err != nil {
		t.Fatal(err)
	}
	if err := byKey.register(t, "anna", "pw", anna.id, "", false); err != nil {
		t.Errorf("a ban goes with the account: %v", err)
	}
	if err := r.Operator().Ban(ctx, "nobody", true); err != accounts.ErrNoUser {
		t.Errorf("ban nobody: got %v", err)
	}
}
