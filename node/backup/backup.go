package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"quicnprotochat/node/afresh"
	"quicnprotochat/node/disk"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
	"quicnprotochat/node/store/qpce"
)

const (
	magic      = "QPCB"
	version    = 1
	sealedSize = home.KeySize + qpce.Overhead
	headerSize = len(magic) + 1 + sealedSize
)

var (
	// ErrFormat: the file is no backup, or one of a newer program.
	ErrFormat = errors.New("not a backup")
	// ErrPassword: the password is wrong, or the beginning of the file was changed.
	ErrPassword = errors.New("wrong password")
	// ErrDamaged: the file was changed or cut short.
	ErrDamaged = errors.New("backup is damaged")
)

// Create writes a backup of a store to path, which must not be there, and verifies it.
// It wipes the password.
func Create(ctx context.Context, s *store.Store, path string, password []byte) (n store.Sizes, err error) {
	defer clear(password)
	if _, err := os.Lstat(path); err == nil {
		return n, fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	beside, err := openScratch(filepath.Dir(path))
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, beside.close()) }()
	part, snapshot := beside.path("backup"), beside.path("snapshot.db")
	key, err := s.Snapshot(ctx, snapshot, prepare)
	if err != nil {
		return n, err
	}
	if err := write(part, snapshot, key, password); err != nil {
		return n, fmt.Errorf("write backup: %w", err)
	}
	if err := os.Remove(snapshot); err != nil { // its room is needed
		return n, err
	}
	if n, err = verify(part, password, beside.path("home")); err != nil {
		return n, fmt.Errorf("verify the new backup: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return n, err
	}
	return n, home.SyncDir(filepath.Dir(path))
}

// Verify restores a backup into a scratch home, which it removes, and says what is in
// it. It wipes the password. The scratch home is beside the backup, or among the
// temporary files where nothing can be written beside it.
func Verify(path string, password []byte) (n store.Sizes, err error) {
	defer clear(password)
	if _, err := os.Stat(path); err != nil {
		return n, err
	}
	s, err := openScratch(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		s, err = openScratch(os.TempDir())
	}
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	n, err = verify(path, password, s.path("home"))
	return n, disk.In(filepath.Dir(s.dir), err)
}

// verify restores a backup into dir and says what is in it. Nobody else can read what
// is there: a process that is killed would leave it beside the backup.
func verify(path string, password []byte, dir string) (n store.Sizes, err error) {
	var lock [32]byte
	rand.Read(lock[:]) // never fails
	if err := restore(path, password, store.Config{Dir: dir, Password: bytes.Clone(lock[:])}); err != nil {
		return n, err
	}
	s, err := store.Open(store.Config{Dir: dir, Password: lock[:]})
	if err != nil {
		return n, err
	}
	err = s.View(context.Background(), func(tx *store.Tx) (err error) {
		n, err = tx.Sizes()
		return err
	})
	return n, errors.Join(err, s.Close())
}

// Restore makes the home in cfg.Dir, which must not be there, of a backup. cfg.Password
// locks it, if it is not empty. Both passwords are wiped.
func Restore(path string, password []byte, cfg store.Config) error {
	defer clear(password)
	defer clear(cfg.Password)
	return restore(path, password, cfg)
}

// restore reads all of a backup before it makes anything.
func restore(path string, password []byte, cfg store.Config) error {
	if there, err := home.Exists(cfg.Dir); err != nil || there {
		return errors.Join(home.ErrNotEmpty, err)
	}
	if err := home.CheckFile(path); err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	key, err := readHeader(in, password)
	if err != nil {
		return err
	}
	if err := openStream(io.Discard, in, key[:]); err != nil {
		return err
	}
	if _, err := in.Seek(int64(headerSize), io.SeekStart); err != nil {
		return err
	}
	return store.Adopt(cfg, key, func(w io.Writer) error { return openStream(w, in, key[:]) })
}

// readHeader returns the key in the header of a backup.
func readHeader(r io.Reader, password []byte) (key home.Key, err error) {
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(r, head); err != nil {
		return key, fmt.Errorf("%w: too short", ErrFormat)
	}
	switch {
	case string(head[:len(magic)]) != magic:
		return key, ErrFormat
	case head[len(magic)] != version:
		return key, fmt.Errorf("%w of a version that this program knows", ErrFormat)
	}
	b, err := qpce.Open(password, head[len(magic)+1:])
	if errors.Is(err, qpce.ErrPassword) {
		return key, ErrPassword
	}
	if err != nil || len(b) != len(key) {
		return key, errors.Join(ErrFormat, err)
	}
	return home.Key(b), nil
}

// prepare makes a copy of a store one that can be restored. A restored home does not
// know what the node has published since, and need not: it begins afresh as it is.
func prepare(tx *store.Tx) error {
	return errors.Join(afresh.Begin(tx), tx.EndSessions(), profile.ForgetSequence(tx))
}

// write writes the backup of a snapshot to a new file, durably.
func write(path, snapshot string, key home.Key, password []byte) error {
	sealed, err := qpce.Seal(password, key[:])
	if err != nil {
		return err
	}
	in, err := os.Open(snapshot)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(append([]byte{magic[0], magic[1], magic[2], magic[3], version}, sealed...))
	if err == nil {
		err = sealStream(out, in, key[:])
	}
	return errors.Join(err, out.Sync(), out.Close())
}
