package store

import (
	"bytes"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// TestErasedTextIsGone looks into the decrypted file for what was erased.
func TestErasedTextIsGone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	secret := bytes.Repeat([]byte("a secret of some length "), 400) // over several pages
	m := Message{Conversation: id16(1), Author: identity(2), ID: id16(3), Type: 1, Body: secret, State: "received"}
	edit := Message{Conversation: id16(1), Author: identity(2), ID: id16(4), Type: 6, Body: secret, Ref: id16(3), Hidden: true, State: "received"}
	digest := m.digest()
	update(t, s, func(tx *Tx) error {
		wantErr(t, tx.InsertMessage(m), nil)
		wantErr(t, tx.InsertMessage(edit), nil)
		return nil
	})
	if file := ReadDecrypted(t, dir); !bytes.Contains(file, secret[:100]) || !bytes.Contains(file, digest) {
		t.Fatal("the test does not find what is there")
	}
	update(t, s, func(tx *Tx) error {
		wantErr(t, tx.EraseMessage(m.Conversation, m.Author, m.ID, at(5), false), nil)
		wantErr(t, tx.DeleteMessage(edit.Conversation, edit.Author, edit.ID), nil)
		return nil
	})
	file := ReadDecrypted(t, dir)
	for _, part := range [][]byte{secret[:24], secret[7:20], digest} {
		if bytes.Contains(file, part) {
			t.Errorf("%q is in the file", part)
		}
	}
	update(t, s, func(tx *Tx) error {
		wantErr(t, tx.InsertMessage(m), ErrExists)
		m.Body = []byte("something else")
		wantErr(t, tx.InsertMessage(m), ErrExists) // nothing is left to compare
		wantErr(t, tx.EraseMessage(m.Conversation, m.Author, id16(9), at(5), false), ErrNotFound)
		return nil
	})
}

func TestLines(t *testing.T) {
	inTx(t, func(tx *Tx) {
		author := identity(2)
		add := func(n byte, m Message) Message {
			m.Conversation, m.Author, m.ID, m.Counter, m.Lamport = id16(1), author, id16(n), uint64(n), uint64(n)
			wantErr(t, tx.InsertMessage(m), nil)
			return m
		}
		hello := add(1, Message{Type: 1, State: "received", Stored: at(1)})
		timer := add(2, Message{Type: 17, State: "received", Stored: at(2), Read: at(2)})
		late := add(3, Message{Type: 1, State: "received", Stored: at(3), Expires: at(40)})
		like := add(4, Message{Type: 3, State: "received", Ref: id16(1), Hidden: true})
		lost := add(5, Message{Type: 3, State: "early", Ref: id16(9), Hidden: true, Stored: at(5)})

		got, err := tx.History(id16(1), nil, 0)
		want(t, got, err, []Message{hello, timer, late})
		got, err = tx.Referring(id16(1), id16(1))
		want(t, got, err, []Message{like})
		got, err = tx.MessagesOf(id16(1), id16(4))
		want(t, got, err, []Message{like})
		got, err = tx.EntriesBetween(id16(1), id16(2), id16(4), 0)
		want(t, got, err, []Message{timer, late})
		n, err := tx.CountEarly(id16(1), author)
		want(t, n, err, 1)

		got, err = tx.Unread(id16(1), Position{Lamport: 2, Author: rpc.Identity{255}}, 0)
		want(t, got, err, []Message{hello})
		n, err = tx.CountUnread(id16(1))
		want(t, n, err, 2)
		counts, err := tx.UnreadCounts()
		want(t, counts, err, []UnreadCount{{id16(1), 2}})
		wantErr(t, tx.SetRead(id16(1), author, id16(1), at(7), at(30)), nil)
		n, err = tx.CountUnread(id16(1))
		want(t, n, err, 1)

		_, err = tx.TimerBefore(id16(1), hello.Position())
		wantErr(t, err, ErrNotFound)
		before, err := tx.TimerBefore(id16(1), late.Position())
		want(t, before, err, timer)

		next, err := tx.NextExpiry()
		want(t, next, err, at(30))
		got, err = tx.Expired(at(29), 0)
		want(t, got, err, nil)
		got, err = tx.Expired(at(40), 1)
		hello.Read, hello.Expires = at(7), at(30)
		want(t, got, err, []Message{hello})

		wantErr(t, tx.DropErased(at(6)), nil)
		got, err = tx.MessagesOf(id16(1), lost.ID)
		want(t, got, err, nil)
		got, err = tx.MessagesOf(id16(1), like.ID)
		want(t, got, err, []Message{like})
		wantErr(t, tx.DropEarly(id16(1), author, 1), nil)
	})
	s := open(t, Config{})
	view(t, s, func(tx *Tx) error {
		next, err := tx.NextExpiry()
		want(t, next, err, time.Time{})
		return nil
	})
}

// TestMessagesOfOldStore opens a store of before there were messages about messages.
func TestMessagesOfOldStore(t *testing.T) {
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:8]
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	ref, talk, author := id16(7), id16(1), identity(2)
	insert := func(tx *Tx, id [16]byte, kind byte, body []byte, n uint64) {
		wantErr(t, tx.db.Do(`INSERT INTO messages (conversation, author, id, type, body, digest, lamport, counter, sent, stored, state, path, relay, why)
			VALUES (?, ?, ?, ?, ?, x'', ?, ?, ?, ?, 'received', '', ?, '')`,
			talk[:], author[:], id[:], kind, body, n, n, at(1), at(2), make([]byte, 32)), nil)
	}
	update(t, s, func(tx *Tx) error {
		insert(tx, ref, 1, []byte("hello"), 1)
		insert(tx, id16(8), 3, append(append([]byte{1, 3}, ref[:]...), "\x01x"...), 2)
		return nil
	})
	wantErr(t, s.Close(), nil)
	migrations = all
	view(t, open(t, Config{Dir: dir}), func(tx *Tx) error {
		entries, err := tx.History(talk, nil, 0)
		if len(entries) != 1 || entries[0].ID != ref || entries[0].Read != at(2) || err != nil {
			t.Errorf("entries: %+v, %v", entries, err)
		}
		marks, err := tx.Referring(talk, ref)
		if len(marks) != 1 || marks[0].ID != id16(8) || !marks[0].Hidden {
			t.Errorf("marks: %+v", marks)
		}
		return err
	})
}
