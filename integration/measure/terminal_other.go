//go:build !linux

package main

import (
	"errors"
	"os"
)

// openTerminal is there on Linux only.
func openTerminal() (master, slave *os.File, err error) {
	return nil, nil, errors.ErrUnsupported
}
