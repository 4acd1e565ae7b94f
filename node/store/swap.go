package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// ChangePassword encrypts the database of a home under a fresh key, and that key
// under the password next; empty means that the home has no password from then on.
// cfg.Password is the present one. Both are wiped. Killed at any moment, it leaves a
// home that opens with the one or with the other. Errors are those of Open.
//
// Files are made in this order: the new database, its key, which decides, and then
// both take the names of the old.
func ChangePassword(cfg Config, next []byte) error {
	defer clear(next)
	s, err := Open(cfg)
	if err != nil {
		return err
	}
	if err := s.rekey(next); err != nil {
		return fmt.Errorf("change password: %w", errors.Join(err, s.Close()))
	}
	return nil
}

// rekey does the work of ChangePassword and closes the store.
func (s *Store) rekey(next []byte) error {
	key, err := makeKey(s.path(nextKeyFile+".made"), next)
	if err != nil {
		return err
	}
	c := <-s.writer
	err = c.copyTo(s.path(nextFile), key)
	s.writer <- c
	if err == nil {
		err = s.fault(FaultSwapMade)
	}
	if err != nil {
		return err
	}
	s.once.Do(func() {
		close(s.closing)
		err := s.closeAll()
		if err == nil {
			err = errors.Join(os.Rename(s.path(nextKeyFile+".made"), s.path(nextKeyFile)), syncDir(s.cfg.Dir))
		}
		if err == nil {
			err = s.finishSwap()
		}
		s.closed = errors.Join(err, s.lock.Close())
	})
	return s.closed
}

// finishSwap puts a new database and its key in the place of the old, or forgets
// one that was not finished.
func (s *Store) finishSwap() error {
	decided, err1 := exists(s.path(nextKeyFile))
	made, err2 := exists(s.path(nextFile))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !decided {
		return errors.Join(removeDB(s.path(nextFile)), removeIfThere(s.path(nextKeyFile+".made")))
	}
	if err := s.fault(FaultSwapDecided); err != nil {
		return err
	}
	if made {
		if err := s.takeNext(); err != nil {
			return err
		}
	}
	if err := s.fault(FaultSwapRenamed); err != nil {
		return err
	}
	// Older copies have the old key, or would outlive it.
	err := errors.Join(s.dropCopies(), os.Rename(s.path(nextKeyFile), s.path(keyFile)), syncDir(s.cfg.Dir))
	return err
}

// takeNext puts the new database in the place of the old one, which is closed.
func (s *Store) takeNext() error {
	db := s.path(dbFile)
	err := errors.Join(removeIfThere(db+"-wal"), removeIfThere(db+"-shm"), removeIfThere(db+"-journal"), syncDir(s.cfg.Dir))
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(s.path(nextFile), db), syncDir(s.cfg.Dir))
}

// removeDB removes a database file and what may lie beside it.
func removeDB(path string) error {
	return errors.Join(removeIfThere(path), removeIfThere(path+"-wal"), removeIfThere(path+"-shm"), removeIfThere(path+"-journal"))
}

// copyTo writes the database into a new file, encrypted under key, and durable.
func (c *conn) copyTo(path string, key fileKey) error {
	hexKey, err := key.hex()
	if err != nil {
		return err
	}
	return c.vacuumInto(path, url.Values{"vfs": {cipherVFS}, "hexkey": {hexKey}})
}

func (c *conn) vacuumInto(path string, query url.Values) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := errors.Join(removeDB(path), touch(path)); err != nil {
		return err
	}
	st, err := c.stmt("VACUUM INTO ?")
	if err == nil {
		if err = st.BindText(1, fileURI(path, query)); err == nil {
			err = st.Exec()
		}
	}
	if err != nil {
		return fmt.Errorf("copy database: %w", classify(err))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

// fileURI names a database file as SQLite wants it; path is absolute.
func fileURI(path string, query url.Values) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // a drive letter
	}
	// SQLite does not read a plus as a space.
	u := url.URL{Scheme: "file", Path: path, RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
	return u.String()
}

// isPlain reports whether a file is a database that is not encrypted.
func isPlain(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 16)
	if _, err := io.ReadFull(f, head); err != nil {
		return false, nil // too short for any database
	}
	return bytes.Equal(head, []byte("SQLite format 3\x00")), nil
}

// convert encrypts a database in clear that was put in the place of ours.
func (s *Store) convert(haveKey bool) error {
	if err := s.haveKey(haveKey); err != nil {
		return err
	}
	db, err := sqlite3.OpenFlags(fileURI(s.path(dbFile), nil), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return classify(err)
	}
	c := &conn{db: db, stmts: make(map[string]*sqlite3.Stmt)}
	if err = checkKind(c); err == nil {
		err = c.check()
	}
	if err == nil {
		_, err = c.pragma("wal_checkpoint(truncate)")
	}
	if err == nil {
		err = c.copyTo(s.path(nextFile), s.key)
	}
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("encrypt database: %w", classify(err))
	}
	if err := s.fault(FaultSwapMade); err != nil {
		return err
	}
	s.cfg.Log.Info("encrypted a database that was in clear", "file", dbFile)
	return s.takeNext()
}
