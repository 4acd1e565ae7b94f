package store

import (
	"bytes"
	"testing"

	"quicnprotochat/rpc"
)

// parcels counts what is shared.
func (t *Tx) parcels() (int, error) { return t.db.Count("SELECT count(*) FROM parcels") }

// TestParcels: what goes to many is there once, each of them reads it whole, and it
// goes with the last of them, out of the file too.
func TestParcels(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	payload, welcome := bytes.Repeat([]byte("sealed once for all "), 500), bytes.Repeat([]byte("come in, all of you "), 500)
	all := []rpc.Identity{identity(1), identity(2), identity(3)}
	var intents []int64
	update(t, s, func(tx *Tx) error {
		wantErr(t, tx.AddOutgoingTo(Outgoing{Kind: KindMessage, Payload: payload, Message: id16(7), Created: at(1)}, all), nil)
		wantErr(t, tx.AddOutgoingTo(Outgoing{Kind: KindWelcome, Frame: welcome, Group: []byte("g"), Created: at(2)}, all), nil)
		wantErr(t, tx.AddOutgoingTo(Outgoing{Kind: KindWelcome, Frame: welcome}, nil), nil)
		for _, id := range all[:2] {
			n, err := tx.AddIntent(Intent{Group: []byte("g"), Kind: 1, Subject: id})
			wantErr(t, err, nil)
			intents = append(intents, n)
		}
		return tx.SetWelcome(welcome, intents)
	})
	update(t, s, func(tx *Tx) error {
		n, err := tx.parcels()
		want(t, n, err, 3)
		for _, id := range all {
			fresh, err := tx.OutgoingFresh(id, 0)
			if len(fresh) != 1 || !bytes.Equal(fresh[0].Payload, payload) || len(fresh[0].Frame) > 0 {
				t.Errorf("sealed: got %d rows, %v", len(fresh), err)
			}
			waits, err := tx.UnsealedFor(id, 0)
			if len(waits) != 1 || !bytes.Equal(waits[0].Frame, welcome) || len(waits[0].Payload) > 0 {
				t.Fatalf("not sealed: got %d rows, %v", len(waits), err)
			}
			wantErr(t, tx.SealOutgoing(waits[0].ID, []byte{id[0]}), nil)
			now, err := tx.Outgoing(waits[0].ID)
			if err != nil || !bytes.Equal(now.Payload, []byte{id[0]}) || len(now.Frame) > 0 {
				t.Errorf("sealed now: %+v, %v", now, err)
			}
		}
		n, err = tx.parcels()
		want(t, n, err, 2) // the frame went with the last that was sealed
		has, err := tx.HasOutgoingKind(all[0], KindWelcome, []byte("g"))
		want(t, has, err, true)
		has, err = tx.HasOutgoingKind(all[0], KindCommit, []byte("g"))
		want(t, has, err, false)
		wantErr(t, tx.DropWelcome(intents[0]), nil)
		b, err := tx.Welcome(intents[0])
		want(t, b, err, nil)
		b, err = tx.Welcome(intents[1])
		want(t, b, err, welcome)
		return nil
	})
	if !bytes.Contains(ReadDecrypted(t, dir), payload[:100]) {
		t.Fatal("the test does not see what is stored")
	}
	update(t, s, func(tx *Tx) error {
		wantErr(t, tx.DeleteIntent(intents[1]), nil)
		for _, id := range all {
			wantErr(t, tx.DeleteOutgoingTo([16]byte{}, id16(7), id), nil)
		}
		n, err := tx.parcels()
		want(t, n, err, 0)
		return nil
	})
	if b := ReadDecrypted(t, dir); bytes.Contains(b, payload[:20]) || bytes.Contains(b, welcome[:20]) {
		t.Error("what nobody refers to is still in the file")
	}
}

// TestParcelsOfOldStore opens a store in which each row had its own copy.
func TestParcelsOfOldStore(t *testing.T) {
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:12]
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	none, to := make([]byte, 32), identity(1)
	add := func(tx *Tx, frame, payload string) {
		wantErr(t, tx.db.Do(`INSERT INTO outbox (recipient, kind, frame, payload, conversation, message, grp, created, stored_at, stored_relay, direct_at)
			VALUES (?, 1, ?, ?, ?, ?, x'', 0, 0, ?, 0)`, to[:], []byte(frame), []byte(payload), none[:16], none[:16], none), nil)
	}
	intend := func(tx *Tx, kind byte, value string) {
		wantErr(t, tx.db.Do(`INSERT INTO intents (grp, kind, subject, value, package, epoch, created) VALUES (x'67', ?, ?, ?, x'', ?, 0)`,
			kind, to[:], []byte(value), none[:16]), nil)
	}
	update(t, s, func(tx *Tx) error {
		add(tx, "frame", "")
		add(tx, "", "payload")
		intend(tx, 3, "a name")
		intend(tx, 1, "")
		intend(tx, 1, "welcome")
		return nil
	})
	wantErr(t, s.Close(), nil)
	migrations = all
	update(t, open(t, Config{Dir: dir}), func(tx *Tx) error {
		fresh, err := tx.OutgoingFresh(to, 0)
		if err != nil || len(fresh) != 1 || string(fresh[0].Payload) != "payload" {
			t.Errorf("sealed: %+v, %v", fresh, err)
		}
		waits, err := tx.UnsealedFor(to, 0)
		if err != nil || len(waits) != 1 || string(waits[0].Frame) != "frame" {
			t.Errorf("not sealed: %+v, %v", waits, err)
		}
		intents, err := tx.Intents([]byte("g"))
		if err != nil || len(intents) != 3 || string(intents[0].Value) != "a name" || intents[0].Welcome || intents[1].Welcome || !intents[2].Welcome {
			t.Fatalf("intents: %+v, %v", intents, err)
		}
		b, err := tx.Welcome(intents[2].ID)
		want(t, b, err, []byte("welcome"))
		wantErr(t, tx.DeleteIntent(intents[2].ID), nil)
		n, err := tx.parcels()
		want(t, n, err, 0)
		return nil
	})
}
