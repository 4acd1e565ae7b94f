package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// copyTime is how long the database as it was before a change of its tables is
// kept. It holds keys that were erased since: so not for long.
const copyTime = 7 * 24 * time.Hour

// copies are the files that keepCopy made, whole or not.
func (s *Store) copies() (paths []string, err error) {
	entries, err := os.ReadDir(s.cfg.Dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), dbFile+".v") {
			paths = append(paths, s.path(e.Name()))
		}
	}
	return paths, err
}

// keepCopy copies the database, which is at a version of its tables that will be
// changed. Its log has been copied back.
func (s *Store) keepCopy(version int64) error {
	if err := s.dropCopies(); err != nil {
		return err
	}
	from, err := os.Open(s.path(dbFile))
	if err != nil {
		return err
	}
	defer from.Close()
	path := s.path(fmt.Sprintf("%s.v%d", dbFile, version))
	to, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	return errors.Join(err, syncDir(s.cfg.Dir))
}

// dropCopies removes all copies.
func (s *Store) dropCopies() error {
	names, err := s.copies()
	for _, name := range names {
		err = errors.Join(err, removeIfThere(name))
	}
	return err
}

// expireCopies removes the copies that are old.
func (s *Store) expireCopies() error {
	names, err := s.copies()
	for _, name := range names {
		info, e := os.Stat(name)
		if e == nil && s.cfg.Now().Sub(info.ModTime()) > copyTime {
			e = removeIfThere(name)
		}
		err = errors.Join(err, e)
	}
	return err
}
