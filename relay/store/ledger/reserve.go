package ledger

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
func (l *Ledger) reservePath() string { return l.cfg.Path + ".reserve" }

// refillReserve makes the reserve if it is not there, and then lets the store
// grow; without it nothing is taken that needs more room.
func (l *Ledger) refillReserve() error {
	info, err := os.Stat(l.reservePath())
	if err == nil && info.Size() == reserveSize {
		l.tight.Store(false)
		return nil
	}
	f, err := os.OpenFile(l.reservePath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make reserve: %w", err)
	}
	_, err = f.Write(make([]byte, reserveSize))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, os.Remove(l.reservePath()))
		known := l.tight.Swap(true)
		if diskFull(err) {
			if !known {
				l.cfg.Log.Error("disk full: taking nothing that needs room")
			}
			return nil
		}
		return fmt.Errorf("make reserve: %w", err)
	}
	l.tight.Store(false)
	return nil
}

// Full reports whether the disk is full, and nothing is taken that needs room.
// Sweep looks whether there is some again.
func (l *Ledger) Full() bool { return l.tight.Load() }

// spendReserve gives the room back and reports whether there was some.
func (l *Ledger) spendReserve() bool {
	if l.tight.Swap(true) {
		return false
	}
	l.cfg.Log.Error("disk full: taking nothing that needs room")
	if err := os.Remove(l.reservePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.cfg.Log.Error("free reserve", "err", err)
		return false
	}
	return true
}

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
