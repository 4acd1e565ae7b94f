package database

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"quicnprotochat/node/store/home"
)

func TestFilesAndModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a home?", "50%#")
	s := open(t, Config{Dir: dir})
	update(t, s, setMeta("a", "b"))
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
	if got, want := strings.Join(names, " "), "lock node.db node.db-shm node.db-wal node.key unclean"; got != want {
		t.Errorf("got files %s, want %s", got, want)
	}
	key, err := os.ReadFile(filepath.Join(dir, home.KeyFile))
	if err != nil || len(key) != 32 || bytes.Equal(key, make([]byte, 32)) {
		t.Errorf("key has %d bytes, %v", len(key), err)
	}
}

func TestModeOfExistingDir(t *testing.T) {
	for _, test := range []struct {
		file string
		want fs.FileMode
	}{{"", 0o700}, {home.KeyFile + ".tmp", 0o755}, {"other", 0o755}} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if test.file != "" {
			if err := os.WriteFile(filepath.Join(dir, test.file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		open(t, Config{Dir: dir})
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != test.want {
			t.Errorf("with %q: mode %o, %v, want %o", test.file, info.Mode().Perm(), err, test.want)
		}
	}
}

func TestSettings(t *testing.T) {
	s := open(t, Config{})
	c := <-s.writer
	defer func() { s.writer <- c }()
	for name, want := range map[string]string{
		"secure_delete": "1", "synchronous": "2", "checkpoint_fullfsync": "1", "temp_store": "2", "checksum_verification": "1",
		"journal_mode": "wal", "wal_autocheckpoint": strconv.Itoa(checkpointPages),
		"journal_size_limit": strconv.Itoa(logLimit), "page_size": "4096", "trusted_schema": "0",
		"user_version": strconv.Itoa(len(tables)), "application_id": strconv.Itoa(applicationID),
	} {
		st, _, err := c.db.Prepare("PRAGMA " + name)
		if err != nil {
			t.Fatal(err)
		}
		st.Step()
		if got := st.ColumnText(0); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOneProcessAtATime(t *testing.T) {
	s := open(t, Config{})
	if _, err := Open(Config{Dir: s.cfg.Dir}, tables); !errors.Is(err, home.ErrInUse) {
		t.Fatalf("got %v, want %v", err, home.ErrInUse)
	}
	update(t, s, setMeta("k", "v"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantMeta(t, open(t, Config{Dir: s.cfg.Dir}), "k", "v")
}

func TestHomeOfARelay(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, home.RelayFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}, tables); !errors.Is(err, home.ErrKind) {
		t.Errorf("got %v, want %v", err, home.ErrKind)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("files were made: %v, %v", entries, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: file}, tables); err == nil || errors.Is(err, home.ErrKind) {
		t.Errorf("a file for a home: got %v, want another error than %v", err, home.ErrKind)
	}
}

// closedHome returns the directory of a store that was closed properly.
func closedHome(t testing.TB) string {
	t.Helper()
	s := open(t, Config{})
	update(t, s, setMeta("k", "v"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.cfg.Dir
}

func TestNotOurDatabase(t *testing.T) {
	for name, test := range map[string]struct {
		sql  string
		want error
	}{
		"newer":   {fmt.Sprintf("PRAGMA user_version = %d", len(tables)+1), ErrNewer},
		"another": {"PRAGMA application_id = 7", home.ErrDamaged},
		"empty":   {"PRAGMA user_version = 0", home.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := closedHome(t)
			key, err := home.ReadKey(filepath.Join(dir, home.KeyFile), nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := openConn(filepath.Join(dir, home.DBFile), key, filepath.Join(dir, home.KeyFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.db.Exec(test.sql), c.close()); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(dir, home.DBFile))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(Config{Dir: dir}, tables); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if after, err := os.ReadFile(filepath.Join(dir, home.DBFile)); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the database was changed (%v)", err)
			}
		})
	}
}

func TestMissingAndWrongFiles(t *testing.T) {
	write := func(dir, name string, b []byte) error { return os.WriteFile(filepath.Join(dir, name), b, 0o600) }
	remove := func(dir, name string) error { return os.Remove(filepath.Join(dir, name)) }
	for name, test := range map[string]struct {
		spoil func(dir string) error
		says  string
	}{
		"no key":         {func(d string) error { return remove(d, home.KeyFile) }, "node.key is missing"},
		"short key":      {func(d string) error { return write(d, home.KeyFile, make([]byte, 31)) }, "31 bytes"},
		"wrong key":      {func(d string) error { return write(d, home.KeyFile, make([]byte, 32)) }, "not a database"},
		"no database":    {func(d string) error { return remove(d, home.DBFile) }, "node.db is missing"},
		"empty database": {func(d string) error { return write(d, home.DBFile, nil) }, "node.db is empty"},
		"zeros":          {func(d string) error { return write(d, home.DBFile, make([]byte, 1<<16)) }, "not a database"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := closedHome(t)
			key, err := os.ReadFile(filepath.Join(dir, home.KeyFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first try must not make it look right
				_, err := Open(Config{Dir: dir}, tables)
				if !errors.Is(err, home.ErrDamaged) || !strings.Contains(fmt.Sprint(err), test.says) {
					t.Errorf("got %v, want %v: %s", err, home.ErrDamaged, test.says)
				}
				if strings.Contains(fmt.Sprint(err), hex.EncodeToString(key)) {
					t.Error("the error tells the key")
				}
			}
		})
	}
}

// TestCreationCutShort opens homes as a crash during the first start leaves
// them.
func TestCreationCutShort(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	for name, files := range map[string]map[string][]byte{
		"nothing":       {},
		"lock":          {home.LockFile: {}},
		"new":           {home.NewFile: {}},
		"half a key":    {home.NewFile: {}, home.KeyFile + ".tmp": {1, 2}},
		"key":           {home.NewFile: {}, home.KeyFile: key},
		"half":          {home.NewFile: make([]byte, 5000), home.NewFile + "-wal": {1}, home.NewFile + "-journal": {1}, home.KeyFile: key},
		"no key synced": {home.NewFile: make([]byte, 5000)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, b := range files {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, Config{Dir: dir})
			update(t, s, setMeta("k", "v"))
			if files[home.KeyFile] != nil && !bytes.Equal(s.key[:], key) {
				t.Error("another key was made")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if have, err := home.Present(filepath.Join(dir, home.NewFile)); have || err != nil {
				t.Errorf("%s is left: %v", home.NewFile, err)
			}
			wantMeta(t, open(t, Config{Dir: dir}), "k", "v")
		})
	}
}

func TestUnreadableHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: file}, tables); err == nil {
		t.Error("opened a file as a home")
	}
	if _, err := Open(Config{Dir: filepath.Join(file, "x")}, tables); err == nil {
		t.Error("opened a home below a file")
	}
}
