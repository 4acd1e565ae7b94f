package admin

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/relay/settings"
	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
)

// A backup is a tar file with mode 0600: the small files of the home, the store,
// and last, with the name of a list that sha256sum -c reads, the sums of those.
const sumsName = "SHA256SUMS"

// maxSmall bounds every file of a backup but the store, in bytes.
const maxSmall = 64 << 10

// smallFiles are those of a home beside its store. Only the first must be there.
var smallFiles = []string{relay.KeyFile, relay.PortFile, settings.FileName}

// snapshot writes the store; it is Snapshot of a relay, or ledger.SnapshotFile.
type snapshot func(ctx context.Context, begin func(size int64) (io.Writer, error)) error

// writeBackup writes a backup of the home in dir.
func writeBackup(ctx context.Context, w io.Writer, dir string, store snapshot) error {
	b := &backupWriter{tar: tar.NewWriter(w), at: time.Now()}
	for i, name := range smallFiles {
		data, err := readSmall(filepath.Join(dir, name))
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = b.add(name, data)
		}
		if err != nil {
			return fmt.Errorf("back up %s: %w", name, err)
		}
	}
	sum := sha256.New()
	err := store(ctx, func(size int64) (io.Writer, error) {
		return io.MultiWriter(b.tar, sum), b.begin(relay.StoreFile, size)
	})
	if err != nil {
		return fmt.Errorf("back up %s: %w", relay.StoreFile, err)
	}
	b.sum(relay.StoreFile, sum)
	if err := b.add(sumsName, b.sums.Bytes()); err != nil {
		return err
	}
	return b.tar.Close()
}

type backupWriter struct {
	tar  *tar.Writer
	at   time.Time
	sums bytes.Buffer
}

func (b *backupWriter) begin(name string, size int64) error {
	return b.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: b.at, Format: tar.FormatGNU})
}

func (b *backupWriter) add(name string, data []byte) error {
	if err := b.begin(name, int64(len(data))); err != nil {
		return err
	}
	_, err := b.tar.Write(data)
	sum := sha256.New()
	sum.Write(data)
	b.sum(name, sum)
	return err
}

func (b *backupWriter) sum(name string, h hash.Hash) {
	fmt.Fprintf(&b.sums, "%x  %s\n", h.Sum(nil), name)
}

func readSmall(path string) ([]byte, error) {
	if _, err := file.CheckRegular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err == nil && len(data) > maxSmall {
		err = fmt.Errorf("longer than %d bytes", maxSmall)
	}
	return data, err
}

// backup is one that was read and found whole.
type backup struct {
	small map[string][]byte
	// at and size are where the store lies in the file, which ends at end.
	at, size, end int64
}

// backupFile is an open file that holds a backup.
type backupFile interface {
	io.ReadSeeker
	io.ReaderAt
}

// readBackup reads a backup and checks it: its sums, and the structure of the
// store in it. The error is ErrBackup, or that of ctx or the file system.
func readBackup(ctx context.Context, f backupFile) (*backup, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, err
	}
	b := &backup{small: map[string][]byte{}, end: end}
	var want, sums bytes.Buffer
	r := tar.NewReader(f)
	for sums.Len() == 0 { // they come last
		h, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBackup, err)
		}
		if err := b.entry(ctx, f, r, h, &want, &sums); err != nil {
			return nil, err
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it does not end where it should", ErrBackup)
	}
	switch {
	case b.size == 0 || len(b.small[relay.KeyFile]) == 0:
		return nil, fmt.Errorf("%w: no %s or no %s in it", ErrBackup, relay.StoreFile, relay.KeyFile)
	case !bytes.Equal(want.Bytes(), sums.Bytes()):
		return nil, fmt.Errorf("%w: it has changed since it was made", ErrBackup)
	}
	if err := ledger.CheckStructure(io.NewSectionReader(f, b.at, b.size), b.size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return b, nil
}

// entry reads one file of the backup. want gets its sum, and sums what the backup
// says of all of them.
func (b *backup) entry(ctx context.Context, f backupFile, r io.Reader, h *tar.Header, want, sums *bytes.Buffer) error {
	known := h.Name == relay.StoreFile || h.Name == sumsName
	for _, name := range smallFiles {
		known = known || h.Name == name
	}
	if !known || h.Typeflag != tar.TypeReg || b.small[h.Name] != nil || h.Name == relay.StoreFile && b.size > 0 {
		return fmt.Errorf("%w: %.64q does not belong there", ErrBackup, h.Name)
	}
	sum := sha256.New()
	if h.Name == relay.StoreFile {
		at, err := f.Seek(0, io.SeekCurrent) // tar reads no further than it must
		if err != nil {
			return err
		}
		if h.Size > b.end-at { // a sparse file may claim any size
			return fmt.Errorf("%w: %s is longer than the backup", ErrBackup, h.Name)
		}
		b.at, b.size = at, h.Size
		if _, err := io.Copy(sum, contextReader{ctx, r}); err != nil {
			return broken(ctx, err)
		}
	} else {
		if h.Size > maxSmall {
			return fmt.Errorf("%w: %s is too long", ErrBackup, h.Name)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return broken(ctx, err)
		}
		if h.Name == sumsName {
			sums.Write(data)
			return nil
		}
		b.small[h.Name] = append([]byte{}, data...)
		sum.Write(data)
	}
	fmt.Fprintf(want, "%x  %s\n", sum.Sum(nil), h.Name)
	return nil
}

func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrBackup, err)
}

// contextReader ends a copy with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
