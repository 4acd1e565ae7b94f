package crypt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	_ "github.com/ncruces/go-sqlite3/vfs/xts"
)

var testKey = bytes.Repeat([]byte("0123456789abcdef"), KeySize/16)

// safe is a VFS that keeps of each file what is sure to outlive a power cut: what it
// was when it was synced last.
type safe struct {
	vfs.VFS
	files map[string][]byte
	syncs int
}

func (s *safe) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := s.VFS.(vfs.VFSFilename).OpenFilename(name, flags)
	if err != nil || name == nil {
		return f, flags, err
	}
	return &safeFile{File: f, of: s, name: name.String()}, flags, nil
}

func (s *safe) Delete(name string, syncDir bool) error {
	delete(s.files, filepath.Base(name))
	return s.VFS.Delete(name, syncDir)
}

type safeFile struct {
	vfs.File
	of   *safe
	name string
}

func (f *safeFile) Sync(vfs.SyncFlag) (err error) {
	f.of.syncs++
	f.of.files[filepath.Base(f.name)], err = os.ReadFile(f.name)
	return err
}

func (f *safeFile) SharedMemory() vfs.SharedMemory {
	return f.File.(vfs.FileSharedMemory).SharedMemory()
}

// after writes what a power cut leaves into a new folder.
func (s *safe) after(t *testing.T) (db string) {
	t.Helper()
	dir := t.TempDir()
	for name, b := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "db")
}

func exec(t *testing.T, c *sqlite3.Conn, sql string, args ...any) {
	t.Helper()
	if err := c.Exec(fmt.Sprintf(sql, args...)); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func number(t *testing.T, c *sqlite3.Conn, sql string) (n int) {
	t.Helper()
	st, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if st.Step() {
		n = st.ColumnInt(0)
	}
	if err := st.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// connect opens a database as package database does.
func connect(t *testing.T, d *Disk, path string) *sqlite3.Conn {
	t.Helper()
	t.Cleanup(d.Close)
	c, err := sqlite3.Open("file:" + path + "?vfs=" + d.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	exec(t, c, "PRAGMA synchronous = full; PRAGMA checkpoint_fullfsync = on")
	return c
}

func disk(t *testing.T) *Disk {
	t.Helper()
	d, err := New(testKey)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestPowerCut commits rows, some without waiting, while the log is copied into the
// database again and again. What a power cut leaves after each commit is whole and has
// all rows up to the last commit that waited, or more, and never one without those
// before it. What another connection sees is all of them.
func TestPowerCut(t *testing.T) {
	base := &safe{VFS: vfs.Find("os"), files: make(map[string][]byte)}
	d, err := over(base, testKey)
	if err != nil {
		t.Fatal(err)
	}
	const cells = 12
	dir := t.TempDir()
	c := connect(t, d, filepath.Join(dir, "db"))
	exec(t, c, "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 25; PRAGMA cache_size = 10;")
	exec(t, c, "CREATE TABLE rows (n INTEGER PRIMARY KEY, b BLOB)")
	// Each commit changes one of cells on pages of their own as well.
	exec(t, c, "CREATE TABLE cells (i INTEGER PRIMARY KEY, n INTEGER, b BLOB)")
	for i := range cells {
		exec(t, c, "INSERT INTO cells VALUES (%d, 0, randomblob(3000))", i)
	}
	beside := connect(t, disk(t), filepath.Join(dir, "db"))
	random := rand.New(rand.NewPCG(1, 2))
	kept := 0
	const wrong = `SELECT count(*) FROM cells WHERE n <> coalesce(
		(SELECT max(rows.n) FROM rows WHERE rows.n % 12 = cells.i), 0)`
	for n := 1; n <= 120; n++ {
		d.Lazy = random.IntN(4) > 0
		size := random.IntN(6000)
		if n%40 == 0 {
			size = 100_000 // more than the cache holds
		}
		before := base.syncs
		exec(t, c, "BEGIN; INSERT INTO rows VALUES (%d, randomblob(%d)); UPDATE cells SET n = %d WHERE i = %d; COMMIT", n, size, n, n%cells)
		if !d.Lazy {
			kept = n
			if base.syncs == before {
				t.Fatalf("row %d: the commit did not wait", n)
			}
		}
		if got := number(t, beside, "SELECT count(*) FROM rows"); got != n {
			t.Fatalf("row %d: another connection sees %d rows", n, got)
		}
		left := connect(t, disk(t), base.after(t))
		count, last := number(t, left, "SELECT count(*) FROM rows"), number(t, left, "SELECT max(n) FROM rows")
		if count < kept || count > n || count != last {
			t.Fatalf("row %d: after a power cut there are %d rows up to %d, want %d to %d", n, count, last, kept, n)
		}
		if number(t, left, wrong) > 0 {
			t.Fatalf("row %d: after a power cut there are pages of several commits", n)
		}
		if number(t, left, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") > 0 {
			t.Fatalf("row %d: what is left after a power cut is damaged", n)
		}
	}
}

// TestSameFormat: the VFS whose format this is reads what this one writes, and the
// other way round.
func TestSameFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	other := func() *sqlite3.Conn {
		c, err := sqlite3.Open(fmt.Sprintf("file:%s?vfs=xts&hexkey=%x", path, testKey))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := other()
	exec(t, c, "PRAGMA journal_mode = wal; CREATE TABLE rows (b BLOB); INSERT INTO rows VALUES (randomblob(9000))")
	here := connect(t, disk(t), path)
	exec(t, here, "INSERT INTO rows VALUES (randomblob(9000))") // behind what the other has in the log
	if n := number(t, c, "SELECT count(*) FROM rows"); n != 2 {
		t.Errorf("the other one sees %d rows, want 2", n)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	c = other()
	defer c.Close()
	if n := number(t, c, "SELECT sum(length(b)) FROM rows"); n != 18000 {
		t.Errorf("the other one sees %d bytes, want 18000", n)
	}
	d, err := New(bytes.Repeat([]byte{1}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	wrong, err := sqlite3.Open("file:" + path + "?vfs=" + d.Name())
	if err == nil {
		err = wrong.Exec("SELECT * FROM rows")
		wrong.Close()
	}
	if err == nil {
		t.Error("another key reads it")
	}
	if _, err := New(testKey[1:]); err == nil {
		t.Error("a short key is taken")
	}
}

// BenchmarkCommit is a commit of about ten pages that need not wait for the disk.
func BenchmarkCommit(b *testing.B) {
	for _, name := range []string{"xts", "crypt"} {
		b.Run(name, func(b *testing.B) {
			d, err := New(testKey)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			d.Lazy = true
			uri := "file:" + filepath.Join(b.TempDir(), "db") + "?vfs=" + d.Name()
			if name == "xts" {
				uri = fmt.Sprintf("file:%s?vfs=xts&hexkey=%x", filepath.Join(b.TempDir(), "db"), testKey)
			}
			c, err := sqlite3.Open(uri)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			if err := c.Exec("PRAGMA checkpoint_fullfsync = on; PRAGMA journal_mode = wal; CREATE TABLE rows (b BLOB)"); err != nil {
				b.Fatal(err)
			}
			if name == "xts" {
				_ = c.Exec("PRAGMA synchronous = normal")
			}
			for b.Loop() {
				if err := c.Exec("INSERT INTO rows VALUES (zeroblob(40000))"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
