package store

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAndModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	s := open(t, Config{Dir: dir})
	err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetMeta("a", []byte("b")) })
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("home has mode %o, want 700", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o, want 600", e.Name(), got)
		}
	}
	t.Log(names)
}

func TestSettings(t *testing.T) {
	s := open(t, Config{})
	c := <-s.writer
	defer func() { s.writer <- c }()
	for name, want := range map[string]int64{
		"secure_delete": 1, "synchronous": 2, "temp_store": 2, "checksum_verification": 1,
		"wal_autocheckpoint": checkpointPages, "journal_size_limit": logLimit, "page_size": 4096,
		"user_version": int64(len(migrations)), "application_id": applicationID, "trusted_schema": 0,
	} {
		got, err := c.pragma(name)
		if err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", name, got, err, want)
		}
	}
	st, _, err := c.db.Prepare("PRAGMA journal_mode")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if st.Step(); st.ColumnText(0) != "wal" {
		t.Errorf("journal mode is %s", st.ColumnText(0))
	}
}
