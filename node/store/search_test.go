package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"quicnprotochat/rpc"
)

// entry is a message of one author in a conversation.
func entry(conversation byte, n int) Message {
	return Message{
		Conversation: id16(conversation), Author: rpc.Identity{1}, ID: [16]byte{byte(n >> 16), byte(n >> 8), byte(n)},
		Type: 1, Counter: uint64(n), Lamport: uint64(n),
	}
}

func (t *Tx) addText(m Message, text string) error {
	m.Body = []byte(text)
	if err := t.InsertMessage(m); err != nil {
		return err
	}
	return t.Index(m.Conversation, m.Author, m.ID, text)
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	texts := []string{
		1: "The quick brown fox", 2: "Zürich, the LAKE at midnight", 3: "see https://example.org/x?y=1", 4: "李 came: 晚上好", 5: "",
	}
	update(t, s, func(tx *Tx) error {
		for n, text := range texts[1:] {
			if err := tx.addText(entry(1, n+1), text); err != nil {
				return err
			}
		}
		if err := tx.addText(entry(2, 6), "another fox, at the lake"); err != nil {
			return err
		}
		if left, err := tx.Unindexed(0); err != nil || len(left) != 0 {
			t.Errorf("not indexed: %v, %v", left, err)
		}
		return tx.InsertMessage(entry(1, 7))
	})
	find := func(words string, in *[16]byte) (found []uint64) {
		view(t, s, func(tx *Tx) error {
			all, err := tx.Search(words, in, 10)
			for _, m := range all {
				found = append(found, m.Counter)
			}
			return err
		})
		return found
	}
	one := id16(1)
	for _, c := range []struct {
		words string
		in    *[16]byte
		want  []uint64
	}{
		{"fox", nil, []uint64{6, 1}},
		{"fox", &one, []uint64{1}},
		{"c01", nil, nil}, // of the conversation the index knows, which is no text
		{"c01000000", nil, nil},
		{"zurich Lake", nil, []uint64{2}},
		{"QUI", nil, []uint64{1}}, // only begun
		{"qui fox", nil, nil},     // the first one must be whole
		{"example.org/x", nil, []uint64{3}},
		{"李", nil, []uint64{4}},
		{`" OR * NEAR( -fox`, nil, nil},
		{`fox" OR "lake`, nil, nil},
		{"", nil, nil},
		{"!?", nil, nil},
	} {
		if got := find(c.words, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %v, want %v", c.words, got, c.want)
		}
	}
	update(t, s, func(tx *Tx) error {
		m := entry(1, 2)
		if err := tx.EraseMessage(m.Conversation, m.Author, m.ID, at(9), false); err != nil {
			return err
		}
		m = entry(2, 6)
		return tx.DeleteMessage(m.Conversation, m.Author, m.ID)
	})
	if got := find("lake", nil); got != nil {
		t.Errorf("erased and deleted ones are found: %v", got)
	}
	b := ReadDecrypted(t, dir)
	for _, gone := range []string{"midnight", "LAKE", "zurich", "another fox"} {
		if bytes.Contains(b, []byte(gone)) {
			t.Errorf("%q is still in the file", gone)
		}
	}
}

func TestUnindex(t *testing.T) {
	s := open(t, Config{})
	update(t, s, func(tx *Tx) error {
		m := entry(1, 1)
		if err := tx.addText(m, "first words"); err != nil {
			return err
		}
		if err := tx.Unindex(m.Conversation, m.Author, m.ID); err != nil {
			return err
		}
		left, err := tx.Unindexed(0)
		if err != nil || len(left) != 1 {
			t.Errorf("to be indexed again: %v, %v", left, err)
		}
		return tx.Index(m.Conversation, m.Author, m.ID, "other words")
	})
	view(t, s, func(tx *Tx) error {
		was, err := tx.Search("first", nil, 1)
		if err != nil || len(was) != 0 {
			t.Errorf("the old words: got %v, %v", was, err)
		}
		is, err := tx.Search("other", nil, 1)
		if err != nil || len(is) != 1 {
			t.Errorf("the new words: got %v, %v", is, err)
		}
		return err
	})
}

// FuzzSearchQuery gives what users may type.
func FuzzSearchQuery(f *testing.F) {
	s := open(f, Config{})
	for _, seed := range []string{"fox", `a"b`, "NEAR(a b)", "* ^x", "\x00", "a\u0301 - +", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, words string) {
		view(t, s, func(tx *Tx) error {
			if _, err := tx.Search(words, nil, 1); err != nil {
				t.Errorf("%q: %v", words, err)
			}
			return nil
		})
	})
}

// TestSearchAnew opens a home from before the index had the beginnings of words: all of
// it is to be indexed again, and is found then.
func TestSearchAnew(t *testing.T) {
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:14]
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	m := entry(1, 1)
	update(t, s, func(tx *Tx) error {
		if err := tx.InsertMessage(m); err != nil {
			return err
		}
		for _, sql := range []string{
			"INSERT INTO searchable (no, conversation, author, id) SELECT 1, conversation, author, id FROM messages",
			"INSERT INTO search (rowid, text) VALUES (1, 'the lake')", "UPDATE messages SET indexed = 1",
		} {
			if err := tx.db.Do(sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migrations = all
	s = open(t, Config{Dir: dir})
	update(t, s, func(tx *Tx) error {
		if left, err := tx.Unindexed(0); err != nil || len(left) != 1 {
			t.Errorf("to be indexed: %v, %v", left, err)
		}
		if err := tx.Index(m.Conversation, m.Author, m.ID, "the lake"); err != nil {
			return err
		}
		found, err := tx.Search("la", nil, 10)
		if err != nil || len(found) != 1 {
			t.Errorf("got %v, %v", found, err)
		}
		return nil
	})
}

// BenchmarkSearch looks for rare and common words among 100,000 messages of 1000
// conversations, in all of them and in one.
func BenchmarkSearch(b *testing.B) {
	s := open(b, Config{})
	in := func(n int) (c [16]byte) {
		binary.BigEndian.PutUint16(c[:], uint16(n%1000))
		return c
	}
	for from := 0; from < 100_000; from += 1000 {
		update(b, s, func(tx *Tx) error {
			for n := from; n < from+1000; n++ {
				m := entry(1, n)
				m.Conversation = in(n / 100)
				if err := tx.addText(m, fmt.Sprintf("message %d of many, said by %d, word%d", n, n%97, n%5000)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for name, words := range map[string]string{
		"rare": "word4321", "common": "many said", "both": "word4321 many", "begun": "wor", "letter": "m", "none": "absent",
	} {
		for where, conversation := range map[string]*[16]byte{"all": nil, "one": new(in(7))} {
			b.Run(name+"/"+where, func(b *testing.B) {
				for b.Loop() {
					view(b, s, func(tx *Tx) error {
						_, err := tx.Search(words, conversation, 50)
						return err
					})
				}
			})
		}
	}
}
