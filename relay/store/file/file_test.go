package file

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// filled is a file of a few pages, with buckets in a bucket.
func filled(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.db")
	err := Create(path, func(tx *bolt.Tx) error {
		outer, err := tx.CreateBucket([]byte("outer"))
		if err != nil {
			return err
		}
		for i := range 40 {
			inner, err := outer.CreateBucket(fmt.Append(nil, "bucket ", i))
			if err != nil {
				return err
			}
			if err := inner.SetSequence(uint64(i)); err != nil {
				return err
			}
			for j := range i {
				if err := inner.Put(fmt.Append(nil, "key ", j), make([]byte, 10*i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// walk reads all that is in a file, and counts it.
func walk(db *bolt.DB) (n int, err error) {
	var in func(b *bolt.Bucket) error
	in = func(b *bolt.Bucket) error {
		n += int(b.Sequence())
		return b.ForEach(func(k, v []byte) error {
			n++
			if v == nil {
				return in(b.Bucket(k))
			}
			return nil
		})
	}
	err = Guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return in(b) })
		})
	})
	return n, err
}

// TestCopy: a copy has all that is in a file, and not its free room.
func TestCopy(t *testing.T) {
	path := filled(t)
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("open twice: got %v", err)
	}
	want, err := walk(src)
	if err != nil || want < 800 {
		t.Fatalf("%d in the file, %v", want, err)
	}
	fresh := path + ".copy"
	if err := Copy(t.Context(), src, fresh, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if err := Check(fresh); err != nil {
		t.Error(err)
	}
	db, err := OpenReadOnly(fresh)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got, err := walk(db); err != nil || got != want {
		t.Errorf("got %d, %v, want %d", got, err, want)
	}
}

// TestOpenFindsTheName: whoever waits for a lock while another file gets the name
// has that one.
func TestOpenFindsTheName(t *testing.T) {
	path := filled(t)
	old, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	type opened struct {
		db  *bolt.DB
		err error
	}
	got := make(chan opened)
	go func() {
		for {
			db, err := Open(path)
			if !errors.Is(err, ErrInUse) {
				got <- opened{db, err}
				return
			}
		}
	}()
	fresh := path + ".copy"
	if err := Copy(t.Context(), old, fresh, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	o := <-got
	if o.err != nil {
		t.Fatal(o.err)
	}
	defer o.db.Close()
	if err := os.WriteFile(fresh, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := walk(o.db); err != nil || n < 800 {
		t.Errorf("got %d, %v", n, err)
	}
}

// FuzzCheckPages: what is taken is walked without a panic.
func FuzzCheckPages(f *testing.F) {
	image, err := os.ReadFile(filled(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(image, 5000, byte(1))
	f.Add(image, 8200, byte(0x80))
	f.Add(image[:8192], 0, byte(0))
	f.Add([]byte{}, 0, byte(0))
	path := filepath.Join(f.TempDir(), "f.db")
	f.Fuzz(func(t *testing.T, b []byte, at int, flip byte) {
		b = bytes.Clone(b)
		if at >= 0 && at < len(b) {
			b[at] ^= flip
		}
		err := CheckPages(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := OpenReadOnly(path)
		if err != nil {
			t.Fatalf("checked, and then: %v", err)
		}
		defer db.Close()
		if _, err := walk(db); err != nil {
			t.Fatalf("checked, and then: %v", err)
		}
	})
}
