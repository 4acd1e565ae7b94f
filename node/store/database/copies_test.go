package database

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/node/store/home"
)

// TestCopyBeforeChange opens a home of an older program: a copy of how it was stays
// for a while, and opens with that program.
func TestCopyBeforeChange(t *testing.T) {
	all := tables
	defer func() { tables = all }()
	tables = all[:1]
	dir := filled(t)
	tables = all
	if err := opens(dir, ""); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, home.DBFile+".v1")
	b, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	old := t.TempDir()
	key, err := os.ReadFile(filepath.Join(dir, home.KeyFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(old, home.KeyFile), key, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(old, home.DBFile), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	tables = all[:1]
	if err := opens(old, ""); err != nil {
		t.Errorf("the copy: %v", err)
	}
	tables = all
	for _, age := range []time.Duration{copyTime - time.Hour, copyTime + time.Hour} {
		s := open(t, Config{Dir: dir, Now: func() time.Time { return time.Now().Add(age) }})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if there, err := home.Present(kept); err != nil || there != (age < copyTime) {
			t.Errorf("after %v: there %v, %v", age, there, err)
		}
	}
}
