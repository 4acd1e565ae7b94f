package crypt

import (
	"fmt"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/crypto/xts"
)

// Disk is the VFS of one connection.
type Disk struct {
	vfs.VFS // that of the operating system
	// Lazy leaves out the sync at the end of a commit. It is looked at then.
	Lazy bool

	name   string
	cipher *xts.Cipher
	page   int // bytes of a page of the database, 0 if not known yet
}

// made counts the Disks of this process, to name them.
var made atomic.Int64

// New returns the Disk of a key of KeySize bytes. It can be named to SQLite until it
// is closed.
func New(key []byte) (*Disk, error) { return over(vfs.Find("os"), key) }

// over returns a Disk whose files are those of another VFS.
func over(base vfs.VFS, key []byte) (*Disk, error) {
	cipher, err := newCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cipher of the database: %w", err)
	}
	d := &Disk{VFS: base, name: fmt.Sprintf("qpc-%d", made.Add(1)), cipher: cipher}
	vfs.Register(d.name, d)
	return d, nil
}

// Name is the name of the VFS.
func (d *Disk) Name() string { return d.name }

// Close takes back the name: after that no connection can be opened with it. It is
// idempotent.
func (d *Disk) Close() { vfs.Unregister(d.name) }

// Open is not called: OpenFilename is there.
func (d *Disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == "" {
		return d.OpenFilename(nil, flags)
	}
	return nil, flags, sqlite3.CANTOPEN
}

// OpenFilename opens a file of the database. All are encrypted.
func (d *Disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(d.VFS, name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &file{File: f, disk: d, main: flags&vfs.OPEN_MAIN_DB != 0, log: flags&vfs.OPEN_WAL != 0}, flags, nil
}
