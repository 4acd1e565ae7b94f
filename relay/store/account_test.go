package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

func testAccount(n byte) Account {
	return Account{
		Key: AccountKey{n}, Name: fmt.Sprintf("Name%d", n), Folded: fmt.Sprintf("name%d", n),
		Record: bytes.Repeat([]byte{n}, 192), Stretch: []byte("costs"),
		Identity: rpc.Identity{n}, Bound: true, Created: time.UnixMilli(1000 * int64(n)),
	}
}

func testSession(n byte, clk *clock) Session {
	return Session{ID: [32]byte{n}, Begun: clk.now(), Expires: clk.now().Add(time.Hour)}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestAccounts(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now})
	a, b := testAccount(1), testAccount(2)
	wantError(t, "new", s.AddAccount(ctx, a, nil), nil)
	taken := b
	taken.Key = a.Key
	wantError(t, "name taken", s.AddAccount(ctx, taken, nil), ErrTaken)
	bound := b
	bound.Identity = a.Identity
	wantError(t, "identity bound", s.AddAccount(ctx, bound, nil), ErrBound)
	bound.Bound = false // only says so
	wantError(t, "identity claimed", s.AddAccount(ctx, bound, nil), nil)
	if got, found, err := s.AccountOf(ctx, a.Identity); err != nil || !found || got.Name != a.Name {
		t.Errorf("the account of an identity: got %v, %v, %v", got.Name, found, err)
	}

	wantError(t, "session", s.BeginSession(ctx, a.Key, a.Record, testSession(1, clk)), nil)
	wantError(t, "session after a change", s.BeginSession(ctx, a.Key, b.Record, testSession(9, clk)), ErrNotFound)
	path := s.cfg.Path
	s.stop()
	s = start(t, Config{Path: path, Now: clk.now})
	session, got, found, err := s.Session(ctx, [32]byte{1})
	if err != nil || !found || got.Name != a.Name || got.Identity != a.Identity || !got.Bound ||
		!bytes.Equal(got.Record, a.Record) || !bytes.Equal(got.Stretch, a.Stretch) || !got.Created.Equal(a.Created) || !session.Begun.Equal(clk.now()) {
		t.Errorf("after a restart: got %+v, %+v, %v, %v", session, got, found, err)
	}
	clk.add(59 * time.Minute)
	wantError(t, "extend", s.ExtendSession(ctx, [32]byte{1}, clk.now().Add(time.Hour)), nil)
	clk.add(59 * time.Minute)
	wantSession(t, s, 1, true)
	clk.add(time.Hour)
	wantSession(t, s, 1, false)
	sweepAll(t, s)

	for n := range byte(maxSessions + 1) {
		wantError(t, "session", s.BeginSession(ctx, a.Key, a.Record, testSession(100+n, clk)), nil)
	}
	wantSession(t, s, 100, false) // the oldest made room
	wantSession(t, s, 101, true)
	wantError(t, "end", s.EndSession(ctx, [32]byte{101}), nil)
	wantSession(t, s, 101, false)
	wantError(t, "change", s.ChangeRecord(ctx, a.Key, b.Record, []byte("more"), testSession(3, clk)), nil)
	wantSession(t, s, 102, false)
	wantSession(t, s, 3, true)

	list, err := s.Accounts(ctx, AccountKey{}, 1)
	if err != nil || len(list) != 1 || list[0].Name != a.Name {
		t.Errorf("first: got %v, %v", list, err)
	}
	list, err = s.Accounts(ctx, list[0].Key, 10)
	if err != nil || len(list) != 1 || list[0].Name != b.Name {
		t.Errorf("rest: got %v, %v", list, err)
	}
	before, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, "delete", s.DeleteAccount(ctx, a.Key), nil)
	wantError(t, "delete again", s.DeleteAccount(ctx, a.Key), ErrNotFound)
	wantSession(t, s, 3, false)
	if left, err := s.Members(ctx, []rpc.Identity{a.Identity}); len(left) != 0 || err != nil {
		t.Errorf("members after deletion: %v, %v", left, err)
	}
	wantError(t, "name is free again", s.AddAccount(ctx, a, nil), nil)
	if after, err := s.Bytes(); err != nil || after >= before {
		t.Errorf("%d bytes with fewer sessions, %d before, %v", after, before, err)
	}
}

func wantSession(t testing.TB, s *running, n byte, want bool) {
	t.Helper()
	if _, _, found, err := s.Session(context.Background(), [32]byte{n}); found != want || err != nil {
		t.Errorf("session %d: got %v, %v, want %v", n, found, err, want)
	}
}

