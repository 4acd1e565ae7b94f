package crypt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// file is an encrypted file.
type file struct {
	vfs.File
	disk *Disk
	main bool   // it is the database itself
	log  bool   // it is the write-ahead log
	buf  []byte // for what goes in and out

	// held is what was written at the end of the log and not passed on yet: whole
	// frames, or those and the header of the next one.
	held   []byte
	heldAt int64
}

// The write-ahead log (sqlite.org/fileformat2.html, §4.1): a header, then frames, each
// with a header of its own before the page.
const (
	logHeader   = 32
	frameHeader = 24
	// heldMost bounds what is held back, in bytes.
	heldMost = 1 << 20
)

// units returns room for the units that some bytes at an offset are in, and the
// offset of the first.
func (f *file) units(n int, off int64) ([]byte, int64) {
	from := off &^ (Unit - 1)
	size := int(off-from) + n
	size = (size + Unit - 1) &^ (Unit - 1)
	if cap(f.buf) < size {
		f.buf = make([]byte, size)
	}
	return f.buf[:size], from
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	b, from := f.units(len(p), off)
	n, err := f.File.ReadAt(b, from)
	n &^= Unit - 1 // what ends within a unit cannot be read
	f.disk.decrypt(b[:n], uint64(from/Unit))
	n = copy(p, b[min(int(off-from), n):n])
	f.learn(p[:n], off)
	if n == len(p) {
		return n, nil
	}
	if err == nil {
		err = io.EOF
	}
	return n, err
}

// WriteAt implements io.WriterAt.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if f.follows(p, off) {
		if len(f.held) == 0 {
			f.heldAt = off
		}
		f.held = append(f.held, p...)
		if len(f.held) >= heldMost && f.between(off+int64(len(p))) {
			return len(p), f.flush()
		}
		return len(p), nil
	}
	if err := f.flush(); err != nil {
		return 0, err
	}
	f.learn(p, off)
	return f.write(p, off)
}

// learn finds the size of a page in the header of the database.
func (f *file) learn(p []byte, off int64) {
	if !f.main || off != 0 || len(p) < 100 || !bytes.HasPrefix(p, []byte("SQLite format 3\x00")) {
		return
	}
	f.disk.page = int(binary.BigEndian.Uint16(p[16:]))
	if f.disk.page == 1 {
		f.disk.page = 1 << 16
	}
}

// between reports whether an offset in the log is one where a frame begins.
func (f *file) between(off int64) bool {
	return f.disk.page > 0 && off >= logHeader && (off-logHeader)%int64(frameHeader+f.disk.page) == 0
}

// follows reports whether a write can be held back: it is the header of a frame, or
// the page behind a header that is held. After the last page of a commit SQLite
// syncs. It may do so within a page, then comes the rest of it, which is no frame.
func (f *file) follows(p []byte, off int64) bool {
	if !f.log || len(f.held) > 0 && off != f.heldAt+int64(len(f.held)) {
		return false
	}
	if len(p) == frameHeader {
		return f.between(off)
	}
	return len(f.held) > 0 && len(p) == f.disk.page && f.between(off-frameHeader)
}

// flush writes what is held back. If that fails it is gone: the transaction that it
// is of fails.
func (f *file) flush() error {
	if len(f.held) == 0 {
		return nil
	}
	p := f.held
	f.held = f.held[:0]
	_, err := f.write(p, f.heldAt)
	return err
}

// write writes bytes and what else is in their units.
func (f *file) write(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, from := f.units(len(p), off)
	first, last := b[:Unit], b[len(b)-Unit:]
	end := off + int64(len(p))
	if off > from || end < from+Unit {
		if err := f.old(first, from); err != nil {
			return 0, err
		}
	}
	if len(b) > Unit && end < from+int64(len(b)) {
		if err := f.old(last, from+int64(len(b))-Unit); err != nil {
			return 0, err
		}
	}
	copy(b[off-from:], p)
	f.disk.encrypt(b, uint64(from/Unit))
	if n, err := f.File.WriteAt(b, from); err != nil || n < len(b) {
		return 0, fullDisk(errors.Join(err, shortWrite(n, len(b))))
	}
	return len(p), nil
}

func shortWrite(n, want int) error {
	if n < want {
		return io.ErrShortWrite
	}
	return nil
}

// fullDisk lets SQLite know that it was want of room, or that nothing may be written: else
// it says no more than that input or output failed.
func fullDisk(err error) error {
	if errors.Is(err, syscall.EROFS) {
		return vfs.SystemError(err, sqlite3.READONLY)
	}
	if Full(err) {
		return vfs.SystemError(err, sqlite3.FULL)
	}
	return err
}

// Full reports whether the system says that a disk is full, or that this user may have no
// more of it.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// old reads a unit that is written in part. One that is not there, or only a part of
// it, which cannot be read, is zeros.
func (f *file) old(unit []byte, at int64) error {
	n, err := f.File.ReadAt(unit, at)
	if n == len(unit) {
		f.disk.decrypt(unit, uint64(at/Unit))
		return nil
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	clear(unit)
	return nil
}

// Sync writes what is held back, and waits for the disk unless it is the sync of a
// commit that need not.
func (f *file) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	if f.log && f.disk.Lazy && flags&0x0f == vfs.SYNC_NORMAL {
		return nil
	}
	return f.File.Sync(flags)
}

// Close closes the file.
func (f *file) Close() error { return errors.Join(f.flush(), f.File.Close()) }

// Size returns the length of the file in bytes.
func (f *file) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}

// Truncate makes the file shorter, by whole units.
func (f *file) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate((size + Unit - 1) &^ (Unit - 1))
}

// DeviceCharacteristics leaves out what does not hold for units.
func (f *file) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return f.File.DeviceCharacteristics() & (vfs.IOCAP_ATOMIC512 | vfs.IOCAP_IMMUTABLE | vfs.IOCAP_SEQUENTIAL |
		vfs.IOCAP_SUBPAGE_READ | vfs.IOCAP_UNDELETABLE_WHEN_OPEN)
}

// SharedMemory is the index of the write-ahead log, which is not encrypted and has
// nothing but numbers of pages.
func (f *file) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }

// LockState passes on what SQLite asks of the file.
func (f *file) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }

// HasMoved passes on what SQLite asks of the file.
func (f *file) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(f.File) }

// SizeHint passes on what SQLite tells the file.
func (f *file) SizeHint(size int64) error {
	return vfsutil.WrapSizeHint(f.File, (size+Unit-1)&^(Unit-1))
}
