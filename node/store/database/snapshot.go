package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"quicnprotochat/node/store/home"
)

// Snapshot writes the database as it is now to a new file, changed by prepare and
// encrypted under a fresh key, which it returns. What prepare deletes is not in the
// file. Beside path it uses path.tmp, encrypted as well.
func (d *DB) Snapshot(ctx context.Context, path string, prepare func(*Tx) error) (key home.Key, err error) {
	whole := path + ".tmp"
	defer func() { err = errors.Join(err, removeDB(whole)) }()
	if key, err = d.copyOut(ctx, whole); err != nil {
		return key, err
	}
	c, err := openConn(whole, key, d.path(home.KeyFile))
	if err != nil {
		return key, err
	}
	if err = c.prepareWriter(); err == nil {
		err = d.transact(ctx, c, "BEGIN IMMEDIATE", prepare, func(c *conn) error { return classify(c.run("COMMIT")) })
	}
	if err == nil {
		key = home.NewKey()
		err = c.copyTo(path, key)
	}
	if err = errors.Join(err, c.close()); err != nil {
		return key, fmt.Errorf("snapshot: %w", err)
	}
	return key, nil
}

// copyOut copies the database to a new file, under a key of its own.
func (d *DB) copyOut(ctx context.Context, path string) (key home.Key, err error) {
	if err := d.usable(ctx); err != nil {
		return key, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return key, err
	}
	c, err := openConn(d.path(home.DBFile), d.key, d.path(home.KeyFile))
	if err != nil {
		return key, err
	}
	key = home.NewKey()
	c.db.SetInterrupt(ctx)
	return key, errors.Join(c.copyTo(path, key), c.close())
}

// Export writes the database as it is now to a new file in clear. It returns
// os.ErrExist if something is there.
func (d *DB) Export(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	c, err := openConn(d.path(home.DBFile), d.key, d.path(home.KeyFile))
	if err != nil {
		return err
	}
	c.db.SetInterrupt(ctx)
	err = c.vacuumInto(path, url.Values{"vfs": {plainVFS}})
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("export: %w", errors.Join(err, removeDB(path)))
	}
	return nil
}

// Adopt makes the home in cfg.Dir, which must not be there, of a Snapshot that write
// gives, encrypted under a fresh key. Killed at any moment, it leaves no home or the
// whole one, and nothing else that Open or Adopt does not clear away. Errors:
// home.ErrNotEmpty, home.ErrKind, home.ErrInUse, ErrNewer or home.ErrDamaged.
func Adopt(cfg Config, tables []string, key home.Key, write func(io.Writer) error) error {
	defer clear(cfg.Password)
	d := &DB{cfg: cfg, tables: tables}
	if relay, err := home.Present(d.path(home.RelayFile)); err != nil || relay {
		return fmt.Errorf("adopt: %w", errors.Join(home.ErrKind, err))
	}
	if err := home.MakeDir(cfg.Dir); err != nil {
		return err
	}
	var err error
	if d.lock, err = home.Lock(d.path(home.LockFile)); err != nil {
		return err
	}
	if err := errors.Join(d.adoptLocked(key, write), d.lock.Close()); err != nil {
		return fmt.Errorf("adopt: %w", err)
	}
	return nil
}

func (d *DB) adoptLocked(key home.Key, write func(io.Writer) error) (err error) {
	if err := d.finishSwap(); err != nil { // one before may have been killed
		return err
	}
	if there, err := home.Exists(d.cfg.Dir); err != nil || there {
		return errors.Join(home.ErrNotEmpty, err)
	}
	snapshot := d.path(home.SnapshotFile)
	out, err := os.OpenFile(snapshot, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeDB(snapshot)) }()
	if err := errors.Join(write(out), out.Close()); err != nil {
		return err
	}
	return d.adopt(snapshot, key)
}

func (d *DB) adopt(snapshot string, key home.Key) error {
	c, err := openConn(snapshot, key, d.path(home.LockFile))
	if err != nil {
		return err
	}
	next, made := home.Key{}, d.path(home.NextKeyFile+".made")
	err = checkKind(c, d.tables)
	if err == nil {
		err = c.check("")
	}
	if err == nil {
		next, err = home.MakeKey(made, d.cfg.Password)
	}
	if err == nil {
		err = c.copyTo(d.path(home.NextFile), next)
	}
	if err = errors.Join(classify(err), c.close()); err != nil {
		return errors.Join(err, d.finishSwap()) // nothing of it stays
	}
	if err := d.fault(FaultSwapMade); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(made, d.path(home.NextKeyFile)), home.SyncDir(d.cfg.Dir)); err != nil {
		return err
	}
	return d.finishSwap()
}
