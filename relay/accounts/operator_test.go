package accounts

import (
	"strings"
	"testing"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

func TestOperator(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, Config{Invite: true})
	o := Operator{Storage: w.store, Now: w.now}
	p := newPerson(1)
	code, made, err := o.Invite(ctx, 0, "for Anna")
	if err != nil || !made.Expires.Equal(w.now().Add(DefaultInviteLife)) {
		t.Fatal(made, err)
	}
	for _, which := range []string{"", "zz", "00", "0000000000000000", code + "0"} {
		want(t, "revoke "+which, o.Revoke(ctx, which), ErrInvite)
	}
	for range 2 { // by its id, and another by its code
		list, err := o.Invites(ctx)
		if err != nil || len(list) != 1 || list[0].Note != "for Anna" {
			t.Fatalf("got %v, %v", list, err)
		}
		want(t, "register with a revoked code", w.register(t, p.tls(""), "anna", "pw", p.id, strings.Repeat("0", 20)), rpc.ErrInvite)
		which := list[0].ID[:8]
		if which != made.ID[:8] {
			t.Errorf("id %s is not %s", which, made.ID)
		}
		want(t, "revoke", o.Revoke(ctx, which), nil)
		want(t, "the revoked code", w.register(t, p.tls(""), "anna", "pw", p.id, code), rpc.ErrInvite)
		if code, made, err = o.Invite(ctx, time.Hour, "for Anna"); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = o.Invite(ctx, 2*MaxInviteLife, "")
	want(t, "for ever", err, ErrBounds)
	_, _, err = o.Invite(ctx, 0, strings.Repeat("x", MaxNote+1))
	want(t, "a long note", err, ErrBounds)

	want(t, "register", w.register(t, p.tls(""), "Anna", "pw", p.id, code), nil)
	var users []User
	err = o.Users(ctx, func(u User) error { users = append(users, u); return nil })
	if err != nil || len(users) != 1 || users[0].Name != "Anna" || users[0].Identity != p.id || !users[0].Bound {
		t.Errorf("got %v, %v", users, err)
	}
	login := func() error {
		_, err := w.login(t, quic("192.0.2.9"), "anna", "pw", p.id)
		return err
	}
	token, err := w.login(t, p.tls(""), "anna", "pw", p.id)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "ban nobody", o.Ban(ctx, "nobody", true), ErrNoUser)
	want(t, "ban", o.Ban(ctx, "ANNA", true), nil)
	_, err = w.caller(t, p.tls(""), token)
	want(t, "a session from before the ban", err, rpc.ErrUnauthenticated)
	want(t, "log in", login(), store.ErrBanned)
	err = o.Users(ctx, func(u User) error {
		if !u.Banned {
			t.Error("not listed as banned")
		}
		return nil
	})
	want(t, "list", err, nil)
	want(t, "unban", o.Ban(ctx, "anna", false), nil)
	want(t, "log in again", login(), nil)

	want(t, "remove a look-alike", o.Remove(ctx, "ａnna"), ErrNoUser)
	want(t, "remove nobody", o.Remove(ctx, "x"), ErrNoUser)
	want(t, "remove", o.Remove(ctx, "ANNA"), nil)
	want(t, "remove again", o.Remove(ctx, "anna"), ErrNoUser)
}
