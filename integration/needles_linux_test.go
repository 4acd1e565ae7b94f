package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"testing"
)

// readMemory reads all of the memory of a process that may be read (proc_pid_maps(5),
// proc_pid_mem(5)), in pieces that overlap, and gives each with the area that it is of.
func readMemory(t *testing.T, pid int, each func(area string, content []byte)) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	const piece, overlap = 4 << 20, 1 << 10 // what is looked for may lie across two pieces
	read, buf := 0, make([]byte, piece+overlap)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || mode[0] != 'r' {
			continue
		}
		for at := from; at < to; at += piece {
			n, _ := mem.ReadAt(buf[:min(piece+overlap, to-at)], at) // some areas of the kernel's cannot be read
			read += n
			each(lines.Text(), buf[:n])
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of the memory could be read", read)
	}
}

// needles are what is searched for, all in one pass over much memory.
type needles struct {
	all   map[string][]byte
	begin [1 << 16]bool // the first two bytes of one of them
}

func newNeedles(all map[string][]byte) *needles {
	n := &needles{all: all}
	for _, needle := range all {
		n.begin[int(needle[0])<<8|int(needle[1])] = true
	}
	return n
}

// in returns which of them are in content.
func (n *needles) in(content []byte) map[string]bool {
	found := make(map[string]bool)
	last := 0
	for i, b := range content {
		at := last<<8 | int(b)
		last = int(b)
		if !n.begin[at] || i == 0 {
			continue
		}
		for what, needle := range n.all {
			if bytes.HasPrefix(content[i-1:], needle) {
				found[what] = true
			}
		}
	}
	return found
}
