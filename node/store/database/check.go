package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"quicnprotochat/node/store/home"
)

// foundDamaged is what the file that tells of an unclean stop says once Check has found
// damage: from then on Open checks all, and serves nothing.
const foundDamaged = "damaged"

// checkFirst checks, after an unclean stop, what nothing may be done without: all tables
// but those that Config.Later names, or all if that is empty.
func (d *DB) checkFirst(c *conn) error {
	if err := home.CheckFile(d.path(home.UncleanFile)); err != nil {
		return err
	}
	said, err1 := os.ReadFile(d.path(home.UncleanFile))
	version, err2 := c.pragma("user_version")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	start := d.cfg.Now()
	if len(d.cfg.Later) == 0 || len(said) > 0 || version != int64(len(d.tables)) {
		err := c.check("")
		d.cfg.Log.Info("store checked after an unclean stop", "took", d.cfg.Now().Sub(start), "err", err)
		return err
	}
	names, err := c.tables()
	for _, name := range names {
		if err == nil && !slices.Contains(d.cfg.Later, name) {
			err = c.check(name)
		}
	}
	d.unchecked.Store(true)
	d.cfg.Log.Info("keys and mail of the store checked after an unclean stop, its messages are next", "took", d.cfg.Now().Sub(start), "err", err)
	return err
}

// Check reads all of the database if Open has left some of it, and returns home.ErrDamaged
// with what it found. Until it is through, each page that is read proves its own checksum;
// what no page can tell alone, as that it is older than those that refer to it, Check
// finds. A home in which it found damage stays shut: Open checks all of it then. What it
// could not do, also because ctx has ended, is left to the next Open.
func (d *DB) Check(ctx context.Context) error {
	if !d.unchecked.Load() {
		return nil
	}
	start := d.cfg.Now()
	err := d.checkAll(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		d.unchecked.Store(false)
		d.cfg.Log.Info("store checked after an unclean stop", "took", d.cfg.Now().Sub(start))
		return nil
	case !errors.Is(err, home.ErrDamaged):
		d.cfg.Log.Warn("store not checked after an unclean stop: the next start does it", "err", err)
		return nil
	}
	return errors.Join(fmt.Errorf("check store: %w", err), home.WriteFile(d.path(home.UncleanFile), []byte(foundDamaged)))
}

func (d *DB) checkAll(ctx context.Context) error {
	c, err := d.takeReader(ctx)
	if err != nil {
		return err
	}
	defer func() { d.idle <- c }()
	c.db.SetInterrupt(ctx)
	defer c.db.SetInterrupt(context.Background())
	return c.check("")
}

// whole returns home.ErrDamaged if the file ends within a page, which SQLite takes for
// a page that ends with zeros. A stop in the middle of copying the log leaves
// such a page too: so the log is copied first.
func (d *DB) whole(c *conn) error {
	if _, err := c.pragma("wal_checkpoint(truncate)"); err != nil {
		return err
	}
	size, err := c.pragma("page_size")
	if err != nil {
		return err
	}
	info, err := os.Stat(d.path(home.DBFile))
	if err == nil && info.Size()%size != 0 {
		err = fmt.Errorf("%w: %s is cut short", home.ErrDamaged, home.DBFile)
	}
	return err
}
