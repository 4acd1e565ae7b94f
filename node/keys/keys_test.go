package keys

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func newKeys(t *testing.T) (*Keys, *store.Store) {
	t.Helper()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return New(Config{Store: s, Identity: id}), s
}

// TestHybridRotation follows the hybrid key over weeks: replaced after 7 days,
// what was sealed to the old one still opens, its private half is gone 14 days
// after the replacement.
func TestHybridRotation(t *testing.T) {
	k, s := newKeys(t)
	owner := k.id.ID()
	first, err := k.Hybrid(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := k.Hybrid(t.Context(), start.Add(6*day)); err != nil || !bytes.Equal(again, first) {
		t.Fatalf("after 6 days: got another key or %v, want the same", err)
	}
	to, err := seal.ParseHybridKey(first, owner, start)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := seal.Seal(to, owner, []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	open := func() (frame []byte, err error) {
		viewErr := s.View(t.Context(), func(tx *store.Tx) error {
			frame, err = k.Open(tx, payload)
			return nil
		})
		return frame, errors.Join(err, viewErr)
	}
	second, err := k.Hybrid(t.Context(), start.Add(8*day))
	if err != nil || bytes.Equal(second, first) {
		t.Fatalf("after 8 days: got the same key or %v, want another", err)
	}
	if frame, err := open(); err != nil || string(frame) != "frame" {
		t.Errorf("sealed to the previous key: got %q, %v, want it open", frame, err)
	}
	if _, err := k.Hybrid(t.Context(), start.Add(23*day)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("15 days after the replacement: got %v, want ErrUnknownKey", err)
	}
	err = s.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.HybridKeys()
		for _, row := range rows {
			if bytes.Equal(row.Blob, first) {
				t.Error("the private half of the first key is still in the store")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHybridClockBack: what was sealed to a key opens after the clock was weeks behind
// for a while.
func TestHybridClockBack(t *testing.T) {
	k, s := newKeys(t)
	blob, err := k.Hybrid(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	to, err := seal.ParseHybridKey(blob, k.id.ID(), start)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := seal.Seal(to, k.id.ID(), []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []time.Time{start.Add(-20 * day), start.Add(time.Hour)} {
		present, err := k.Hybrid(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := seal.ParseHybridKey(present, k.id.ID(), now); err != nil {
			t.Errorf("at %v: %v", now, err)
		}
	}
	err = s.View(t.Context(), func(tx *store.Tx) error {
		_, err := k.Open(tx, payload)
		return err
	})
	if err != nil {
		t.Errorf("sealed before the clock went back: %v", err)
	}
}

func TestLearnRefusesOlder(t *testing.T) {
	k, s := newKeys(t)
	other, _ := newKeys(t)
	old, err := other.Hybrid(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := other.Hybrid(t.Context(), start.Add(8*day))
	if err != nil {
		t.Fatal(err)
	}
	learn := func(blob []byte, id *identity.Identity) error {
		return s.Update(t.Context(), func(tx *store.Tx) error { return Learn(tx, id.ID(), blob, start.Add(8*day)) })
	}
	for _, tt := range []struct {
		name string
		blob []byte
		id   *identity.Identity
		ok   bool
	}{
		{"fresh", fresh, other.id, true},
		{"the same again", fresh, other.id, true},
		{"older", old, other.id, false},
		{"of another", fresh, k.id, false},
		{"changed", append(bytes.Clone(fresh[:len(fresh)-1]), fresh[len(fresh)-1]^1), other.id, false},
		{"unsigned", append(bytes.Clone(fresh[:len(fresh)-64]), make([]byte, 64)...), other.id, false},
	} {
		if err := learn(tt.blob, tt.id); (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

// TestExpiredHybridKey: a blob that has ended is neither learnt nor sealed to.
func TestExpiredHybridKey(t *testing.T) {
	_, s := newKeys(t)
	other, _ := newKeys(t)
	blob, err := other.Hybrid(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	end := start.Add(seal.KeyLifetime)
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		if err := Learn(tx, other.id.ID(), blob, end.Add(time.Minute)); !errors.Is(err, seal.ErrExpired) {
			t.Errorf("learn: got %v, want ErrExpired", err)
		}
		if err := Learn(tx, other.id.ID(), blob, end); err != nil {
			return err
		}
		if _, err := Of(tx, other.id.ID(), end); err != nil {
			return err
		}
		if _, err := Of(tx, other.id.ID(), end.Add(time.Minute)); !store.IsNotFound(err) {
			t.Errorf("seal to: got %v, want ErrNotFound", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStockOfRelay follows a relay's stock: filled once, topped up by what was
// used, renewed after a week.
func TestStockOfRelay(t *testing.T) {
	k, s := newKeys(t)
	relay := transport.Key{1}
	pending := func(now time.Time) []store.KeyPackage {
		t.Helper()
		rows, err := k.Stock(t.Context(), relay, 20, now)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	first := pending(start)
	if len(first) != 21 || lastResorts(first) != 1 {
		t.Fatalf("first: got %d packages, %d of last resort, want 21 and 1", len(first), lastResorts(first))
	}
	wantSuites(t, first)
	if again := pending(start); len(again) != 21 {
		t.Errorf("not placed: got %d to upload, want the same 21", len(again))
	}
	if err := k.Placed(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if more := pending(start.Add(day)); len(more) != 0 {
		t.Errorf("placed: got %d to upload, want none", len(more))
	}
	err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteKeyPackage(first[0].Ref) })
	if err != nil {
		t.Fatal(err)
	}
	more := pending(start.Add(day))
	if len(more) != 1 {
		t.Fatalf("one used: got %d to upload, want 1", len(more))
	}
	if err := k.Placed(t.Context(), more); err != nil {
		t.Fatal(err)
	}
	if renewed := pending(start.Add(9 * day)); len(renewed) != 21 {
		t.Errorf("after 9 days: got %d to upload, want 21", len(renewed))
	}
	for _, row := range first {
		kp, err := mls.ParseKeyPackage(row.Package)
		if err == nil {
			err = kp.Check(start)
		}
		if err != nil || kp.LastResort() != row.LastResort {
			t.Errorf("package: got %v, last resort %v, want a good one, %v", err, kp.LastResort(), row.LastResort)
		}
	}
}

// wantSuites checks that of each three packages in a row one is classical, and that
// the one of last resort is not.
func wantSuites(t *testing.T, rows []store.KeyPackage) {
	t.Helper()
	for i, row := range rows {
		kp, err := mls.ParseKeyPackage(row.Package)
		if err != nil {
			t.Fatal(err)
		}
		want := Suite
		if i%3 == 2 && !row.LastResort {
			want = ClassicalSuite
		}
		if kp.Suite() != want || SuiteFor(kp.Capabilities()) != Suite {
			t.Errorf("package %d: got %v, capabilities %v, want %v by one that has both", i, kp.Suite(), kp.Capabilities().Suites, want)
		}
	}
}

// TestStockOfOldNode meets a relay's stock of before there were two suites: the
// post-quantum packages come at once, that of last resort among them.
func TestStockOfOldNode(t *testing.T) {
	k, _ := newKeys(t)
	relay := transport.Key{1}
	var old []store.KeyPackage
	for i := range 21 {
		row, err := k.make(relay, start, kind{ClassicalSuite, i == 20})
		if err != nil {
			t.Fatal(err)
		}
		row.HandedOut = true
		old = append(old, row)
	}
	if err := k.put(t.Context(), old, start); err != nil {
		t.Fatal(err)
	}
	rows, err := k.Stock(t.Context(), relay, 20, start)
	if err != nil || len(rows) != 15 || lastResorts(rows) != 1 {
		t.Fatalf("got %d packages, %d of last resort, %v, want 15 and 1", len(rows), lastResorts(rows), err)
	}
	for _, row := range rows {
		if kp, err := mls.ParseKeyPackage(row.Package); err != nil || kp.Suite() != Suite {
			t.Errorf("got %v, %v, want only %v", kp.Suite(), err, Suite)
		}
	}
}

func lastResorts(rows []store.KeyPackage) (n int) {
	for _, row := range rows {
		if row.LastResort {
			n++
		}
	}
	return n
}

// TestTake hands out each package once, then the one of last resort.
func TestTake(t *testing.T) {
	k, _ := newKeys(t)
	if pkg, err := k.Take(t.Context()); err != nil || pkg != nil {
		t.Fatalf("empty stock: got %d bytes, %v, want none", len(pkg), err)
	}
	if _, err := k.Stock(t.Context(), transport.Key(k.id.ID()), 3, start); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for range 5 {
		pkg, err := k.Take(t.Context())
		if err != nil || len(pkg) == 0 {
			t.Fatalf("got %d bytes, %v, want a package", len(pkg), err)
		}
		seen[string(pkg)]++
	}
	if len(seen) != 4 {
		t.Errorf("got %d different packages of 5, want 3 and one of last resort twice", len(seen))
	}
}

// TestClockWasAhead: the clock of a home was three weeks ahead and is right again. Nobody
// takes its key packages of then: others are handed out, also for the one of last resort.
func TestClockWasAhead(t *testing.T) {
	k, s := newKeys(t)
	here := transport.Key(k.id.ID())
	ahead := start.Add(21 * day)
	stock := func(now time.Time) {
		t.Helper()
		if _, err := k.Stock(t.Context(), here, 3, now); err != nil {
			t.Fatal(err)
		}
	}
	take := func() *mls.KeyPackage {
		t.Helper()
		pkg, err := k.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kp, err := mls.ParseKeyPackage(pkg)
		if err != nil {
			t.Fatal(err)
		}
		return kp
	}
	stock(ahead)
	var had []*mls.KeyPackage
	for range 4 { // with the one of last resort
		had = append(had, take())
	}
	stock(ahead)
	stock(start)
	for range 5 {
		if err := take().Check(start); err != nil {
			t.Errorf("handed out: %v", err)
		}
	}
	err := s.View(t.Context(), func(tx *store.Tx) error {
		for _, kp := range had {
			if _, err := tx.KeyPackage(kp.Ref()); err != nil {
				t.Errorf("the keys of one that somebody has: %v", err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLearnAfterAhead: a hybrid key was seen by two clocks that were ahead. When both are
// right again, the key of now is taken, and from then on no older one.
func TestLearnAfterAhead(t *testing.T) {
	_, s := newKeys(t)
	other, _ := newKeys(t)
	learn := func(blob []byte, now time.Time) error {
		return s.Update(t.Context(), func(tx *store.Tx) error { return Learn(tx, other.id.ID(), blob, now) })
	}
	of := func(now time.Time) []byte {
		t.Helper()
		blob, err := other.Hybrid(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		return blob
	}
	older := of(start)
	if err := learn(of(start.Add(29*day)), start.Add(29*day)); err != nil {
		t.Fatal(err)
	}
	if err := learn(of(start.Add(8*day)), start.Add(8*day)); err != nil {
		t.Errorf("the key of now: %v", err)
	}
	if learn(older, start.Add(8*day)) == nil {
		t.Error("an older one is taken")
	}
}
