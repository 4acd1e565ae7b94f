package database

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"quicnprotochat/node/store/home"
)

// copyTime is how long the database as it was before a change of its tables is
// kept. It holds keys that were erased since: so not for long.
const copyTime = 7 * 24 * time.Hour

// copies are the files that keepCopy made, whole or not.
func (d *DB) copies() (paths []string, err error) {
	entries, err := os.ReadDir(d.cfg.Dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), home.DBFile+".v") {
			paths = append(paths, d.path(e.Name()))
		}
	}
	return paths, err
}

// keepCopy copies the database, which is at a version of its tables that will be
// changed. Its log has been copied back.
func (d *DB) keepCopy(version int64) error {
	if err := d.dropCopies(); err != nil {
		return err
	}
	from, err := os.Open(d.path(home.DBFile))
	if err != nil {
		return err
	}
	defer from.Close()
	path := d.path(fmt.Sprintf("%s.v%d", home.DBFile, version))
	to, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	return errors.Join(err, home.SyncDir(d.cfg.Dir))
}

// dropCopies removes all copies.
func (d *DB) dropCopies() error {
	names, err := d.copies()
	for _, name := range names {
		err = errors.Join(err, home.Remove(name))
	}
	return err
}

// expireCopies removes the copies that are old.
func (d *DB) expireCopies() error {
	names, err := d.copies()
	for _, name := range names {
		info, e := os.Stat(name)
		if e == nil && d.cfg.Now().Sub(info.ModTime()) > copyTime {
			e = home.Remove(name)
		}
		err = errors.Join(err, e)
	}
	return err
}
