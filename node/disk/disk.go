package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

// place says in which folder an error arose.
type place struct {
	dir string
	error
}

// Unwrap returns the error.
func (p *place) Unwrap() error { return p.error }

// In notes in which folder something could not be done; nil stays nil.
func In(dir string, err error) error {
	if err == nil {
		return nil
	}
	if whole, failed := filepath.Abs(dir); failed == nil {
		dir = whole
	}
	return &place{dir, err}
}

// Words returns err as a *localapi.Error that says which folder's disk is full or
// read-only, or what this user may not use, and what to do; any other error as it is. Where
// the error does not say which folder it is, it is home. About that the exit code is
// localapi.ExitHome, about others localapi.ExitOther.
func Words(home string, err error) error {
	if said := (*localapi.Error)(nil); err == nil || errors.As(err, &said) {
		return err
	}
	path, dir, known := where(home, err)
	e := &localapi.Error{Exit: localapi.ExitOther, Cause: err}
	var of *fs.PathError
	if within(home, path) || within(path, home) && errors.As(err, &of) && of.Op == "mkdir" {
		e.Exit = localapi.ExitHome
	}
	switch {
	case store.Full(err):
		e.Message = "the disk is full on which " + dir + " lies"
		e.Hint = "make room there, then try again"
	case errors.Is(err, syscall.EROFS), errors.Is(err, store.ErrReadOnly):
		e.Message = "nothing can be written to " + dir + ": its disk is read-only"
		e.Hint = "use another folder, or make that disk writable"
	case known && errors.Is(err, fs.ErrPermission):
		e.Message = "this user may not use " + path
		e.Hint = "run it as the user that this belongs to, or give it to this one: ls -ld " + path
	default:
		return err
	}
	return e
}

// where is the file or folder that an error is about, and the folder it lies in; known is
// whether the error says so.
func where(home string, err error) (path, dir string, known bool) {
	var in *place
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &in):
		return in.dir, in.dir, true
	case errors.As(err, &file):
		path = file.Path
	case errors.As(err, &link):
		path = link.New
	default:
		return home, home, false
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return path, filepath.Dir(path), true
}

// within reports whether a path lies in a folder, or in one below it.
func within(folder, path string) bool {
	rest, err := filepath.Rel(folder, path)
	return folder != "" && err == nil && filepath.IsLocal(rest)
}
