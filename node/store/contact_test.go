package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// tester is a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
}

// want compares what a method returned.
func want[T any](t tester, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("got error %v, want %v", err, want)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v,\nwant %+v", got, want)
	}
}

// wantErr checks an error by errors.Is.
func wantErr(t tester, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

// inTx runs a test in one write transaction and commits it.
func inTx(t *testing.T, fn func(*Tx)) {
	t.Helper()
	inTxOf(t, open(t, Config{}), fn)
}

// inTxOf is inTx of a store.
func inTxOf(t *testing.T, s *Store, fn func(*Tx)) {
	t.Helper()
	update(t, s, func(tx *Tx) error { fn(tx); return nil })
}

func TestMeta(t *testing.T) {
	inTx(t, func(tx *Tx) {
		got, err := tx.Meta("k")
		want(t, got, err, nil)
		for _, v := range [][]byte{{}, {1}, {2, 3}} {
			wantErr(t, tx.SetMeta("k", v), nil)
			got, err := tx.Meta("k")
			want(t, got, err, v)
		}
		wantErr(t, tx.SetMeta("k", nil), nil)
		got, err = tx.Meta("k")
		want(t, got, err, nil)
	})
}

func TestContacts(t *testing.T) {
	inTx(t, func(tx *Tx) {
		bob := Contact{
			Identity: identity(1), Name: "bob", Via: "link", Verified: true,
			Card: []byte("card"), Introduced: true, Added: at(1),
		}
		ann := Contact{Identity: identity(2), Name: "Ann"}
		_, err := tx.Contact(bob.Identity)
		wantErr(t, err, ErrNotFound)
		for _, c := range []Contact{bob, ann} {
			wantErr(t, tx.PutContact(c), nil)
			got, err := tx.Contact(c.Identity)
			want(t, got, err, c)
		}
		bob.Name, bob.Verified, bob.Introduced, bob.Via, bob.Card, bob.Added = "Bob", false, false, "lan", nil, at(2)
		wantErr(t, tx.PutContact(bob), nil)
		all, err := tx.Contacts()
		want(t, all, err, []Contact{ann, bob})

		wantErr(t, tx.PutContact(Contact{Identity: identity(3), Name: "BOB"}), ErrExists)
		ann.Name = "bOb"
		wantErr(t, tx.PutContact(ann), ErrExists)
		all, err = tx.Contacts()
		want(t, all, err, []Contact{{Identity: identity(2), Name: "Ann"}, bob})
	})
}

func TestFreeName(t *testing.T) {
	inTx(t, func(tx *Tx) {
		for n, name := range []string{"Zoë", "zoË-2", "ZOË-3", "zoë-4"} {
			got, err := tx.FreeName("Zoë")
			if fold(got) != fold(name) || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, name)
			}
			wantErr(t, tx.PutContact(Contact{Identity: identity(byte(n)), Name: name}), nil)
		}
	})
}

func TestRelays(t *testing.T) {
	inTx(t, func(tx *Tx) {
		a := Relay{URL: "qpc-relay://a", Key: transport.Key(id32(1)), Added: at(2)}
		b := Relay{URL: "qpc-relay://b", Key: transport.Key(id32(2)), Added: at(1)}
		for _, r := range []Relay{a, b, a} {
			wantErr(t, tx.PutRelay(r), nil)
		}
		all, err := tx.Relays()
		want(t, all, err, []Relay{b, a})
		for range 2 {
			wantErr(t, tx.DeleteRelay(b.URL), nil)
		}
		all, err = tx.Relays()
		want(t, all, err, []Relay{a})
	})
}

func TestEndpoints(t *testing.T) {
	now := at(5)
	s := open(t, Config{Now: func() time.Time { return now }})
	inTxOf(t, s, func(tx *Tx) {
		id := identity(1)
		const high = 1<<63 + 5
		relay := func(record string) transport.Key { return transport.Key{record[0]} }
		_, _, err := tx.EndpointRecord(id)
		wantErr(t, err, ErrNotFound)
		for _, step := range []struct {
			now    int64
			record string
			seq    uint64
			want   error
		}{
			{5, "a", 5, nil},
			{5, "a", 5, nil},
			{5, "other", 5, ErrConflict},
			{5, "older", 4, ErrConflict},
			{5, "b", 6, nil},
			{5, "c", high, nil},
			{9, "b", 6, ErrConflict},
			{10, "b", 6, nil}, // the other one has expired
		} {
			now = at(step.now)
			wantErr(t, tx.PutEndpoint(id, []byte(step.record), relay(step.record), step.seq, at(10)), step.want)
			if step.seq == high {
				record, from, err := tx.EndpointRecord(id)
				want(t, record, err, []byte("c"))
				want(t, from, err, relay("c"))
			}
		}
		record, from, err := tx.EndpointRecord(id)
		want(t, record, err, []byte("b"))
		want(t, from, err, relay("b"))
	})
}

