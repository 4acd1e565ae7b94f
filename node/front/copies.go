package front

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"quicnprotochat/node/backup"
	"quicnprotochat/node/disk"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
)

// Backup implements localapi.Copies.
func (f *Front) Backup(ctx context.Context, path string, password []byte) (localapi.Backup, error) {
	if err := localapi.CheckNewPassword(password); err != nil {
		return localapi.Backup{}, err
	}
	n, err := backup.Create(ctx, f.cfg.Store, path, password)
	return CopyOf(path, n), written(path, err)
}

// Export implements localapi.Copies.
func (f *Front) Export(ctx context.Context, path string) (localapi.Backup, error) {
	n, err := f.cfg.Store.Export(ctx, path)
	return CopyOf(path, n), written(path, err)
}

// written puts into words why a copy could not be written to a path: if a disk is full, it is
// that one.
func written(path string, err error) error {
	return CopyError(path, disk.In(filepath.Dir(path), err))
}

// CopyOf says what is in a copy.
func CopyOf(path string, n store.Sizes) localapi.Backup {
	return localapi.Backup{Path: path, Contacts: n.Contacts, Conversations: n.Conversations, Messages: n.Messages}
}

// CopyError puts what is wrong with a copy into words.
func CopyError(path string, err error) error {
	e := &localapi.Error{Exit: localapi.ExitUsage}
	var of *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &of) && of.Path == path:
		e.Message, e.Hint, e.Exit = "this user may not read "+path, "run it as the user that it belongs to: ls -l "+path, localapi.ExitOther
	case errors.Is(err, os.ErrExist):
		e.Message, e.Hint = path+" is there already", "nothing was replaced: choose another name"
	case errors.Is(err, os.ErrNotExist):
		e.Message, e.Hint = "there is no "+path, "is the path right?"
	case errors.Is(err, home.ErrNoFile):
		e.Message, e.Hint = path+" is no file: it is a directory, a pipe, or a device", "copy the backup to a file first"
	case errors.Is(err, backup.ErrFormat):
		e.Message, e.Hint = path+" is no backup of a node", "nothing was changed"
	case errors.Is(err, backup.ErrPassword):
		e.Message, e.Hint, e.Exit = "that is not the password of "+path, "nothing was changed; try again", localapi.ExitHome
	case errors.Is(err, backup.ErrDamaged), errors.Is(err, store.ErrDamaged):
		e.Message, e.Hint, e.Exit = path+" is damaged: "+err.Error(), "nothing was changed; take another backup", localapi.ExitHome
	default:
		return disk.Words("", fmt.Errorf("copy of the node: %w", err))
	}
	return e
}
