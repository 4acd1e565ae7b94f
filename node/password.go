package node

import (
	"log/slog"

	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
)

// HasPassword reports whether the home in dir is locked with a state password.
func HasPassword(dir string) (bool, error) {
	locked, err := home.HasPassword(dir)
	if err != nil {
		return false, storeError(dir, err)
	}
	return locked, nil
}

// IsHome reports whether there is a node's home in dir.
func IsHome(dir string) (bool, error) { return home.Exists(dir) }

// ChangePassword encrypts the store of a home anew and locks it with the password
// next, none if that is empty; old is the present one. Both are wiped. No node may
// run there. Errors are *localapi.Error where the user can do something about them.
func ChangePassword(dir string, old, next []byte, log *slog.Logger) error {
	if err := store.ChangePassword(store.Config{Dir: dir, Password: old, Log: log}, next); err != nil {
		return storeError(dir, err)
	}
	return nil
}
