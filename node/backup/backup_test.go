package backup

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/node/afresh"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
	"quicnprotochat/rpc"
)

const text = "the lake at midnight"

// closed is a closed home with a contact, a conversation, a message and secrets.
func closed(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: filepath.Join(t.TempDir(), "home")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	peer, id := rpc.Identity{9}, pair.ID(rpc.Identity{1}, rpc.Identity{9})
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		g := store.Group{ID: []byte("pair"), Conversation: id, Counter: 3, Epoch: [16]byte{4}}
		return errors.Join(
			tx.PutContact(store.Contact{Identity: peer, Name: "Bob", Via: "link", Added: time.Now()}),
			tx.PutConversation(store.Conversation{ID: id, Peer: peer, Group: g.ID, Counter: 12, Created: time.Now()}),
			tx.PutGroup(g),
			tx.PutEpoch(store.Epoch{ID: g.Epoch, Group: g.ID, Created: time.Now()}),
			tx.Records(g.Epoch).Put("secret", []byte("ratchet")),
			tx.InsertMessage(store.Message{Conversation: id, Author: peer, ID: [16]byte{5}, Type: byte(message.Chat), Body: []byte(text), Counter: 1}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func password() []byte { return []byte("lake house") }

func create(t *testing.T, s *store.Store) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "node.qpcbackup")
	n, err := Create(t.Context(), s, path, password())
	if want := (store.Sizes{Contacts: 1, Conversations: 1, Messages: 1}); err != nil || n != want {
		t.Fatalf("got %+v, %v, want %+v", n, err, want)
	}
	return path
}

// alone fails if there is another file beside one.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the backup: %v, %v", entries, err)
	}
}

func TestBackup(t *testing.T) {
	path := create(t, closed(t))
	alone(t, path)
	b, err := os.ReadFile(path)
	if err != nil || bytes.Contains(b, []byte(text)) || bytes.Contains(b, []byte("SQLite")) {
		t.Errorf("the backup is in clear, %v", err)
	}
	if n, err := Verify(path, password()); err != nil || n.Messages != 1 {
		t.Errorf("verify: %+v, %v", n, err)
	}
	if _, err := Create(context.Background(), closed(t), path, password()); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second one in its place: got %v, want ErrExist", err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if err := Restore(path, password(), store.Config{Dir: dir, Password: []byte("state")}); err != nil {
		t.Fatal(err)
	}
	alone(t, path)
	s, err := store.Open(store.Config{Dir: dir, Password: []byte("state")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(tx *store.Tx) error {
		c, err := tx.ConversationOf(rpc.Identity{9})
		if err != nil || c.Counter != 12+afresh.MessageLeap || len(c.Group) != 0 {
			t.Errorf("the conversation is %+v, %v", c, err)
		}
		g, err := tx.Group([]byte("pair"))
		if err != nil || g.Counter != 3+afresh.GroupLeap {
			t.Errorf("the group is %+v, %v", g, err)
		}
		if _, err := tx.Epoch([16]byte{4}); !store.IsNotFound(err) {
			t.Errorf("the epoch: got %v, want ErrNotFound", err)
		}
		if v, err := tx.Records([16]byte{4}).Get("secret"); err != nil || v != nil {
			t.Errorf("a secret of MLS: got %q, %v", v, err)
		}
		m, err := tx.Message(c.ID, rpc.Identity{9}, [16]byte{5})
		if err != nil || string(m.Body) != text {
			t.Errorf("the message is %+v, %v", m, err)
		}
		if v, err := tx.Meta(keys.MetaRestored); err != nil || v == nil {
			t.Errorf("that it is restored is not noted, %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := Restore(path, password(), store.Config{Dir: dir}); !errors.Is(err, home.ErrNotEmpty) {
		t.Errorf("over a home: got %v, want ErrNotEmpty", err)
	}
}

// TestBackupRefuses changes a backup at many places, and cuts it at others.
func TestBackupRefuses(t *testing.T) {
	path := create(t, closed(t))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, b []byte, word string, want ...error) {
		t.Helper()
		dir := t.TempDir()
		bad := filepath.Join(dir, "bad")
		if err := os.WriteFile(bad, b, 0o600); err != nil {
			t.Fatal(err)
		}
		err := Restore(bad, []byte(word), store.Config{Dir: filepath.Join(dir, "home")})
		ok := false
		for _, w := range want {
			ok = ok || errors.Is(err, w)
		}
		if !ok {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
		alone(t, bad)
	}
	refused("wrong password", good, "lake houses", ErrPassword)
	refused("empty", nil, "lake house", ErrFormat)
	refused("another file", []byte("SQLite format 3\x00 and so on, and so on, and so on, and so on, and so on, and so on, and so on, and on"), "lake house", ErrFormat)
	head := len(magic) + 1 + sealedSize
	for _, at := range []int{0, 4, 5, 9, 30, head - 1, head, head + 100, len(good) / 2, len(good) - 1} {
		b := bytes.Clone(good)
		b[at] ^= 1
		refused("changed", b, "lake house", ErrFormat, ErrPassword, ErrDamaged)
		refused("cut", good[:at], "lake house", ErrFormat, ErrDamaged)
	}
	chunk := chunkSize + 16
	refused("a part left out", append(bytes.Clone(good[:head]), good[head+chunk:]...), "lake house", ErrDamaged)
	refused("cut after a part", good[:head+chunk], "lake house", ErrDamaged)
	refused("more behind the end", append(bytes.Clone(good), 0), "lake house", ErrDamaged)
}

// FuzzReadStream gives what may stand behind the header.
func FuzzReadStream(f *testing.F) {
	var good bytes.Buffer
	key := make([]byte, home.KeySize)
	if err := sealStream(&good, bytes.NewReader([]byte("a snapshot")), key); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		err := openStream(&out, bytes.NewReader(b), key)
		if err == nil && !bytes.Equal(b, good.Bytes()) {
			var again bytes.Buffer
			if err := sealStream(&again, &out, key); err != nil || !bytes.Equal(again.Bytes(), b) {
				t.Errorf("took %x, which nobody sealed", b)
			}
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("got %v", err)
		}
	})
}
