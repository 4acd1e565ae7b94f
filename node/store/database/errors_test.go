package database

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"quicnprotochat/node/store/home"
)

// TestClassify: what SQLite and the system say is recognizable.
func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err, want error
		full      bool
	}{
		{sqlite3.FULL, ErrDiskFull, true},
		{sqlite3.READONLY, ErrReadOnly, false},
		{sqlite3.CORRUPT, home.ErrDamaged, false},
		{sqlite3.BUSY, sqlite3.BUSY, false},
		{syscall.EDQUOT, syscall.EDQUOT, true},
		{nil, nil, false},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("commit: %w", err)
		}
		got := classify(classify(err))
		if !errors.Is(got, c.want) || (got == nil) != (c.want == nil) || Full(got) != c.full {
			t.Errorf("%v: got %v, full %v, want %v, %v", c.err, got, Full(got), c.want, c.full)
		}
	}
	// A disk that has room is not said to be full.
	if err := lookForRoom(t.TempDir(), sqlite3.IOERR); Full(err) || !errors.Is(err, sqlite3.IOERR) {
		t.Errorf("got %v, want the error as it is", err)
	}
}
