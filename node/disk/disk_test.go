package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
)

func TestWords(t *testing.T) {
	root := t.TempDir()
	home, file := filepath.Join(root, "a", "home"), filepath.Join(root, "b", "file")
	of := func(op, path string, err error) error {
		return fmt.Errorf("write it: %w", &fs.PathError{Op: op, Path: path, Err: err})
	}
	for name, c := range map[string]struct {
		err  error
		dir  string
		text string
		exit int
	}{
		"the database is full":      {store.ErrDiskFull, home, "disk is full", localapi.ExitHome},
		"a file of the home":        {of("write", filepath.Join(home, "node.key"), syscall.ENOSPC), home, "disk is full", localapi.ExitHome},
		"quota":                     {of("write", file, syscall.EDQUOT), filepath.Dir(file), "disk is full", localapi.ExitOther},
		"the folder of the home":    {of("mkdir", home, syscall.EROFS), filepath.Dir(home), "read-only", localapi.ExitHome},
		"one above it":              {of("mkdir", filepath.Dir(home), syscall.EROFS), root, "read-only", localapi.ExitHome},
		"the database is read-only": {store.ErrReadOnly, home, "read-only", localapi.ExitHome},
		"another user's":            {of("open", filepath.Join(home, "lock"), syscall.EACCES), filepath.Join(home, "lock"), "may not use", localapi.ExitHome},
		"another user's file":       {of("open", file, syscall.EACCES), file, "may not use", localapi.ExitOther},
		"a link":                    {&os.LinkError{Op: "link", Old: home, New: file, Err: syscall.ENOSPC}, filepath.Dir(file), "disk is full", localapi.ExitOther},
		"told where":                {fmt.Errorf("copy: %w", In(root, store.ErrDiskFull)), root, "disk is full", localapi.ExitOther},
		"told where, of a file":     {In(root, of("write", file, syscall.ENOSPC)), root, "disk is full", localapi.ExitOther},
	} {
		var e *localapi.Error
		err := Words(home, c.err)
		if !errors.As(err, &e) || e.Exit != c.exit || e.Hint == "" || !strings.Contains(e.Message, c.text) || !strings.Contains(e.Message, c.dir+" ") && !strings.HasSuffix(e.Message, c.dir) && !strings.Contains(e.Message, c.dir+":") {
			t.Errorf("%s: got %#v, want exit %d, %q and %s", name, err, c.exit, c.text, c.dir)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
	said := &localapi.Error{Message: "said", Cause: syscall.ENOSPC}
	for _, err := range []error{nil, errors.New("another"), said, fmt.Errorf("listen: %w", syscall.EACCES)} {
		if got := Words(home, err); got != err {
			t.Errorf("got %v, want %v as it is", got, err)
		}
	}
	if In(root, nil) != nil {
		t.Error("nil is an error")
	}
}
