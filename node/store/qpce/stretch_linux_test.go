package qpce

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// stretched is where a password lies that the caller wipes: not on the stack, which Go
// copies as it likes.
var stretched []byte

// TestLeavesNoPassword looks for wiped passwords in the memory of this process. Each
// consists of a random half and its complement, so that the test need not keep it.
func TestLeavesNoPassword(t *testing.T) {
	halves := make([][]byte, 20)
	for i := range halves {
		halves[i] = make([]byte, 9)
		rand.Read(halves[i])
		stretched = append(make([]byte, 0, 18), halves[i]...)
		stretched = append(stretched, complement(halves[i])...)
		sealed, err := Seal(stretched, []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(stretched, sealed); err != nil {
			t.Fatal(err)
		}
		if i == 0 && !inMemory(t, halves[0]) {
			t.Error("a password that is there is not found")
		}
		clear(stretched)
	}
	runtime.GC() // what is freed stays readable
	for _, half := range halves {
		if inMemory(t, half) {
			t.Error("a wiped password is in memory")
		}
	}
}

func complement(b []byte) []byte {
	c := make([]byte, len(b))
	for i := range b {
		c[i] = ^b[i]
	}
	return c
}

// memoryPiece is what inMemory has read of the memory; one place, not many copies of it.
var memoryPiece = make([]byte, 1<<20)

// inMemory reports whether half with its complement behind it is in the memory that
// this process can write.
func inMemory(t *testing.T, half []byte) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	read := 0
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") {
			continue
		}
		for at := from; at < to; at += int64(len(memoryPiece)) {
			clear(memoryPiece)
			n, _ := mem.ReadAt(memoryPiece[:min(int64(len(memoryPiece)), to-at)], at)
			read += n
			if follows(memoryPiece[:n], half) {
				return true
			}
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of the memory could be read", read)
	}
	return false
}

// follows reports whether somewhere in b half is followed by its complement.
func follows(b, half []byte) bool {
	other := complement(half)
	for {
		_, rest, found := bytes.Cut(b, half)
		if !found || bytes.HasPrefix(rest, other) {
			return found
		}
		b = rest
	}
}
