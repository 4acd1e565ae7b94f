package database

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/node/store/home"
)

// Open opens the home in cfg.Dir and makes it if it is not there. Errors:
// home.ErrInUse, home.ErrKind, ErrNewer, home.ErrDamaged, or one of the file system.
//
// Each of tables is SQL that brings the database one version further; user_version
// counts those that were applied. The list is append only.
func Open(cfg Config, tables []string) (*DB, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	d := &DB{
		cfg:     cfg,
		tables:  tables,
		writer:  make(chan *conn, 1),
		idle:    make(chan *conn, maxReaders),
		spare:   make(chan struct{}, maxReaders),
		closing: make(chan struct{}),
	}
	for range maxReaders {
		d.spare <- struct{}{}
	}
	err := lookForRoom(cfg.Dir, d.open())
	clear(d.cfg.Password)
	d.cfg.Password = nil
	if err != nil {
		if d.lock != nil {
			err = errors.Join(err, d.lock.Close())
		}
		return nil, fmt.Errorf("open store: %w", err)
	}
	return d, nil
}

func (d *DB) path(name string) string { return filepath.Join(d.cfg.Dir, name) }

// open does the work of Open. On an error the lock may be held.
func (d *DB) open() error {
	switch relay, err := home.Present(d.path(home.RelayFile)); {
	case err != nil:
		return fmt.Errorf("look into home: %w", err)
	case relay:
		return home.ErrKind
	}
	if err := home.MakeDir(d.cfg.Dir); err != nil {
		return err
	}
	var err error
	if d.lock, err = home.Lock(d.path(home.LockFile)); err != nil {
		return err
	}
	if err := d.settle(); err != nil {
		return err
	}
	unclean, err := home.Present(d.path(home.UncleanFile))
	if err != nil {
		return err
	}
	if !unclean {
		if err := errors.Join(home.Touch(d.path(home.UncleanFile)), home.SyncDir(d.cfg.Dir)); err != nil {
			return err
		}
	}
	c, err := d.openWriter(unclean)
	if err != nil {
		return err
	}
	d.writer <- c
	return nil
}

// settle finds the key and makes sure that there is a database, or says what
// is missing (see the package comment for the order of creation).
func (d *DB) settle() error {
	if err := d.finishSwap(); err != nil {
		return fmt.Errorf("go on with the new database: %w", err)
	}
	haveKey, err1 := home.Present(d.path(home.KeyFile))
	haveDB, err2 := home.Present(d.path(home.DBFile))
	haveNew, err3 := home.Present(d.path(home.NewFile))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	plain, err := isPlain(d.path(home.DBFile))
	switch {
	case err != nil:
		return err
	case plain:
		return d.convert(haveKey)
	case haveDB && !haveKey:
		return fmt.Errorf("%w: %s is missing, and %s cannot be read without it", home.ErrDamaged, home.KeyFile, home.DBFile)
	case haveKey && !haveDB && !haveNew:
		return fmt.Errorf("%w: %s is missing, but its key %s is there", home.ErrDamaged, home.DBFile, home.KeyFile)
	case haveDB:
		info, err := os.Stat(d.path(home.DBFile))
		if err != nil {
			return err
		}
		if info.Size() == 0 {
			return fmt.Errorf("%w: %s is empty", home.ErrDamaged, home.DBFile)
		}
		d.key, err = home.ReadKey(d.path(home.KeyFile), d.cfg.Password)
		return err
	}
	return d.create(haveKey)
}

// create makes the key, unless it is there, and the database.
func (d *DB) create(haveKey bool) error {
	path := d.path(home.NewFile)
	err := errors.Join(
		home.Remove(path+"-journal"),
		home.Remove(path+"-wal"),
		home.Remove(path+"-shm"),
		home.Touch(path),
		os.Truncate(path, 0),
		home.SyncDir(d.cfg.Dir))
	if err != nil {
		return err
	}
	if err := d.haveKey(haveKey); err != nil {
		return err
	}
	c, err := openConn(path, d.key, d.path(home.KeyFile))
	if err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if err = c.prepareWriter(); err == nil {
		err = migrate(c, d.tables)
	}
	// Closing the only connection copies the write-ahead log into the file.
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if err := os.Rename(path, d.path(home.DBFile)); err != nil {
		return err
	}
	return home.SyncDir(d.cfg.Dir)
}

// haveKey reads the key if it is there, and else makes it.
func (d *DB) haveKey(there bool) (err error) {
	if there {
		d.key, err = home.ReadKey(d.path(home.KeyFile), d.cfg.Password)
	} else {
		d.key, err = home.MakeKey(d.path(home.KeyFile), d.cfg.Password)
	}
	return err
}

// openWriter opens the database and makes it ready for use.
func (d *DB) openWriter(unclean bool) (*conn, error) {
	if err := home.Touch(d.path(home.DBFile + "-shm")); err != nil { // for its mode
		return nil, err
	}
	if err := trimLog(d.path(home.DBFile + "-wal")); err != nil {
		return nil, err
	}
	c, err := openConn(d.path(home.DBFile), d.key, d.path(home.KeyFile))
	if err != nil {
		return nil, err
	}
	err = checkKind(c, d.tables)
	if err == nil {
		err = c.prepareWriter()
	}
	if err == nil && unclean {
		err = errors.Join(d.checkFirst(c), d.whole(c))
	}
	if err == nil {
		err = d.migrate(c)
	}
	if err != nil {
		return nil, errors.Join(classify(err), c.close())
	}
	return c, nil
}

// migrate brings the tables up to date; a copy of how they were is kept for a while.
func (d *DB) migrate(c *conn) error {
	version, err := c.pragma("user_version")
	if err != nil || version == int64(len(d.tables)) {
		return errors.Join(err, d.expireCopies())
	}
	if _, err := c.pragma("wal_checkpoint(truncate)"); err != nil {
		return err
	}
	if err := d.keepCopy(version); err != nil {
		return fmt.Errorf("keep a copy before the tables change: %w", err)
	}
	d.cfg.Log.Info("tables of the store are brought up to date", "from", version, "to", len(d.tables), "copy kept for", copyTime)
	return migrate(c, d.tables)
}
