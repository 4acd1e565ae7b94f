package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCopyBeforeChange opens a home of an older program: a copy of how it was stays
// for a while, and opens with that program.
func TestCopyBeforeChange(t *testing.T) {
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:2]
	dir := filled(t)
	migrations = all
	if err := opens(dir, ""); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, dbFile+".v2")
	b, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	old := t.TempDir()
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(old, keyFile), key, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(old, dbFile), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	migrations = all[:2]
	if err := opens(old, ""); err != nil {
		t.Errorf("the copy: %v", err)
	}
	migrations = all
	for _, age := range []time.Duration{copyTime - time.Hour, copyTime + time.Hour} {
		s := open(t, Config{Dir: dir, Now: func() time.Time { return time.Now().Add(age) }})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if there, err := exists(kept); err != nil || there != (age < copyTime) {
			t.Errorf("after %v: there %v, %v", age, there, err)
		}
	}
}
