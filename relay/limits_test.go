package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
)

// TestLimits: each limit of an inbox and of the disk answers with its code, and leaves
// others alone.
func TestLimits(t *testing.T) {
	a, b, c := newPerson(1), newPerson(2), newPerson(3)
	var none rpc.Channel
	for _, tt := range []struct {
		name   string
		cfg    Config
		before []person // who deposit first
		over   person   // who is refused then
		want   *rpc.Error
		other  person // who is not, at the inbox of to
		to     person
	}{
		{"payloads in an inbox", Config{MaxDepth: 2, MaxShare: 9}, []person{a, a}, c, rpc.ErrQueueFull, c, c},
		{"bytes in an inbox", Config{MaxInboxBytes: 2500, MaxShareBytes: 1 << 20}, []person{a, a}, c, rpc.ErrQueueFull, c, c},
		{"payloads of a depositor", Config{MaxShare: 2}, []person{a, a}, a, rpc.ErrQueueFull, c, b},
		{"bytes of a depositor", Config{MaxShareBytes: 2500}, []person{a, a}, a, rpc.ErrQueueFull, c, b},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestService(t, tt.cfg)
			deposit := func(from, to person) error {
				_, err := s.Enqueue(t.Context(), from.caller(), to.id, none, make([]byte, 1000))
				return err
			}
			for _, p := range tt.before {
				if err := deposit(p, b); err != nil {
					t.Fatal(err)
				}
			}
			wantCode(t, "over the limit", deposit(tt.over, b), tt.want)
			if err := deposit(tt.other, tt.to); err != nil {
				t.Errorf("another: %v", err)
			}
		})
	}
}

