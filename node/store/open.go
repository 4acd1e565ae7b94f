package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Open opens the home in cfg.Dir and makes it if it is not there. Errors:
// ErrInUse, ErrKind, ErrNewer, ErrDamaged, or one of the file system.
func Open(cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{
		cfg:     cfg,
		writer:  make(chan *conn, 1),
		idle:    make(chan *conn, maxReaders),
		spare:   make(chan struct{}, maxReaders),
		closing: make(chan struct{}),
	}
	for range maxReaders {
		s.spare <- struct{}{}
	}
	err := s.open()
	clear(s.cfg.Password)
	s.cfg.Password = nil
	if err != nil {
		if s.lock != nil {
			err = errors.Join(err, s.lock.Close())
		}
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.cfg.Dir, name) }

// open does the work of Open. On an error the lock may be held.
func (s *Store) open() error {
	switch relay, err := exists(s.path(relayFile)); {
	case err != nil:
		return fmt.Errorf("look into home: %w", err)
	case relay:
		return ErrKind
	}
	if err := makeDir(s.cfg.Dir); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockHome(s.path(lockFile)); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	unclean, err := exists(s.path(uncleanFile))
	if err != nil {
		return err
	}
	if !unclean {
		if err := errors.Join(touch(s.path(uncleanFile)), syncDir(s.cfg.Dir)); err != nil {
			return err
		}
	}
	c, err := s.openWriter(unclean)
	if err != nil {
		return err
	}
	s.writer <- c
	return nil
}

// settle finds the key and makes sure that there is a database, or says what
// is missing (see the package comment for the order of creation).
func (s *Store) settle() error {
	if err := s.finishSwap(); err != nil {
		return fmt.Errorf("go on with the new database: %w", err)
	}
	haveKey, err1 := exists(s.path(keyFile))
	haveDB, err2 := exists(s.path(dbFile))
	haveNew, err3 := exists(s.path(newFile))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	plain, err := isPlain(s.path(dbFile))
	switch {
	case err != nil:
		return err
	case plain:
		return s.convert(haveKey)
	case haveDB && !haveKey:
		return fmt.Errorf("%w: %s is missing, and %s cannot be read without it", ErrDamaged, keyFile, dbFile)
	case haveKey && !haveDB && !haveNew:
		return fmt.Errorf("%w: %s is missing, but its key %s is there", ErrDamaged, dbFile, keyFile)
	case haveDB:
		info, err := os.Stat(s.path(dbFile))
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			return fmt.Errorf("%w: %s is empty", ErrDamaged, dbFile)
		}
		s.key, err = readKey(s.path(keyFile), s.cfg.Password)
		return err
	}
	return s.create(haveKey)
}

// create makes the key, unless it is there, and the database.
func (s *Store) create(haveKey bool) error {
	path := s.path(newFile)
	err := errors.Join(
		removeIfThere(path+"-journal"),
		removeIfThere(path+"-wal"),
		removeIfThere(path+"-shm"),
		touch(path),
		os.Truncate(path, 0),
		syncDir(s.cfg.Dir))
	if err != nil {
		return err
	}
	if err := s.haveKey(haveKey); err != nil {
		return err
	}
	c, err := openConn(path, s.key, s.path(keyFile))
	if err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if err = c.prepareWriter(); err == nil {
		err = migrate(c)
	}
	// Closing the only connection copies the write-ahead log into the file.
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if err := os.Rename(path, s.path(dbFile)); err != nil {
		return err
	}
	return syncDir(s.cfg.Dir)
}

// haveKey reads the key if it is there, and else makes it.
func (s *Store) haveKey(there bool) (err error) {
	if there {
		s.key, err = readKey(s.path(keyFile), s.cfg.Password)
	} else {
		s.key, err = makeKey(s.path(keyFile), s.cfg.Password)
	}
	return err
}

// openWriter opens the database and makes it ready for use.
func (s *Store) openWriter(unclean bool) (*conn, error) {
	if err := touch(s.path(dbFile + "-shm")); err != nil { // for its mode
		return nil, err
	}
	if err := trimLog(s.path(dbFile + "-wal")); err != nil {
		return nil, err
	}
	c, err := openConn(s.path(dbFile), s.key, s.path(keyFile))
	if err != nil {
		return nil, err
	}
	err = checkKind(c)
	if err == nil {
		err = c.prepareWriter()
	}
	if err == nil && unclean {
		start := s.cfg.Now()
		err = errors.Join(c.check(), s.whole(c))
		s.cfg.Log.Info("store checked after an unclean stop", "took", s.cfg.Now().Sub(start), "err", err)
	}
	if err == nil {
		err = s.migrate(c)
	}
	if err != nil {
		return nil, errors.Join(classify(err), c.close())
	}
	return c, nil
}

// migrate brings the tables up to date; a copy of how they were is kept for a while.
func (s *Store) migrate(c *conn) error {
	version, err := c.pragma("user_version")
	if err != nil || version == int64(len(migrations)) {
		return errors.Join(err, s.expireCopies())
	}
	if _, err := c.pragma("wal_checkpoint(truncate)"); err != nil {
		return err
	}
	if err := s.keepCopy(version); err != nil {
		return fmt.Errorf("keep a copy before the tables change: %w", err)
	}
	s.cfg.Log.Info("tables of the store are brought up to date", "from", version, "to", len(migrations), "copy kept for", copyTime)
	return migrate(c)
}

// whole returns ErrDamaged if the file ends within a page, which SQLite takes for
// a page that ends with zeros. A stop in the middle of copying the log leaves
// such a page too: so the log is copied first.
func (s *Store) whole(c *conn) error {
	if _, err := c.pragma("wal_checkpoint(truncate)"); err != nil {
		return err
	}
	size, err := c.pragma("page_size")
	if err != nil {
		return err
	}
	info, err := os.Stat(s.path(dbFile))
	if err == nil && info.Size()%size != 0 {
		err = fmt.Errorf("%w: %s is cut short", ErrDamaged, dbFile)
	}
	return err
}

// InUse reports whether a Store is open in a directory, in whatever process. It
// creates nothing.
func InUse(dir string) bool {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); err != nil {
		return false
	}
	f, err := lockHome(path)
	if err == nil {
		err = f.Close()
	}
	return errors.Is(err, ErrInUse)
}
