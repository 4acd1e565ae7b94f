package node

import (
	"errors"

	"quicnprotochat/node/backup"
	"quicnprotochat/node/disk"
	"quicnprotochat/node/front"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
)

// VerifyBackup restores a backup into a scratch home and says what is in it. It wipes
// the password. Errors are *localapi.Error where the user can do something about them.
func VerifyBackup(path string, password []byte) (localapi.Backup, error) {
	n, err := backup.Verify(path, password)
	return front.CopyOf(path, n), front.CopyError(path, err)
}

// RestoreBackup makes a home of a backup, locked with the state password unless that is
// empty. It wipes both. Errors are as those of VerifyBackup.
func RestoreBackup(path string, password []byte, dir string, state []byte) error {
	err := backup.Restore(path, password, store.Config{Dir: dir, Password: state})
	switch {
	case errors.Is(err, home.ErrNotEmpty):
		return &localapi.Error{
			Message: "there is a home in " + dir + " already", Hint: "nothing was changed; restore into another one: --home DIR", Exit: localapi.ExitHome,
		}
	case errors.Is(err, home.ErrKind), errors.Is(err, home.ErrInUse), errors.Is(err, store.ErrNewer):
		return storeError(dir, err)
	}
	return front.CopyError(path, disk.Words(dir, err))
}
