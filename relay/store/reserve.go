package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// reserveSize is the disk space that is kept back. bbolt writes a page anew
// whenever it changes, so even to remove something it needs room: on a full disk
// nobody could fetch and acknowledge what fills it.
const reserveSize = 4 << 20

// reservePath is a file of zeros that gives the room back when it is removed.
func (s *Store) reservePath() string { return s.cfg.Path + ".reserve" }

// refillReserve makes the reserve if it is not there, and then lets the store
// grow; without it nothing is taken that needs more room.
func (s *Store) refillReserve() error {
	info, err := os.Stat(s.reservePath())
	if err == nil && info.Size() == reserveSize {
		s.tight.Store(false)
		return nil
	}
	f, err := os.OpenFile(s.reservePath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make reserve: %w", err)
	}
	_, err = f.Write(make([]byte, reserveSize))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, os.Remove(s.reservePath()))
		known := s.tight.Swap(true)
		if diskFull(err) {
			if !known {
				s.cfg.Log.Error("disk full: taking nothing that needs room")
			}
			return nil
		}
		return fmt.Errorf("make reserve: %w", err)
	}
	s.tight.Store(false)
	return nil
}

// Full reports whether the disk is full, and nothing is taken that needs room.
// Sweep looks whether there is some again.
func (s *Store) Full() bool { return s.tight.Load() }

// spendReserve gives the room back and reports whether there was some.
func (s *Store) spendReserve() bool {
	if s.tight.Swap(true) {
		return false
	}
	s.cfg.Log.Error("disk full: taking nothing that needs room")
	if err := os.Remove(s.reservePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.cfg.Log.Error("free reserve", "err", err)
		return false
	}
	return true
}

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