func TestHybridKeys(t *testing.T) {
	inTx(t, func(tx *Tx) {
		older := HybridKey{
			ID: [8]byte{9, 7: 1}, Private: []byte("p"), Blob: []byte("b"),
			NotBefore: at(1), NotAfter: at(5), Replaced: at(3),
		}
		newer := HybridKey{ID: [8]byte{1}, NotBefore: at(2)}
		_, err := tx.HybridKey(older.ID)
		wantErr(t, err, ErrNotFound)
		for _, k := range []HybridKey{older, newer} {
			wantErr(t, tx.PutHybridKey(k), nil)
			got, err := tx.HybridKey(k.ID)
			want(t, got, err, k)
		}
		newer.Replaced = at(9)
		wantErr(t, tx.PutHybridKey(newer), nil)
		all, err := tx.HybridKeys()
		want(t, all, err, []HybridKey{newer, older})
		for range 2 {
			wantErr(t, tx.DeleteHybridKey(newer.ID), nil)
		}
		all, err = tx.HybridKeys()
		want(t, all, err, []HybridKey{older})
	})
}

func TestPeerHybridKeys(t *testing.T) {
	inTx(t, func(tx *Tx) {
		id := identity(1)
		_, _, err := tx.PeerHybridKey(id)
		wantErr(t, err, ErrNotFound)
		wantErr(t, tx.PutPeerHybridKey(id, []byte("a"), at(5)), nil)
		wantErr(t, tx.PutPeerHybridKey(id, []byte("old"), at(4)), ErrConflict)
		wantErr(t, tx.PutPeerHybridKey(id, []byte("b"), at(6)), nil)
		blob, notBefore, err := tx.PeerHybridKey(id)
		want(t, blob, err, []byte("b"))
		want(t, notBefore, err, at(6))
		wantErr(t, tx.DropPeerHybridKeys(at(6)), nil)
		_, _, err = tx.PeerHybridKey(id)
		wantErr(t, err, nil)
		wantErr(t, tx.DropPeerHybridKeys(at(7)), nil)
		_, _, err = tx.PeerHybridKey(id)
		wantErr(t, err, ErrNotFound)
	})
}

func TestKeyPackages(t *testing.T) {
	inTx(t, func(tx *Tx) {
		here, there := transport.Key(id32(1)), transport.Key(id32(2))
		kp := func(ref string, place transport.Key, created int64, last bool) KeyPackage {
			return KeyPackage{
				Ref: []byte(ref), Package: []byte("p" + ref), Secrets: []byte("s" + ref), Place: place,
				Created: at(created), Expires: at(created + 100), LastResort: last,
			}
		}
		b, a := kp("b", here, 2, false), kp("a", here, 1, false)
		oldLast, newLast, far := kp("o", here, 0, true), kp("n", here, 3, true), kp("f", there, 0, false)
		_, err := tx.TakeKeyPackage(here)
		wantErr(t, err, ErrNotFound)
		for _, k := range []KeyPackage{b, a, oldLast, newLast, far} {
			wantErr(t, tx.PutKeyPackage(k), nil)
			got, err := tx.KeyPackage(k.Ref)
			want(t, got, err, k)
		}
		all, err := tx.KeyPackages(here)
		want(t, all, err, []KeyPackage{oldLast, a, b, newLast})
		for _, k := range []KeyPackage{a, b, newLast, newLast} {
			k.HandedOut = true
			got, err := tx.TakeKeyPackage(here)
			want(t, got, err, k)
			got, err = tx.KeyPackage(k.Ref)
			want(t, got, err, k)
		}
		wantErr(t, tx.DeleteExpiredKeyPackages(at(102)), nil) // oldLast, a, far
		_, err = tx.KeyPackage(a.Ref)
		wantErr(t, err, ErrNotFound)
		_, err = tx.TakeKeyPackage(there)
		wantErr(t, err, ErrNotFound)
		for range 2 {
			wantErr(t, tx.DeleteKeyPackage(newLast.Ref), nil)
		}
		b.HandedOut = true
		all, err = tx.KeyPackages(here)
		want(t, all, err, []KeyPackage{b})
		_, err = tx.TakeKeyPackage(here)
		wantErr(t, err, ErrNotFound)
	})
}

// TestCopies changes what was given to and got from a Tx.
func TestCopies(t *testing.T) {
	inTx(t, func(tx *Tx) {
		given := []byte("card")
		wantErr(t, tx.PutContact(Contact{Identity: identity(1), Name: "a", Card: given}), nil)
		clear(given)
		got, err := tx.Contact(identity(1))
		want(t, got.Card, err, []byte("card"))
		clear(got.Card)
		_, err = tx.Contacts()
		wantErr(t, err, nil)
		got, err = tx.Contact(identity(1))
		want(t, got.Card, err, []byte("card"))
	})
}

func TestTimes(t *testing.T) {
	inTx(t, func(tx *Tx) {
		for _, when := range []time.Time{{}, at(0), at(-3e9), time.UnixMilli(1 << 50).UTC()} {
			wantErr(t, tx.PutContact(Contact{Identity: rpc.Identity{}, Added: when}), nil)
			got, err := tx.Contact(rpc.Identity{})
			want(t, got.Added, err, when)
		}
	})
}
