package mls

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// TestWipedFromMemory: of the secrets that lead to an epoch nothing is left in the
// memory of the process once all are in it, garbage included (RFC 9420, §9.2). What is
// found by chance, on a stack that was moved or in registers that were saved, is not
// found each time.
func TestWipedFromMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // garbage stays where it is
	left := leftInMemory(t)
	for range 4 {
		if len(left) == 0 {
			return
		}
		again := leftInMemory(t)
		maps.DeleteFunc(left, func(name string, _ bool) bool { return !again[name] })
	}
	for name := range left {
		t.Errorf("the %s is still in memory", name)
	}
}

// leftInMemory lets all enter an epoch and returns which secrets are left. It looks
// for their complements, so as not to find itself.
func leftInMemory(t *testing.T) map[string]bool {
	t.Helper()
	e := newEntering(t, func(secret []byte) []byte {
		for i := range secret {
			secret[i] ^= 0xff
		}
		return secret
	})
	for _, its := range []string{"init secret of the epoch before", "key of anna's old leaf", "init key of cleo"} {
		delete(e.gone, its) // their owner has them for as long as it likes
	}
	maps.DeleteFunc(e.gone, func(name string, _ []byte) bool {
		return strings.HasPrefix(name, "node secret") // crypto/hpke leaves copies of what it derives keys from
	})
	const control = "control"
	e.gone[control] = bytes.Clone(e.all[0].epoch.secrets.exporter)
	for i := range e.gone[control] {
		e.gone[control][i] ^= 0xff
	}
	found := inMemory(t, e.gone)
	if !found[control] {
		t.Fatal("the exporter secret was not found: nothing was looked at")
	}
	delete(found, control)
	runtime.KeepAlive(e)
	return found
}

// inMemory reads what this process may write (proc_pid_maps(5)) and returns the names
// of what is in it, given as complements.
func inMemory(t *testing.T, complements map[string][]byte) map[string]bool {
	t.Helper()
	var begin [1 << 16][]string
	for name, c := range complements {
		at := int(^c[0])<<8 | int(^c[1])
		begin[at] = append(begin[at], name)
	}
	maps, err := os.Open("/proc/self/maps")
	must(t, err)
	defer maps.Close()
	mem, err := os.Open("/proc/self/mem")
	must(t, err)
	defer mem.Close()
	found := make(map[string]bool)
	const piece, overlap = 1 << 20, 1 << 8
	buf := make([]byte, piece+overlap)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || mode[:2] != "rw" {
			continue
		}
		for at := from; at < to; at += piece {
			n, _ := mem.ReadAt(buf[:min(piece+overlap, to-at)], at) // some areas cannot be read
			for i := 0; i+1 < n; i++ {
				for _, name := range begin[int(buf[i])<<8|int(buf[i+1])] {
					if c := complements[name]; i+len(c) <= n && isComplement(buf[i:], c) {
						found[name] = true
					}
				}
			}
		}
	}
	return found
}

func isComplement(b, c []byte) bool {
	for i, v := range c {
		if b[i] != ^v {
			return false
		}
	}
	return true
}
