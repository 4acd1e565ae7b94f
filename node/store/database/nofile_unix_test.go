//go:build unix

package database

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"quicnprotochat/node/store/home"
)

// TestNoFile opens homes where a pipe or a directory is in the place of a file: it is
// refused at once, and not waited for.
func TestNoFile(t *testing.T) {
	makers := map[string]func(string) error{
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
	}
	for _, name := range []string{home.KeyFile, home.DBFile, home.NextKeyFile, home.UncleanFile} {
		for what, put := range makers {
			dir := t.TempDir()
			if err := put(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() {
				_, err := home.HasPassword(dir)
				if err == nil {
					_, err = Open(Config{Dir: dir}, tables)
				}
				ended <- err
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, home.ErrDamaged) {
					t.Errorf("%s is a %s: got %v, want ErrDamaged", name, what, err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s is a %s: it is waited for", name, what)
			}
		}
	}
}