// TestDiskLimit: a relay that keeps as much as it may takes nothing more, and goes on
// giving out what it has, which makes room.
func TestDiskLimit(t *testing.T) {
	s, _ := newTestService(t, Config{MaxBytes: 4000})
	a, b := newPerson(1), newPerson(2)
	var none rpc.Channel
	deposit := func() error {
		_, err := s.Enqueue(t.Context(), a.caller(), b.id, none, make([]byte, 1000))
		return err
	}
	n := 0
	for err := error(nil); err == nil; n++ {
		if err = deposit(); err != nil {
			wantCode(t, "over the limit", err, rpc.ErrBusy)
		}
		if n > 4 {
			t.Fatal("never over the limit")
		}
	}
	list, err := s.Fetch(t.Context(), b.caller(), b.id, none, 0, 0)
	if err != nil || len(list) != n-1 {
		t.Fatalf("got %d payloads, %v, want %d", len(list), err, n-1)
	}
	if err := deposit(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestManyKeys: who makes keys as it likes, and has the many addresses that come with
// one line, keeps nobody else from writing to somebody.
func TestManyKeys(t *testing.T) {
	var none rpc.Channel
	for name, remote := range map[string]func(int) string{
		"IPv4": func(int) string { return "192.0.2.1" },
		"IPv6": func(n int) string { return fmt.Sprintf("2001:db8:0:%x::%x", n%256, n) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newTestService(t, Config{MaxDepth: 30, MaxShare: 4})
			victim := newPerson(0)
			taken := 0
			for n := range 40 {
				_, err := s.Enqueue(t.Context(), callerAt(100+n, 0, remote(n)), victim.id, none, []byte("flood"))
				if err == nil {
					taken++
				} else {
					wantCode(t, "over the share of an address", err, rpc.ErrQueueFull)
				}
			}
			if taken != 10 {
				t.Errorf("%d of one address were taken, want 10", taken)
			}
			for n, at := range []string{"198.51.100.1", "2001:db8:0:100::1", "127.0.0.1", ""} {
				if _, err := s.Enqueue(t.Context(), callerAt(1+n, 0, at), victim.id, none, []byte("hello")); err != nil {
					t.Errorf("a contact at %q: %v", at, err)
				}
			}
		})
	}
}

// TestChannelsOfOthers: channels that others make with somebody keep no mail from its
// inbox, also when that was empty before.
func TestChannelsOfOthers(t *testing.T) {
	s, _ := newTestService(t, Config{MaxInboxes: 2})
	victim := newPerson(0)
	for n := range 3 {
		c := newPerson(1 + n).caller()
		ch, err := s.CreateChannel(t.Context(), c, victim.id)
		if err == nil {
			_, err = s.Enqueue(t.Context(), c, victim.id, ch, []byte("flood"))
		}
		if n == 2 {
			wantCode(t, "a channel too many", err, rpc.ErrQueueFull)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Enqueue(t.Context(), newPerson(9).caller(), victim.id, rpc.Channel{}, []byte("hello")); err != nil {
		t.Errorf("mail: %v", err)
	}
}

// TestForgetsCallers: who asked for whose keys, and who tried which name, is in memory
// no longer than it counts.
func TestForgetsCallers(t *testing.T) {
	s, clk := newTestService(t, Config{AllowSealedSender: true})
	bob := newPerson(2)
	bob.tell(t, s, clk.now(), 5)
	p := makeKeyPackage(1, bob.id, clk.now(), clk.now().Add(24*time.Hour), false, []byte("one"))
	if _, err := s.UploadKeyPackage(t.Context(), bob.caller(), bob.id, p); err != nil {
		t.Fatal(err)
	}
	c := byPass(bob.passFor(clk.now(), func(p *pass.Pass) { p.Kind = pass.Hello }), "192.0.2.1")
	if got, err := s.FetchKeyPackage(t.Context(), c, bob.id); err != nil || len(got) == 0 {
		t.Fatalf("got %x, %v", got, err)
	}
	if _, err := s.Enqueue(t.Context(), c, bob.id, rpc.Channel{}, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	left := func() (n int) {
		for _, h := range []*handouts{s.handouts, s.hellos} {
			for _, of := range h.targets {
				n += len(of.callers)
			}
		}
		return n
	}
	s.forget()
	if n := left(); n != 2 {
		t.Errorf("within the hour: %d, want 2", n)
	}
	clk.add(handoutWindow)
	s.forget()
	if n := left(); n != 0 {
		t.Errorf("after it: %d, want 0", n)
	}
}

// TestAddressBytes: one address does not fill the disk, however many keys and inboxes it
// makes up, and others leave their mail.
func TestAddressBytes(t *testing.T) {
	s, clk := newTestService(t, Config{MaxBytes: 800_000})
	const here, there = "192.0.2.1", "192.0.2.2"
	deposit := func(n int, remote string) error {
		_, err := s.Enqueue(t.Context(), callerAt(n, 0, remote), newPerson(1000+n).id, rpc.Channel{}, make([]byte, 9_744))
		return err
	}
	for n := range 10 { // an eighth, with 256 bytes for each record
		if err := deposit(n, here); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "one address", deposit(10, here), rpc.ErrBusy)
	owner := callerAt(11, 0, here)
	p := makeKeyPackage(1, owner.Identity, clk.now(), clk.now().Add(time.Hour), false, make([]byte, 9000))
	_, err := s.UploadKeyPackage(t.Context(), owner, owner.Identity, p)
	wantCode(t, "key packages of one address", err, rpc.ErrBusy)
	for n, remote := range []string{there, "127.0.0.1", ""} {
		if err := deposit(20+n, remote); err != nil {
			t.Errorf("at %q: %v", remote, err)
		}
	}
	clk.add(17 * time.Hour) // a tenth of seven days
	if err := deposit(10, here); err != nil {
		t.Errorf("later: %v", err)
	}
	wantCode(t, "and again", deposit(12, here), rpc.ErrBusy)
}

// TestInboxLimit: an identity has so many inboxes on channels.
func TestInboxLimit(t *testing.T) {
	s, _ := newTestService(t, Config{MaxInboxes: 2})
	b := newPerson(0)
	for i, want := range []*rpc.Error{nil, nil, rpc.ErrQueueFull} {
		p := newPerson(1 + i)
		ch, err := s.CreateChannel(t.Context(), p.caller(), b.id)
		if err == nil {
			_, err = s.Enqueue(t.Context(), p.caller(), b.id, ch, []byte("hello"))
		}
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("inbox %d: got %v, want %v", i, err, want)
		}
		// Somebody else's.
		if _, err := s.Enqueue(t.Context(), b.caller(), p.id, ch, []byte("hello")); want == nil && err != nil {
			t.Errorf("inbox %d of another: %v", i, err)
		}
	}
}

// callerAt is a caller with a device at an address.
func callerAt(n int, device byte, remote string) rpc.Caller {
	c := newPerson(n).caller()
	c.Remote, c.Device[0] = remote, device
	return c
}

// TestCallLimits: each limit of calls refuses one too many, and nobody else.
func TestCallLimits(t *testing.T) {
	const here, there = "192.0.2.1", "192.0.2.2"
	for _, tt := range []struct {
		name        string
		cfg         Config
		over, other rpc.Caller // other may be nobody
		left        bool       // the calls before have ended
	}{
		{"of an identity", Config{MaxCalls: 2, MaxDeviceCalls: 9}, callerAt(1, 2, there), callerAt(2, 1, here), false},
		{"of a device", Config{MaxDeviceCalls: 2}, callerAt(1, 1, there), callerAt(1, 2, here), false},
		{"of an address", Config{MaxAddressCalls: 2}, callerAt(2, 0, here), callerAt(2, 0, there), false},
		{"of all", Config{MaxAllCalls: 2}, callerAt(2, 0, there), rpc.Caller{}, false},
		{"a second of an identity", Config{CallRate: 1}, callerAt(1, 2, there), callerAt(2, 1, here), true},
		{"a second of an address", Config{AddressRate: 1}, callerAt(2, 0, here), callerAt(2, 0, there), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestService(t, tt.cfg)
			calls := 2
			if tt.left {
				calls = 10 // a burst
			}
			for range calls {
				leave, err := s.enter(callerAt(1, 1, here))
				if err != nil {
					t.Fatal(err)
				}
				if tt.left {
					leave()
				}
			}
			_, err := s.enter(tt.over)
			wantCode(t, "over the limit", err, rpc.ErrBusy)
			if tt.other.Proven {
				if _, err := s.enter(tt.other); err != nil {
					t.Errorf("another: %v", err)
				}
			}
		})
	}
}

// TestWaiterLimits: so many calls wait for mail, and one too many is refused at once.
func TestWaiterLimits(t *testing.T) {
	const here, there = "192.0.2.1", "192.0.2.2"
	for _, tt := range []struct {
		name        string
		cfg         Config
		over, other rpc.Caller // other may be nobody
	}{
		{"of an identity", Config{MaxWaiters: 2}, callerAt(1, 0, there), callerAt(2, 0, here)},
		{"of an address", Config{MaxAddressWaiters: 2}, callerAt(2, 0, here), callerAt(2, 0, there)},
		{"of all", Config{MaxAllWaiters: 2}, callerAt(2, 0, there), rpc.Caller{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newTestService(t, tt.cfg)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			fetch := func(c rpc.Caller) error {
				_, err := s.Fetch(ctx, c, c.Identity, rpc.Channel{}, 0, time.Hour)
				return err
			}
			for range 2 {
				wg.Go(func() { _ = fetch(callerAt(1, 0, here)) })
			}
			waitFor(t, func() bool { return s.waiters.total() == 2 })
			wantCode(t, "over the limit", fetch(tt.over), rpc.ErrBusy)
			if tt.other.Proven {
				wg.Go(func() { _ = fetch(tt.other) })
				waitFor(t, func() bool { return s.waiters.count(tt.other.Identity) == 1 })
			}
			// Who does not wait is not counted.
			if _, err := s.Peek(ctx, tt.over, tt.over.Identity, rpc.Channel{}, 0, 0, 0); err != nil {
				t.Errorf("a call that does not wait: %v", err)
			}
		})
	}
}
