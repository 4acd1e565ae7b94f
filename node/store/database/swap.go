package database

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

	"quicnprotochat/node/store/home"

	"github.com/ncruces/go-sqlite3"
)

// ChangePassword encrypts the database of a home under a fresh key, and that key
// under the password next; empty means that the home has no password from then on.
// cfg.Password is the present one. Both are wiped. Killed at any moment, it leaves a
// home that opens with the one or with the other. Errors are those of Open.
//
// Files are made in this order: the new database, its key, which decides, and then
// both take the names of the old.
func ChangePassword(cfg Config, tables []string, next []byte) error {
	defer clear(next)
	d, err := Open(cfg, tables)
	if err != nil {
		return err
	}
	if err := d.rekey(next); err != nil {
		return fmt.Errorf("change password: %w", errors.Join(err, d.Close()))
	}
	return nil
}

// rekey does the work of ChangePassword and closes the store.
func (d *DB) rekey(next []byte) error {
	key, err := home.MakeKey(d.path(home.NextKeyFile+".made"), next)
	if err != nil {
		return err
	}
	c := <-d.writer
	err = c.copyTo(d.path(home.NextFile), key)
	d.writer <- c
	if err == nil {
		err = d.fault(FaultSwapMade)
	}
	if err != nil {
		return err
	}
	d.once.Do(func() {
		close(d.closing)
		err := d.closeAll()
		if err == nil {
			err = errors.Join(os.Rename(d.path(home.NextKeyFile+".made"), d.path(home.NextKeyFile)), home.SyncDir(d.cfg.Dir))
		}
		if err == nil {
			err = d.finishSwap()
		}
		d.closed = errors.Join(err, d.lock.Close())
	})
	return d.closed
}

// finishSwap puts a new database and its key in the place of the old, or forgets
// one that was not finished.
func (d *DB) finishSwap() error {
	if err := removeDB(d.path(home.SnapshotFile)); err != nil {
		return err
	}
	decided, err1 := home.Present(d.path(home.NextKeyFile))
	made, err2 := home.Present(d.path(home.NextFile))
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if !decided {
		return errors.Join(removeDB(d.path(home.NextFile)), home.Remove(d.path(home.NextKeyFile+".made")))
	}
	if err := d.fault(FaultSwapDecided); err != nil {
		return err
	}
	if made {
		if err := d.takeNext(); err != nil {
			return err
		}
	}
	if err := d.fault(FaultSwapRenamed); err != nil {
		return err
	}
	// Older copies have the old key, or would outlive it.
	err := errors.Join(d.dropCopies(), os.Rename(d.path(home.NextKeyFile), d.path(home.KeyFile)), home.SyncDir(d.cfg.Dir))
	return err
}

// takeNext puts the new database in the place of the old one, which is closed.
func (d *DB) takeNext() error {
	db := d.path(home.DBFile)
	err := errors.Join(home.Remove(db+"-wal"), home.Remove(db+"-shm"), home.Remove(db+"-journal"), home.SyncDir(d.cfg.Dir))
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(d.path(home.NextFile), db), home.SyncDir(d.cfg.Dir))
}

// removeDB removes a database file and what may lie beside it.
func removeDB(path string) error {
	return errors.Join(home.Remove(path), home.Remove(path+"-wal"), home.Remove(path+"-shm"), home.Remove(path+"-journal"))
}

// copyTo writes the database into a new file, encrypted under key, and durable.
func (c *conn) copyTo(path string, key home.Key) error {
	disk, err := newDisk(key)
	if err != nil {
		return err
	}
	defer disk.Close()
	return c.vacuumInto(path, url.Values{"vfs": {disk.Name()}})
}

func (c *conn) vacuumInto(path string, query url.Values) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := errors.Join(removeDB(path), home.Touch(path)); err != nil {
		return err
	}
	st, err := c.stmt("VACUUM INTO ?")
	if err == nil {
		if err = st.BindText(1, fileURI(path, query)); err == nil {
			err = st.Exec()
		}
	}
	if err != nil {
		return fmt.Errorf("copy database: %w", lookForRoom(filepath.Dir(path), err))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), home.SyncDir(filepath.Dir(path)))
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
	err := home.CheckFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := os.Open(path)
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
func (d *DB) convert(haveKey bool) error {
	if err := d.haveKey(haveKey); err != nil {
		return err
	}
	db, err := sqlite3.OpenFlags(fileURI(d.path(home.DBFile), nil), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return classify(err)
	}
	c := &conn{db: db, stmts: make(map[string]*sqlite3.Stmt)}
	if err = checkKind(c, d.tables); err == nil {
		err = c.check("")
	}
	if err == nil {
		_, err = c.pragma("wal_checkpoint(truncate)")
	}
	if err == nil {
		err = c.copyTo(d.path(home.NextFile), d.key)
	}
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("encrypt database: %w", classify(err))
	}
	if err := d.fault(FaultSwapMade); err != nil {
		return err
	}
	d.cfg.Log.Info("encrypted a database that was in clear", "file", home.DBFile)
	return d.takeNext()
}
