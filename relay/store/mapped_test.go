package store

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// fileMemory is how much of the process's memory is mapped from files.
func fileMemory(t *testing.T) int64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	text, _, _ := strings.Cut(rest, "kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// TestMappedMemory reads more than may stay mapped: it is all there, and the
// process does not grow by the size of the file.
func TestMappedMemory(t *testing.T) {
	const inboxes, each = 24, 5 << 20
	s := start(t, Config{})
	payload := bytes.Repeat([]byte("x"), each)
	for i := range byte(inboxes) {
		if _, err := s.Append(t.Context(), Depositor{}, []Inbox{box(i)}, payload); err != nil {
			t.Fatal(err)
		}
	}
	before, most := fileMemory(t), int64(0)
	for i := range byte(inboxes) {
		size, err := s.Measure(t.Context(), box(i), 0, 0, 1)
		if err != nil || size < each || size > each+64 {
			t.Errorf("measured %d, %v", size, err)
		}
		got, err := s.Peek(t.Context(), box(i), 0, 0, size)
		if err != nil || len(got) != 1 || !bytes.Equal(got[0].Data, payload) {
			t.Fatalf("inbox %d: got %d payloads, %v", i, len(got), err)
		}
		most = max(most, fileMemory(t))
	}
	if grown := most - before; grown > 16<<20+4*each {
		t.Errorf("the process grew by %d MiB of mapped file", grown>>20)
	}
}

func TestMeasure(t *testing.T) {
	s := start(t, Config{})
	for _, text := range []string{"a", "bb", "ccc"} {
		put(t, s, box(1), text)
	}
	for _, tt := range []struct {
		after            uint64
		limit, max, want int
	}{
		{0, 0, 1000, 3 * 32}, {0, 2, 1000, 2 * 32}, {0, 0, 1, 32}, {0, 0, 2*32 + 31, 2 * 32}, {2, 0, 1000, 32}, {3, 0, 1000, 0}, {1<<64 - 1, 0, 1000, 0},
	} {
		if got, err := s.Measure(t.Context(), box(1), tt.after, tt.limit, tt.max); err != nil || got != tt.want {
			t.Errorf("after %d, limit %d, at most %d bytes: got %d, %v, want %d", tt.after, tt.limit, tt.max, got, err, tt.want)
		}
	}
	if got, err := s.Measure(t.Context(), box(2), 0, 0, 1000); err != nil || got != 0 {
		t.Errorf("no inbox: got %d, %v", got, err)
	}
}
