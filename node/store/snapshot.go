package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// ErrNotEmpty: there is a home already.
var ErrNotEmpty = errors.New("there is a home already")

// KeySize is the length of the key of a Snapshot in bytes.
const KeySize = len(fileKey{})

// Snapshot writes the database as it is now to a new file, changed by prepare and
// encrypted under a fresh key, which it returns. What prepare deletes is not in the
// file. Beside path it uses path.tmp, encrypted as well.
func (s *Store) Snapshot(ctx context.Context, path string, prepare func(*Tx) error) (key [KeySize]byte, err error) {
	whole := path + ".tmp"
	defer func() { err = errors.Join(err, removeDB(whole)) }()
	if key, err = s.copyOut(ctx, whole); err != nil {
		return key, err
	}
	c, err := openConn(whole, key, s.path(keyFile))
	if err != nil {
		return key, err
	}
	if err = c.prepareWriter(); err == nil {
		err = s.transact(ctx, c, "BEGIN IMMEDIATE", prepare, func(c *conn) error { return classify(c.run("COMMIT")) })
	}
	if err == nil {
		key = newKey()
		err = c.copyTo(path, key)
	}
	if err = errors.Join(err, c.close()); err != nil {
		return key, fmt.Errorf("snapshot: %w", err)
	}
	return key, nil
}

// copyOut copies the database to a new file, under a key of its own.
func (s *Store) copyOut(ctx context.Context, path string) (key fileKey, err error) {
	if err := s.usable(ctx); err != nil {
		return key, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return key, err
	}
	c, err := openConn(s.path(dbFile), s.key, s.path(keyFile))
	if err != nil {
		return key, err
	}
	key = newKey()
	c.db.SetInterrupt(ctx)
	return key, errors.Join(c.copyTo(path, key), c.close())
}

// Export writes the database as it is now to a new file in clear, with every key that
// is in it. It returns os.ErrExist if something is there.
func (s *Store) Export(ctx context.Context, path string) (n Sizes, err error) {
	if _, err := os.Lstat(path); err == nil {
		return n, fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	c, err := openConn(s.path(dbFile), s.key, s.path(keyFile))
	if err != nil {
		return n, err
	}
	c.db.SetInterrupt(ctx)
	err = c.vacuumInto(path, url.Values{"vfs": {plainVFS}})
	if err = errors.Join(err, c.close()); err != nil {
		return n, fmt.Errorf("export: %w", errors.Join(err, removeDB(path)))
	}
	err = s.View(ctx, func(tx *Tx) (err error) {
		n, err = tx.Sizes()
		return err
	})
	return n, err
}

// Adopt makes the home in cfg.Dir, which must not be there, of a Snapshot, encrypted
// under a fresh key. The snapshot stays. Killed at any moment, it leaves no home or
// the whole one. Errors: ErrNotEmpty, ErrKind, ErrInUse, ErrNewer or ErrDamaged.
func Adopt(cfg Config, snapshot string, key [KeySize]byte) error {
	defer clear(cfg.Password)
	if there, err := Exists(cfg.Dir); err != nil || there {
		return fmt.Errorf("adopt: %w", errors.Join(ErrNotEmpty, err))
	}
	s := &Store{cfg: cfg}
	if relay, err := exists(s.path(relayFile)); err != nil || relay {
		return fmt.Errorf("adopt: %w", errors.Join(ErrKind, err))
	}
	if err := makeDir(cfg.Dir); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockHome(s.path(lockFile)); err != nil {
		return err
	}
	if err := errors.Join(s.adopt(snapshot, key), s.lock.Close()); err != nil {
		return fmt.Errorf("adopt: %w", err)
	}
	return nil
}

func (s *Store) adopt(snapshot string, key fileKey) error {
	c, err := openConn(snapshot, key, s.path(lockFile))
	if err != nil {
		return err
	}
	next, made := fileKey{}, s.path(nextKeyFile+".made")
	err = checkKind(c)
	if err == nil {
		err = c.check()
	}
	if err == nil {
		next, err = makeKey(made, s.cfg.Password)
	}
	if err == nil {
		err = c.copyTo(s.path(nextFile), next)
	}
	if err = errors.Join(classify(err), c.close()); err != nil {
		return errors.Join(err, s.finishSwap()) // nothing of it stays
	}
	if err := s.fault(FaultSwapMade); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(made, s.path(nextKeyFile)), syncDir(s.cfg.Dir)); err != nil {
		return err
	}
	return s.finishSwap()
}