// An invite is good for one account, however many ask at once.
func TestInvites(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now})
	invite := func(n byte) Invite {
		return Invite{ID: InviteID{n}, Created: clk.now(), Expires: clk.now().Add(time.Hour), Note: "for Anna"}
	}
	wantError(t, "add", errors.Join(s.AddInvite(ctx, invite(1)), s.AddInvite(ctx, invite(2)), s.AddInvite(ctx, invite(3))), nil)
	if list, err := s.Invites(ctx); err != nil || len(list) != 3 || list[0].Note != "for Anna" || !list[0].Expires.Equal(clk.now().Add(time.Hour)) {
		t.Errorf("got %v, %v", list, err)
	}
	var wg sync.WaitGroup
	results := make([]error, 16)
	for i := range results {
		wg.Go(func() { results[i] = s.AddAccount(ctx, testAccount(byte(i+1)), &InviteID{1}) })
	}
	wg.Wait()
	taken := 0
	for _, err := range results {
		if err == nil {
			taken++
		} else if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
	if taken != 1 {
		t.Errorf("%d accounts by one invite", taken)
	}
	if found, err := s.DeleteInvite(ctx, []byte{2}); !found || err != nil {
		t.Errorf("revoke: got %v, %v", found, err)
	}
	wantError(t, "revoked", s.AddAccount(ctx, testAccount(100), &InviteID{2}), ErrNotFound)
	clk.add(time.Hour)
	wantError(t, "expired", s.AddAccount(ctx, testAccount(100), &InviteID{3}), ErrNotFound)
	sweepAll(t, s)
	if found, err := s.DeleteInvite(ctx, []byte{3}); found || err != nil {
		t.Errorf("after a sweep: got %v, %v", found, err)
	}
	// A name that is taken does not spend the invite.
	wantError(t, "add", s.AddInvite(ctx, invite(4)), nil)
	list, err := s.Accounts(ctx, AccountKey{}, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	again := testAccount(200)
	again.Key = list[0].Key
	wantError(t, "taken", s.AddAccount(ctx, again, &InviteID{4}), ErrTaken)
	wantError(t, "still open", s.AddAccount(ctx, testAccount(200), &InviteID{4}), nil)
}

func TestChannels(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now})
	a, b, c := rpc.Identity{1}, rpc.Identity{2}, rpc.Identity{3}
	one, err := s.ChannelOf(ctx, a, b, rpc.Channel{1})
	if err != nil || one != (rpc.Channel{1}) {
		t.Fatalf("got %v, %v", one, err)
	}
	if same, err := s.ChannelOf(ctx, b, a, rpc.Channel{2}); err != nil || same != one {
		t.Errorf("from the other side: got %v, %v", same, err)
	}
	for id, want := range map[rpc.Identity]rpc.Identity{a: b, b: a} {
		if peer, found, err := s.ChannelPeer(ctx, one, id); err != nil || !found || peer != want {
			t.Errorf("got %v, %v, %v", peer, found, err)
		}
	}
	if _, found, err := s.ChannelPeer(ctx, one, c); err != nil || found {
		t.Errorf("a stranger: got %v, %v", found, err)
	}
	if _, found, err := s.ChannelPeer(ctx, rpc.Channel{9}, a); err != nil || found {
		t.Errorf("no channel: got %v, %v", found, err)
	}
	for range 2 { // what is used stays
		clk.add(59 * 24 * time.Hour)
		if _, found, err := s.ChannelPeer(ctx, one, a); err != nil || !found {
			t.Errorf("got %v, %v", found, err)
		}
		sweepAll(t, s)
	}
	clk.add(61 * 24 * time.Hour)
	sweepAll(t, s)
	if _, found, err := s.ChannelPeer(ctx, one, a); err != nil || found {
		t.Errorf("unused: got %v, %v", found, err)
	}
	if n, err := s.Bytes(); err != nil || n != 0 {
		t.Errorf("%d bytes are left, %v", n, err)
	}
	for n := range maxChannels {
		if _, err := s.ChannelOf(ctx, a, rpc.Identity{9, byte(n), byte(n >> 8)}, rpc.Channel{9, byte(n), byte(n >> 8)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.ChannelOf(ctx, a, c, rpc.Channel{8})
	wantError(t, "one too many", err, ErrBusy)
	if _, err := s.ChannelOf(ctx, c, a, rpc.Channel{8}); err != nil {
		t.Errorf("from the other side: %v", err)
	}
}

func TestForget(t *testing.T) {
	ctx := context.Background()
	s := start(t, Config{})
	later := time.Now().Add(time.Hour)
	mine, other := rpc.Identity{1}, rpc.Identity{2}
	for _, owner := range []rpc.Identity{mine, other} {
		for n := range 600 {
			put(t, s, Inbox{Owner: owner}, fmt.Sprint(n))
		}
		put(t, s, Inbox{Owner: owner, Channel: rpc.Channel{1}}, "in a channel")
		err := errors.Join(s.AddKeyPackage(ctx, owner, kp("package", later, false)), s.SetHybridKey(ctx, owner, []byte("key")),
			s.SetEndpoint(ctx, owner, 1, later, 1, []byte("endpoint")))
		if err != nil {
			t.Fatal(err)
		}
	}
	half, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, "forget", s.Forget(ctx, mine), nil)
	if n, err := s.Bytes(); err != nil || n != half/2 {
		t.Errorf("%d bytes are left of %d, %v", n, half, err)
	}
	wantPeek(t, s, Inbox{Owner: mine}, 0)
	if seq := put(t, s, Inbox{Owner: mine}, "new"); seq <= 600 {
		t.Errorf("sequence %d after 600", seq)
	}
}

func TestSecret(t *testing.T) {
	s := start(t, Config{})
	path := s.cfg.Path
	s.stop()
	for range 2 {
		o, err := Open(Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Secret("opaque", func() []byte { return []byte("made once") })
		again, err2 := o.Secret("opaque", func() []byte { return []byte("another") })
		if err := errors.Join(err, err2, o.Close()); err != nil || string(got) != "made once" || string(again) != "made once" {
			t.Errorf("got %q, %q, %v", got, again, err)
		}
	}
}
