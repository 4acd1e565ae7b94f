package database

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"quicnprotochat/node/store/home"
)

// fill puts a few large rows with the marker into both tables.
func fill(tx *Tx, marker string, rows int) error {
	for n := range rows {
		for k := range 4 {
			b := append([]byte(marker), make([]byte, 1500)...)
			rand.Read(b[len(marker)+500:])
			if err := errors.Join(put(tx, fmt.Sprint(marker, n, k), b), add(tx, b)); err != nil {
				return err
			}
		}
	}
	return nil
}

// add puts one row into the second table.
func add(tx *Tx, body []byte) error { return tx.Do("INSERT INTO rows (body) VALUES (?)", body) }

// readAll reads what fill wrote and returns a digest of it.
func readAll(tx *Tx) (digest [32]byte, err error) {
	meta, err1 := List(tx, func(r *Row) string { return r.Text() + string(r.Bytes()) }, "SELECT key, value FROM meta ORDER BY key")
	rows, err2 := List(tx, (*Row).Bytes, "SELECT body FROM rows ORDER BY id")
	return sha256.Sum256(fmt.Append(nil, meta, rows)), errors.Join(err1, err2)
}

// decrypted writes the log back and returns the database file, decrypted.
func decrypted(t *testing.T, d *DB) []byte {
	t.Helper()
	c := <-d.writer
	defer func() { d.writer <- c }()
	if _, err := c.pragma("wal_checkpoint(truncate)"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(d.path(home.DBFile))
	if err != nil {
		t.Fatal(err)
	}
	return decryptFile(t, d.key, b)
}

func TestNothingReadableOnDisk(t *testing.T) {
	marker := "PLAINTEXT-MARKER"
	s := open(t, Config{})
	update(t, s, func(tx *Tx) error { return fill(tx, marker, 30) })
	key := s.key
	scan := func(when string) {
		t.Helper()
		entries, err := os.ReadDir(s.cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(s.cfg.Dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, plain := range []string{marker, "SQLite format", "CREATE TABLE", "meta"} {
				if bytes.Contains(b, []byte(plain)) {
					t.Errorf("%s: %s holds %q", when, e.Name(), plain)
				}
			}
			if e.Name() != home.KeyFile && bytes.Contains(b, key[:]) {
				t.Errorf("%s: %s holds the key", when, e.Name())
			}
		}
	}
	scan("open")
	update(t, s, func(tx *Tx) error { return tx.Do("DELETE FROM meta") })
	scan("deleted")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	scan("closed")
}

// TestDeletedIsErased looks below the encryption for a key that was deleted.
func TestDeletedIsErased(t *testing.T) {
	marker := bytes.Repeat([]byte("ERASE-ME"), 100)
	s := open(t, Config{})
	update(t, s, func(tx *Tx) error { return put(tx, "k", marker) })
	if !bytes.Contains(decrypted(t, s), marker) {
		t.Fatal("the test does not see what is stored")
	}
	update(t, s, func(tx *Tx) error { return put(tx, "k", nil) })
	if bytes.Contains(decrypted(t, s), []byte("ERASE-ME")) {
		t.Error("deleted bytes are still in the file")
	}
}

// TestDamageIsDetected spoils one page after the other of a large store. Each
// time either Open or reading must say so; nothing else may come back.
func TestDamageIsDetected(t *testing.T) {
	const rows = 12
	s := open(t, Config{})
	update(t, s, func(tx *Tx) error { return fill(tx, "marker", rows) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir := s.cfg.Dir
	whole, err := os.ReadFile(filepath.Join(dir, home.DBFile))
	if err != nil {
		t.Fatal(err)
	}
	try := func(t *testing.T, b []byte, unclean bool) (digest [32]byte, err error) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, home.DBFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if unclean {
			if err := home.Touch(filepath.Join(dir, home.UncleanFile)); err != nil {
				t.Fatal(err)
			}
		} else if err := home.Remove(filepath.Join(dir, home.UncleanFile)); err != nil {
			t.Fatal(err)
		}
		s, err := Open(Config{Dir: dir}, tables)
		if err != nil {
			return digest, err
		}
		defer s.Close()
		err = s.View(t.Context(), func(tx *Tx) error { digest, err = readAll(tx); return err })
		return digest, err
	}
	good, err := try(t, whole, true)
	if err != nil {
		t.Fatalf("the undamaged file: %v", err)
	}
	pages := len(whole) / 4096
	for n := range pages {
		flipped := bytes.Clone(whole)
		flipped[n*4096+(n*37)%4096] ^= 1 << (n % 8)
		zeroed := bytes.Clone(whole)
		clear(zeroed[n*4096:][:4096])
		torn := bytes.Clone(whole)
		copy(torn[n*4096+2048:], whole[((n+1)%pages)*4096:][:2048])
		for i, b := range [][]byte{flipped, zeroed, torn, whole[:n*4096+100]} {
			if i > 0 && n%5 != 0 {
				break
			}
			name := []string{"flipped", "zeroed", "torn", "cut"}[i]
			if _, err := try(t, b, true); !errors.Is(err, home.ErrDamaged) {
				t.Errorf("page %d %s, unclean: got %v, want %v", n, name, err, home.ErrDamaged)
			}
		}
		// After a clean stop there is no quick_check: what is read is checked.
		got, err := try(t, flipped, false)
		if err != nil && !errors.Is(err, home.ErrDamaged) {
			t.Errorf("page %d flipped, clean: got %v, want %v", n, err, home.ErrDamaged)
		}
		if err == nil && got != good {
			t.Errorf("page %d flipped, clean: other content came back", n)
		}
	}
}

// TestCheckLater damages a table whose check is left to Check, in a way that no page
// tells: a page is put back as it was some time ago. Open goes through, Check says so, and
// from then on Open does not; and damage in any other table Open itself finds.
func TestCheckLater(t *testing.T) {
	for name, tt := range map[string]struct {
		later  []string
		opens  bool
		damage bool
	}{
		"large":     {[]string{"rows"}, true, true},
		"small":     {[]string{"meta"}, false, true},
		"undamaged": {[]string{"rows"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Config{})
			update(t, s, func(tx *Tx) error { return fill(tx, "marker", 12) })
			dir := s.cfg.Dir
			file := filepath.Join(dir, home.DBFile)
			closeDB(t, s)
			was := read(t, file)
			s = open(t, Config{Dir: dir})
			update(t, s, func(tx *Tx) error {
				return errors.Join(tx.Do("DELETE FROM rows WHERE id < 20"), fill(tx, "other", 12))
			})
			closeDB(t, s)
			root := rootOf(t, dir, "rows")
			if is := read(t, file); tt.damage {
				copy(is[(root-1)*4096:][:4096], was[(root-1)*4096:])
				if err := os.WriteFile(file, is, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := home.Touch(filepath.Join(dir, home.UncleanFile)); err != nil {
				t.Fatal(err)
			}
			cfg := Config{Dir: dir, Later: tt.later}
			d, err := Open(cfg, tables)
			if !tt.opens {
				wantErr(t, err, home.ErrDamaged)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			stopped, cancel := context.WithCancel(t.Context())
			cancel()
			if err := d.Check(stopped); err != nil {
				t.Errorf("a check that is stopped: %v", err)
			}
			closeDB(t, d) // the rest of the check is due
			if d, err = Open(cfg, tables); err != nil {
				t.Fatal(err)
			}
			err = d.Check(t.Context())
			closeDB(t, d)
			if !tt.damage {
				if there, e := home.Present(filepath.Join(dir, home.UncleanFile)); err != nil || e != nil || there {
					t.Errorf("after the check: %v, %v, to be checked again %v", err, e, there)
				}
				return
			}
			wantErr(t, err, home.ErrDamaged)
			_, err = Open(cfg, tables)
			wantErr(t, err, home.ErrDamaged)
		})
	}
}

// rootOf returns the number of the first page of a table.
func rootOf(t *testing.T, dir, table string) (page int) {
	t.Helper()
	s := open(t, Config{Dir: dir})
	view(t, s, func(tx *Tx) (err error) {
		page, err = tx.Count("SELECT rootpage FROM sqlite_schema WHERE name = ?", table)
		return err
	})
	closeDB(t, s)
	return page
}

func closeDB(t *testing.T, d *DB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFull: a transaction for which there is no room leaves nothing behind, and
// the store goes on.
func TestFull(t *testing.T) {
	s := open(t, Config{})
	update(t, s, setMeta("k", "old"))
	limit := func(name string) {
		t.Helper()
		c := <-s.writer
		defer func() { s.writer <- c }()
		if _, err := c.pragma(name); err != nil {
			t.Fatal(err)
		}
	}
	limit("max_page_count = 100")
	err := s.Update(t.Context(), func(tx *Tx) error {
		if err := put(tx, "k", []byte("new")); err != nil {
			return err
		}
		_ = put(tx, "large", make([]byte, 1<<20)) // the caller did not look
		return nil
	})
	wantErr(t, err, ErrDiskFull)
	wantMeta(t, s, "k", "old")
	update(t, s, setMeta("k", "small"))
	limit("max_page_count = 1000000")
	update(t, s, func(tx *Tx) error { return put(tx, "large", make([]byte, 1<<20)) })
	wantMeta(t, s, "k", "small")
}

// TestCrash copies the files right after each Update: the copy must open and
// have what was acknowledged.
func TestCrash(t *testing.T) {
	var home string
	var copies []string
	cfg := Config{Dir: t.TempDir()}
	cfg.Fault = func(step string) error {
		if step == FaultAfterCommit {
			copies = append(copies, copyHome(t, home))
		}
		return nil
	}
	home = cfg.Dir
	s := open(t, cfg)
	const n = 12
	for i := range n {
		update(t, s, func(tx *Tx) error {
			return add(tx, make([]byte, i*1000))
		})
	}
	for i, dir := range copies {
		c := open(t, Config{Dir: dir})
		view(t, c, func(tx *Tx) error {
			got, err := tx.Count("SELECT count(*) FROM rows")
			if got != i+1 {
				t.Errorf("after Update %d: %d rows", i, got)
			}
			return err
		})
	}
	if len(copies) != n {
		t.Errorf("got %d copies", len(copies))
	}
}

// TestTornLog cuts the write-ahead log of a crashed store at every page: what
// opens is a prefix of the Updates.
func TestTornLog(t *testing.T) {
	s := open(t, Config{})
	const n = 5
	for range n {
		update(t, s, func(tx *Tx) error {
			return add(tx, make([]byte, 3000))
		})
	}
	crashed := copyHome(t, s.cfg.Dir)
	log, err := os.ReadFile(filepath.Join(crashed, home.DBFile+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for size := 0; size < len(log)+3001; size += 3001 {
		dir := copyHome(t, crashed)
		if err := os.WriteFile(filepath.Join(dir, home.DBFile+"-wal"), log[:min(size, len(log))], 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(Config{Dir: dir}, tables)
		if err != nil {
			t.Fatalf("log of %d bytes: %v", size, err)
		}
		view(t, c, func(tx *Tx) error {
			got, err := tx.Count("SELECT count(*) FROM rows")
			if got < last {
				t.Errorf("log of %d bytes: %d rows, fewer than with a shorter one", size, got)
			}
			last = got
			return err
		})
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if last != n {
		t.Errorf("the whole log gives %d rows, want %d", last, n)
	}
}
