package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/share"
	"quicnprotochat/rpc"
)

// audit counts all that is in the file and compares that with what the file says
// of itself.
func audit(t interface {
	Helper()
	Errorf(string, ...any)
}, s *Store,
) {
	t.Helper()
	crowds := crowdsOf(s)
	err := s.View(func(tx *bolt.Tx) error {
		var bytes uint64
		refs := map[uint64]uint32{}
		inboxes := tx.Bucket(bucketInboxes)
		err := inboxes.ForEach(func(k, _ []byte) error {
			b := inboxes.Bucket(k)
			body, err := ledger.Unseal(k, keyHeader, b.Get(keyHeader))
			if err != nil {
				return err
			}
			head, err := parseHeader(body)
			if err != nil {
				return err
			}
			n, err := auditInbox(k, b, head, crowds, refs)
			bytes += n
			return err
		})
		if err != nil {
			return err
		}
		n, err := auditShared(tx, refs)
		bytes += n
		for _, name := range Layout.Tables[3:] {
			err = errors.Join(err, tx.Bucket(name).ForEach(func(_, v []byte) error { bytes += ledger.RecordSize(len(v)); return nil }))
		}
		total, err2 := ledger.ReadTotals(tx)
		if total.Bytes != bytes {
			t.Errorf("total is %d, %d are there", total.Bytes, bytes)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Errorf("audit: %v", err)
	}
}

// crowdsOf copies what the writer has of the shares. It writes nothing.
func crowdsOf(s *Store) map[Inbox]share.Crowd {
	all := make(map[Inbox]share.Crowd)
	_ = s.submit(context.Background(), 0, func(b *batch) error {
		_ = b.Tx.Bucket(bucketInboxes).ForEach(func(k, _ []byte) error {
			id, _ := parseInboxKey(k)
			if of, ok := b.crowds.Find(id); ok {
				all[id] = share.Crowd{Who: maps.Clone(of.Who), Place: maps.Clone(of.Place)}
			}
			return nil
		})
		return ErrFull
	})
	return all
}

func auditInbox(k []byte, b *bolt.Bucket, head header, crowds map[Inbox]share.Crowd, refs map[uint64]uint32) (bytes uint64, err error) {
	var all share.Amount
	shares := share.NewCrowd()
	err = b.ForEach(func(key, v []byte) error {
		if len(key) != 8 {
			return nil
		}
		e, err := openEntry(k, key, v)
		if e.kind == entryShared {
			refs[e.number]++
		}
		one := share.Amount{Count: 1, Bytes: payloadCost(e.size)}
		shares.Add(e.from, one)
		all = all.Plus(one)
		bytes += e.cost()
		return err
	})
	id, _ := parseInboxKey(k)
	if noted, ok := crowds[id]; ok && !(maps.Equal(noted.Who, shares.Who) && maps.Equal(noted.Place, shares.Place)) {
		err = errors.Join(err, errors.New("shares counted wrong"))
	}
	if all.Count != head.count || all.Bytes != head.bytes {
		err = errors.Join(err, errors.New("inbox counts wrong"))
	}
	return bytes + ledger.Overhead, err
}

func auditShared(tx *bolt.Tx, refs map[uint64]uint32) (bytes uint64, err error) {
	n := 0
	err = tx.Bucket(bucketPayloads).ForEach(func(k, v []byte) error {
		n++
		payload, err := sharedPayload(tx, binary.BigEndian.Uint64(k))
		bytes += payloadCost(len(payload))
		if body, err := ledger.Unseal(bucketRefs, k, tx.Bucket(bucketRefs).Get(k)); err != nil || binary.BigEndian.Uint32(body) != refs[binary.BigEndian.Uint64(k)] {
			return errors.New("references counted wrong")
		}
		return err
	})
	if n != len(refs) || tx.Bucket(bucketRefs).Inspect().KeyN != n {
		err = errors.Join(err, errors.New("a payload without entries, or the other way round"))
	}
	return bytes, err
}

// A payload for many is on the disk once, until the last of them has it.
func TestSharedPayload(t *testing.T) {
	ctx := context.Background()
	s := start(t, Config{})
	const n, size = 200, 100_000
	var to []Inbox
	for i := range byte(n) {
		to = append(to, box(i+1))
	}
	payload := bytes.Repeat([]byte("p"), size)
	seqs, err := s.Append(ctx, Depositor{Who: rpc.Identity{9}}, to, payload)
	if err != nil || len(seqs) != n || slices.Contains(seqs, 0) {
		t.Fatalf("got %v, %v", seqs, err)
	}
	put(t, s, box(1), "alone")
	if held, err := s.Bytes(); err != nil || held > size+n*4*ledger.Overhead {
		t.Errorf("%d bytes held, %v", held, err)
	}
	audit(t, s.Store)
	for i, in := range to {
		wantPeek(t, s, in, 0, append([]string{string(payload)}, [][]string{{"alone"}, nil}[min(i, 1)]...)...)
		if i%2 == 0 {
			err = s.Ack(ctx, in, 1)
		} else {
			_, err = s.Drain(ctx, in, 1, 1<<20)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	audit(t, s.Store)
	if held, err := s.Bytes(); err != nil || held > n*2*ledger.Overhead+1000 {
		t.Errorf("%d bytes held, %v", held, err)
	}
}

// What is left of a shared payload whose references are damaged goes when it
// expires, and with it what it counted.
func TestSharedPayloadExpires(t *testing.T) {
	clk := newClock()
	s := start(t, Config{Now: clk.now})
	for range 3 {
		if _, err := s.Append(t.Context(), Depositor{Who: rpc.Identity{9}}, []Inbox{box(1), box(2)}, make([]byte, 5000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.submit(t.Context(), 0, func(b *batch) error { return ledger.Abort(b.Tx.Bucket(bucketRefs).Put(u64(2), []byte("no"))) }); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Ack(t.Context(), box(1), 3), s.Ack(t.Context(), box(2), 3)); err != nil {
		t.Fatal(err)
	}
	clk.add(8 * 24 * time.Hour)
	sweepAll(t, s)
	audit(t, s.Store)
	if held, err := s.Bytes(); err != nil || held != 2*ledger.Overhead {
		t.Errorf("%d bytes held, %v", held, err)
	}
}

// One depositor gets its share of an inbox and others the rest.
func TestShare(t *testing.T) {
	ctx := context.Background()
	a, b, c := rpc.Identity{1}, rpc.Identity{2}, rpc.Identity{3}
	clk := newClock()
	s := start(t, Config{MaxDepth: 8, MaxInboxBytes: 80_000, MaxShareBytes: 10_000, Now: clk.now})
	left := func(from rpc.Identity, size int, want error) {
		t.Helper()
		if _, err := s.Append(ctx, Depositor{Who: from}, []Inbox{box(1)}, make([]byte, size)); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
		audit(t, s.Store)
	}
	left(a, 1, nil)
	left(a, 1, nil)
	left(a, 1, ErrShare)
	left(a, 1, ErrFull)
	left(b, 11_000, nil) // the first one may be larger than the share
	left(b, 1, ErrShare)
	seqs, err := s.Append(ctx, Depositor{Who: a}, []Inbox{box(1), box(2)}, nil)
	if err != nil || seqs[0] != 0 || seqs[1] != 1 {
		t.Errorf("got %v, %v", seqs, err)
	}
	if err := s.Ack(ctx, box(1), 1); err != nil {
		t.Fatal(err)
	}
	left(a, 1, nil)
	left(a, 1, ErrShare)
	clk.add(8 * 24 * time.Hour) // what has expired counts no longer
	left(a, 1, nil)
	left(c, 1, nil)
	for range 6 {
		left(rpc.Identity{}, 1, nil)
	}
	left(c, 1, ErrFull)
}

// TestPlaceShare: many keys at one place have no more than its share, whichever of
// them deposits, and others find room.
func TestPlaceShare(t *testing.T) {
	clk := newClock()
	s := start(t, Config{MaxDepth: 20, MaxInboxBytes: 80_000, MaxShare: 3, MaxPlaceShare: 6, MaxPlaceShareBytes: 20_000, Now: clk.now})
	left := func(who, place byte, in Inbox, size int, want error) {
		t.Helper()
		from := Depositor{Who: rpc.Identity{who}}
		if place > 0 {
			from.Place = [32]byte{place}
		}
		if _, err := s.Append(t.Context(), from, []Inbox{in}, make([]byte, size)); !errors.Is(err, want) {
			t.Fatalf("%d at %d: got %v, want %v", who, place, err, want)
		}
		audit(t, s.Store)
	}
	for i := range byte(6) {
		left(1+i/2, 1, box(1), 1, nil)
	}
	left(1, 1, box(1), 1, ErrShare)
	left(9, 1, box(1), 1, ErrShare) // as new as can be
	left(9, 1, box(2), 1, nil)
	left(1, 2, box(1), 19_000, nil) // from elsewhere, which is another depositor
	left(9, 2, box(1), 1000, ErrShare)
	for i := range byte(6) {
		left(20+i, 0, box(1), 1, nil) // where the place says nothing
	}
	if err := s.Ack(t.Context(), box(1), 1); err != nil {
		t.Fatal(err)
	}
	left(9, 1, box(1), 1, nil)
	left(9, 1, box(1), 1, ErrShare)
	clk.add(8 * 24 * time.Hour) // what has expired counts no longer
	left(9, 1, box(1), 1, nil)
}

// TestInboxesOfOne: the inboxes of channels are bounded, and do not keep the mail
// of their owner out.
func TestInboxesOfOne(t *testing.T) {
	s := start(t, Config{MaxInboxes: 2})
	for i := range byte(3) {
		_, err := s.Append(t.Context(), Depositor{Who: rpc.Identity{9}}, []Inbox{{Owner: rpc.Identity{1}, Channel: rpc.Channel{1 + i}}}, nil)
		if (i == 2) != errors.Is(err, ErrFull) {
			t.Errorf("inbox %d: got %v", i, err)
		}
	}
	put(t, s, Inbox{Owner: rpc.Identity{1}}, "mail")
	put(t, s, box(2), "another's")
}

// What a transaction counted that came to nothing is not counted on.
func TestShareAfterAbort(t *testing.T) {
	s := start(t, Config{MaxShare: 2})
	from := Depositor{Who: rpc.Identity{1}}
	left := func(want error) {
		t.Helper()
		if _, err := s.Append(t.Context(), from, []Inbox{box(1)}, nil); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
		audit(t, s.Store)
	}
	left(nil)
	left(nil)
	for range 3 {
		put(t, s, box(1), "of nobody")
	}
	left(ErrShare)
	err := s.submit(t.Context(), 0, func(b *batch) error {
		q, err := b.inbox(box(1))
		return ledger.Abort(errors.Join(err, b.remove(q, 1, 1), errBroken))
	})
	if !errors.Is(err, errBroken) {
		t.Fatalf("got %v, want the fault", err)
	}
	left(ErrShare)
	if err := s.Ack(t.Context(), box(1), 1); err != nil {
		t.Fatal(err)
	}
	left(nil)
	left(ErrShare)
}
