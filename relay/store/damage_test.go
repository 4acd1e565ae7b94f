package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc"
)

// populate makes a store with pages of every sort and returns its file.
func populate(t *testing.T) []byte {
	t.Helper()
	s := start(t, Config{})
	ctx := context.Background()
	for i := range 300 {
		in := Inbox{Owner: rpc.Identity{byte(i), byte(i >> 8)}}
		for j := range 1 + i%7 {
			put(t, s, in, fmt.Sprintf("payload %d of %d %s", j, i, bytes.Repeat([]byte("x"), i*j)))
		}
	}
	put(t, s, box(255), string(make([]byte, 50_000)))
	later := time.Now().Add(time.Hour)
	for i := range 20 {
		owner := rpc.Identity{byte(i)}
		if err := errors.Join(
			s.AddKeyPackage(ctx, owner, kp("package", later, false)),
			s.AddKeyPackage(ctx, owner, kp("last", later, true)),
			s.SetHybridKey(ctx, owner, make([]byte, 1305)),
			s.SetEndpoint(ctx, owner, 1, later, 1, []byte("endpoint")),
		); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	file, err := os.ReadFile(s.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// contents reads all that is stored; it is the same for equal stores.
func contents(t *testing.T, s *running) map[string]bool {
	t.Helper()
	ctx := context.Background()
	all := map[string]bool{}
	for i := range 300 {
		in := Inbox{Owner: rpc.Identity{byte(i), byte(i >> 8)}}
		got, err := s.Peek(ctx, in, 0, 0, 1<<20)
		if err != nil {
			return all
		}
		for _, e := range got {
			all[fmt.Sprintf("inbox %d: %d %x", i, e.Seq, e.Data)] = true
		}
		h, _ := s.TakeKeyPackage(ctx, in.Owner, i%2 == 0)
		all[fmt.Sprintf("package %d: %s", i, h.Data)] = len(h.Data) > 0
		blobs, _ := s.HybridKeys(ctx, []rpc.Identity{in.Owner})
		all[fmt.Sprintf("hybrid %d: %x", i, blobs)] = true
		record, _ := s.Endpoint(ctx, in.Owner)
		all[fmt.Sprintf("endpoint %d: %s", i, record)] = record != nil
	}
	return all
}

// usedOf is how much of an image holds pages: the file grows in larger steps.
func usedOf(t *testing.T, image []byte) (used int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	change(t, path, func(tx *bolt.Tx) error {
		used = int(tx.Size())
		return nil
	})
	return used
}

// Whatever is done to the file, it is refused as damaged, or serves nothing that
// was not written to it; and no panic, which bbolt itself has many of.
func TestDamage(t *testing.T) {
	image := populate(t)
	clean := contents(t, startImage(t, image))
	for i := range 20 {
		// Where damage takes the one from the stock, the other is handed out: both
		// were written.
		clean[fmt.Sprintf("package %d: package", i)] = true
		clean[fmt.Sprintf("package %d: last", i)] = true
	}
	rng := rand.New(rand.NewPCG(1, 2))
	used := usedOf(t, image)
	at := func() int { return rng.IntN(used) }
	page := func(b []byte) []byte {
		i := at() / 4096 * 4096
		return b[i:min(i+4096, len(b))]
	}
	damages := map[string]func([]byte) []byte{
		"flipped bit":   func(b []byte) []byte { b[at()] ^= 1 << rng.IntN(8); return b },
		"bit of header": func(b []byte) []byte { page(b)[rng.IntN(64)] ^= 1 << rng.IntN(8); return b },
		"zeroed page":   func(b []byte) []byte { clear(page(b)); return b },
		"torn page":     func(b []byte) []byte { p := page(b); copy(p[len(p)/2:], page(b)); return b },
		"random page": func(b []byte) []byte {
			p := page(b)
			copy(p[:1], []byte{1})
			rng.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
			return b
		},
		"swapped pages": func(b []byte) []byte { copy(page(b), bytes.Clone(page(b))); return b },
		"truncated":     func(b []byte) []byte { return b[:rng.IntN(used)] },
		"empty":         func([]byte) []byte { return nil },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			refused, rounds := 0, 60
			for range rounds {
				damaged := damage(bytes.Clone(image))
				path := filepath.Join(t.TempDir(), "relay.db")
				if err := os.WriteFile(path, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				s, err := Open(Config{Path: path})
				if err != nil {
					if !errors.Is(err, ErrDamaged) {
						t.Fatalf("got %v, want %v", err, ErrDamaged)
					}
					refused++
					continue
				}
				serves(t, s, clean)
			}
			t.Logf("%d of %d refused", refused, rounds)
			if name == "truncated" && refused != rounds || name == "zeroed page" && refused == 0 {
				t.Errorf("%d of %d refused", refused, rounds)
			}
		})
	}
}

func startImage(t *testing.T, image []byte) *running {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, Config{Path: path})
}

// serves reads and writes a store that may be damaged inside.
func serves(t *testing.T, s *Store, clean map[string]bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for line, found := range contents(t, &running{Store: s}) {
		if found && !clean[line] && len(line) > 0 && line[:6] != "hybrid" {
			t.Errorf("served what was not stored: %.80s", line)
		}
	}
	for i := range 20 {
		_, err := s.Append(ctx, Depositor{}, []Inbox{box(byte(i))}, []byte("after"))
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrClosed) {
			t.Errorf("append: %v", err)
		}
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, ErrDamaged) {
		t.Errorf("run: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// What was acknowledged is in the file: a copy of it, taken right after, has it.
func TestCrashImage(t *testing.T) {
	s := start(t, Config{})
	for i := range 50 {
		seq := put(t, s, box(1), fmt.Sprint("payload ", i))
		image, err := os.ReadFile(s.cfg.Path)
		if err != nil {
			t.Fatal(err)
		}
		after := startImage(t, image)
		got, err := after.Peek(context.Background(), box(1), seq-1, 0, 1<<20)
		if err != nil || len(got) != 1 || string(got[0].Data) != fmt.Sprint("payload ", i) {
			t.Fatalf("seq %v: got %v, %v", seq, got, err)
		}
		after.stop()
	}
}

// A crash while the store is made leaves no half of one under its name.
func TestCrashWhileCreating(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "relay.db")
	if err := os.WriteFile(path+".new-123", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Path: path})
	put(t, s, box(1), "x")
}

func TestNewerFormat(t *testing.T) {
	s := start(t, Config{})
	s.stop()
	file, err := os.ReadFile(s.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(file, []byte("format\x00\x00\x00\x02"))
	if i < 0 {
		t.Fatal("no format in the file")
	}
	for ; i >= 0; i = bytes.Index(file, []byte("format\x00\x00\x00\x02")) {
		file[i+len("format")+3] = 3
	}
	path := filepath.Join(t.TempDir(), "relay.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Path: path}); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v, want %v", err, ErrNewer)
	}
}
