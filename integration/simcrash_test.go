package integration

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// crashPoint is the commit at which a machine of a simulation crashes, and what its
// disk then holds. The zero one is nowhere.
type crashPoint struct {
	dir   string
	count int
	power bool // what was not synced is lost
	rng   *rand.Rand
	// image is the files as they were when all was synced last; nil is not looked at
	// yet.
	image map[string][]byte
}

// at is for cut.arm. One commit at a time calls it.
func (c *crashPoint) at(n int, step string) bool {
	if c.power && (c.image == nil || step == after && !called("store.(*Store).UpdateLazily")) {
		c.image = readFiles(c.dir)
	}
	return n+1 >= c.count
}

// restore puts on the disk what it holds after the crash. Of the log of writes that
// were not synced a part may be there.
func (c *crashPoint) restore() error {
	if !c.power || c.image == nil {
		return nil
	}
	now := readFiles(c.dir)
	for name := range now {
		if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
			return err
		}
	}
	for name, was := range c.image {
		if is := now[name]; strings.HasSuffix(name, "-wal") && len(is) > len(was) && bytes.HasPrefix(is, was) {
			was = is[:len(was)+c.rng.IntN(len(is)-len(was)+1)]
		}
		if err := os.WriteFile(filepath.Join(c.dir, name), was, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// readFiles returns the files of a home that outlive a crash.
func readFiles(dir string) map[string][]byte {
	all := make(map[string][]byte)
	list, err := os.ReadDir(dir)
	if err != nil {
		panic(err)
	}
	for _, f := range list {
		if !f.Type().IsRegular() || f.Name() == "lock" || strings.HasSuffix(f.Name(), "-shm") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil && !os.IsNotExist(err) {
			panic(err)
		}
		all[f.Name()] = b
	}
	return all
}
