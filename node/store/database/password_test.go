package database

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"quicnprotochat/node/store/home"
)

// setPassword changes the password of a home.
func setPassword(dir, old, next string, fault func(string) error) error {
	return ChangePassword(Config{Dir: dir, Password: []byte(old), Fault: fault}, tables, []byte(next))
}

// opens opens a home with a password and wants the row of meta that was put in.
func opens(dir, password string) error {
	s, err := Open(Config{Dir: dir, Password: []byte(password)}, tables)
	if err != nil {
		return err
	}
	err = s.View(context.Background(), func(tx *Tx) error {
		if v, err := get(tx, "a"); err != nil || string(v) != "what is kept" {
			return errors.Join(err, errors.New("the row is gone"))
		}
		return nil
	})
	return errors.Join(err, s.Close())
}

// filled is a closed home with a row in it.
func filled(t *testing.T) (dir string) {
	t.Helper()
	s := open(t, Config{})
	update(t, s, setMeta("a", "what is kept"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.cfg.Dir
}

func TestPassword(t *testing.T) {
	dir := filled(t)
	key, err := os.ReadFile(filepath.Join(dir, home.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := opens(dir, "early"); !errors.Is(err, home.ErrNoPassword) {
		t.Errorf("a password where there is none: got %v", err)
	}
	old := ""
	for _, next := range []string{"first", "second", ""} {
		if err := setPassword(dir, old, next, nil); err != nil {
			t.Fatal(err)
		}
		if locked, err := home.HasPassword(dir); err != nil || locked != (next != "") {
			t.Errorf("password %q: has one %v, %v", next, locked, err)
		}
		if next != "" {
			if err := opens(dir, ""); !errors.Is(err, home.ErrLocked) {
				t.Errorf("no password: got %v, want home.ErrLocked", err)
			}
			if err := opens(dir, "wrong"); !errors.Is(err, home.ErrPassword) {
				t.Errorf("wrong password: got %v, want home.ErrPassword", err)
			}
			if err := setPassword(dir, "wrong", "other", nil); !errors.Is(err, home.ErrPassword) {
				t.Errorf("change with a wrong one: got %v, want home.ErrPassword", err)
			}
		}
		if err := opens(dir, next); err != nil {
			t.Fatalf("password %q: %v", next, err)
		}
		// The key is another one, not only locked in another way.
		s := open(t, Config{Dir: dir, Password: []byte(next)})
		if bytes.Equal(s.key[:], key) {
			t.Error("the database has the key that it had")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		old = next
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{home.LockFile, home.DBFile, home.KeyFile}; !slices.Equal(names, want) {
		t.Errorf("got files %q, want %q", names, want)
	}
}

// TestPasswordOfNewHome makes a home that is locked from the start.
func TestPasswordOfNewHome(t *testing.T) {
	dir, password := t.TempDir(), []byte("from the start")
	s := open(t, Config{Dir: dir, Password: password})
	update(t, s, setMeta("a", "what is kept"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(password, make([]byte, len(password))) {
		t.Error("the password was not wiped")
	}
	if err := opens(dir, ""); !errors.Is(err, home.ErrLocked) {
		t.Errorf("got %v, want home.ErrLocked", err)
	}
	if err := opens(dir, "from the start"); err != nil {
		t.Error(err)
	}
}

var errKilled = errors.New("killed here")

// TestPasswordCut ends a change of the password at each step, as a kill would: the
// home opens with the old password or with the new one, with all that is in it.
func TestPasswordCut(t *testing.T) {
	for _, step := range []string{FaultSwapMade, FaultSwapDecided, FaultSwapRenamed} {
		t.Run(step, func(t *testing.T) {
			dir := filled(t)
			if err := setPassword(dir, "", "old", nil); err != nil {
				t.Fatal(err)
			}
			err := setPassword(dir, "old", "new", func(at string) error {
				if at == step {
					return errKilled
				}
				return nil
			})
			if !errors.Is(err, errKilled) {
				t.Fatalf("got %v, want the end", err)
			}
			password, other := "old", "new"
			if step != FaultSwapMade {
				password, other = other, password
			}
			if locked, err := home.HasPassword(dir); err != nil || !locked {
				t.Errorf("has a password %v, %v", locked, err)
			}
			if err := opens(dir, password); err != nil {
				t.Fatal(err)
			}
			if err := opens(dir, other); !errors.Is(err, home.ErrPassword) {
				t.Errorf("the other password: got %v", err)
			}
			for _, name := range []string{home.NextFile, home.NextKeyFile, home.NextKeyFile + ".made"} {
				if there, err := home.Present(filepath.Join(dir, name)); there || err != nil {
					t.Errorf("%s is still there, %v", name, err)
				}
			}
		})
	}
}

// inClear puts the database of a home there in clear.
func inClear(t *testing.T, dir string) {
	t.Helper()
	s := open(t, Config{Dir: dir})
	err := s.Export(t.Context(), s.path("clear"))
	if err := errors.Join(err, s.Close(), os.Rename(s.path("clear"), s.path(home.DBFile))); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.path(home.DBFile))
	if err != nil || !bytes.Contains(b, []byte("what is kept")) {
		t.Fatalf("the database is not in clear: %v", err)
	}
}

// TestConvert puts a database in clear in the place of ours, with and without the
// key, and ends the conversion at its step once.
func TestConvert(t *testing.T) {
	for _, withKey := range []bool{true, false} {
		dir := filled(t)
		inClear(t, dir)
		if !withKey {
			if err := os.Remove(filepath.Join(dir, home.KeyFile)); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(Config{Dir: dir, Fault: func(string) error { return errKilled }}, tables)
		if !errors.Is(err, errKilled) {
			t.Fatalf("got %v, want the end", err)
		}
		if err := opens(dir, ""); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil || bytes.Contains(b, []byte("what is kept")) || bytes.HasPrefix(b, []byte("SQLite format 3")) {
				t.Errorf("%s is in clear, %v", e.Name(), err)
			}
		}
	}
}

// TestConvertOther refuses a database in clear that is not a node's.
func TestConvertOther(t *testing.T) {
	dir := filled(t)
	inClear(t, dir)
	path := filepath.Join(dir, home.DBFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const applicationIDAt = 68 // in the header of the file
	copy(b[applicationIDAt:], "abcd")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := opens(dir, ""); !errors.Is(err, home.ErrDamaged) {
		t.Errorf("got %v, want home.ErrDamaged", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, b) {
		t.Errorf("it was changed, %v", err)
	}
}
