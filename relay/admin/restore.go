package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store"
	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
)

// Restored is what a restore did.
type Restored struct {
	Identity string `json:"identity"`
	Home     string `json:"home"`
	// Check is a reading of all that was restored: what is damaged in it was so in
	// the backup.
	Check Check `json:"check"`
}

// Restore makes the home in dir, which must be absent or empty, of the backup at
// path. It reads the whole backup before it makes anything. A restore that was cut
// off is run again the same way; until it came to its end no relay runs there.
// The errors are ErrBackup, ErrNotEmpty, and those of the file system.
func Restore(ctx context.Context, path, dir string) (Restored, error) {
	if _, err := file.CheckRegular(path); errors.Is(err, file.ErrNoFile) {
		return Restored{}, fmt.Errorf("%w: %w", ErrBackup, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return Restored{}, fmt.Errorf("open backup: %w", err)
	}
	defer f.Close()
	b, err := readBackup(ctx, f)
	if err != nil {
		return Restored{}, err
	}
	if err := beginRestore(dir); err != nil {
		return Restored{}, err
	}
	if err := b.write(ctx, f, dir); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	at := filepath.Join(dir, relay.StoreFile)
	if err := store.MarkRestored(at, time.Now()); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	report, err := ledger.VerifyFile(ctx, at, store.Layout)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	key, err := relay.Identity(dir)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	if err := errors.Join(file.SyncDir(dir), os.Remove(filepath.Join(dir, relay.RestoreFile)), file.SyncDir(dir)); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	return Restored{Identity: key.String(), Home: dir, Check: checkOf(report)}, nil
}

// beginRestore marks the home as one that is being restored. What a restore
// before left is written again.
func beginRestore(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	mark := filepath.Join(dir, relay.RestoreFile)
	if _, err := os.Lstat(mark); errors.Is(err, fs.ErrNotExist) {
		there, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("make home: %w", err)
		}
		if len(there) > 0 {
			return fmt.Errorf("%w: %s is in it", ErrNotEmpty, there[0].Name())
		}
	}
	if err := errors.Join(writeFile(mark, nil), file.SyncDir(dir)); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	return nil
}

// write puts the files of a backup into a home.
func (b *backup) write(ctx context.Context, f io.ReaderAt, dir string) error {
	for name, data := range b.small {
		if err := writeFile(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(filepath.Join(dir, relay.StoreFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, contextReader{ctx, io.NewSectionReader(f, b.at, b.size)})
	return errors.Join(err, out.Sync(), out.Close())
}

// writeFile makes or replaces a file that only its owner may read, on the disk.
func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
