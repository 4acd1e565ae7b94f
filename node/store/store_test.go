package store

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Each check opens stores and waits for the disk: fewer unless asked for.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("25"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// open opens a store, in a directory of its own if cfg names none.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func update(t testing.TB, s *Store, fn func(*Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *Store, fn func(*Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// id16 and id32 make ids that are easily told apart.
func id16(n byte) [16]byte { return [16]byte{n, 15: 0xff} }

func id32(n byte) (a [32]byte) { a[0], a[31] = n, 0xff; return a }

func identity(n byte) rpc.Identity { return rpc.Identity(id32(n)) }

// at is a time that a store keeps exactly.
func at(seconds int64) time.Time { return time.UnixMilli(1_700_000_000_000 + seconds*1000 + 7).UTC() }

func TestNothingSecretIsPrinted(t *testing.T) {
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	secret := []byte("SECRET")
	log.Info("x", "a", HybridKey{Private: secret}, "b", KeyPackage{Secrets: secret},
		"c", Epoch{Group: secret})
	if s := out.String(); strings.Contains(s, "SECRET") || strings.Count(s, "[redacted]") != 3 {
		t.Error(s)
	}
}

func copyFiles(t interface{ Fatal(...any) }, from, to string) {
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".db-shm" {
			continue // shared memory does not survive a power loss
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTxEndsWithItsFunction(t *testing.T) {
	s := open(t, Config{})
	var kept *Tx
	update(t, s, func(tx *Tx) error { kept = tx; return nil })
	if err := kept.SetMeta("k", nil); !errors.Is(err, database.ErrClosed) {
		t.Errorf("got %v, want %v", err, database.ErrClosed)
	}
	if _, err := kept.Records(id16(1)).Get("k"); !errors.Is(err, database.ErrClosed) {
		t.Errorf("got %v, want %v", err, database.ErrClosed)
	}
}

func TestAge(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{
		-time.Hour: time.Hour, 0: 0, clockSlack: -clockSlack, time.Hour: 365 * 24 * time.Hour,
	} {
		if got := Age(at(0), at(0).Add(ahead)); got != want {
			t.Errorf("%v ahead: got %v, want %v", ahead, got, want)
		}
	}
}
