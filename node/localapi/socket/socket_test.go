package socket

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	if got, want := Path(""), filepath.Join(run, "qpc", "qpc.sock"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := Path("/h"), "/h/qpc.sock"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(run, strings.Repeat("x", 100)))
	if got := Path(""); len(got) > maxPath || strings.HasPrefix(got, run) {
		t.Errorf("runtime directory too long: got %s", got)
	}
}
