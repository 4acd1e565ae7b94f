package localapi

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketPath(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	if got, want := SocketPath(""), filepath.Join(run, "qpc", "qpc.sock"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := SocketPath("/h"), "/h/qpc.sock"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(run, strings.Repeat("x", 100)))
	if got := SocketPath(""); len(got) > maxSocketPath || strings.HasPrefix(got, run) {
		t.Errorf("runtime directory too long: got %s", got)
	}
}

func TestLongHome(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	home := filepath.Join(t.TempDir(), strings.Repeat("long/", 60))
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	socket := SocketPath(home)
	if _, err := NewClient(socket).Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("before: got %v, want exit 3", err)
	}
	if left, _ := os.ReadDir(os.Getenv("XDG_RUNTIME_DIR")); len(left) != 0 {
		t.Errorf("a client without a daemon left %v", left)
	}
	runtime := runtimeDir()
	t.Cleanup(func() { // after the end of the server
		if left, _ := os.ReadDir(runtime); len(left) != 0 {
			t.Errorf("the server left %v", left)
		}
	})
	serve(t, socket, &backend{})
	info, err := os.Lstat(socket)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("got %v, %v, want a socket of mode 0600 in the home", info, err)
	}
	// A client with another runtime directory makes its own link.
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if _, err := NewClient(socket).Identity(t.Context()); err != nil {
		t.Errorf("from another runtime directory: %v", err)
	}
}

func TestRuntimeDirectoryOfAnother(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	for name, plant := range map[string]func(dir string) error{
		"open to others": func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o770))
		},
		"a link": func(dir string) error { return os.Symlink(t.TempDir(), dir) },
		"a file": func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(run, "qpc")
			if err := plant(dir); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			if _, err := NewClient(SocketPath("")).Identity(t.Context()); exitOf(err) != ExitOther {
				t.Errorf("client: got %v, want a refusal", err)
			}
			if l, _, err := listen(SocketPath("")); err == nil {
				l.Close()
				t.Error("server: listens there")
			}
		})
	}
}

func TestRuntimeDirectoryIsMade(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	c := NewClient(SocketPath(""))
	if _, err := c.Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("before: got %v, want exit 3", err)
	}
	serve(t, SocketPath(""), &backend{})
	info, err := os.Stat(filepath.Dir(SocketPath("")))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want a directory of mode 0700", info, err)
	}
}

func TestStaleSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := NewClient(socket).Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("client: got %v, want exit 3", err)
	}
	serve(t, socket, &backend{})
}

func TestSocketInUse(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	c := serve(t, socket, &backend{})
	if _, _, err := listen(socket); exitOf(err) != ExitHome {
		t.Errorf("second server: got %v, want exit 8", err)
	}
	if _, err := c.Identity(t.Context()); err != nil {
		t.Errorf("first server afterwards: %v", err)
	}
}

func TestSocketNameTaken(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	if err := os.WriteFile(socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := listen(socket); exitOf(err) != ExitHome {
		t.Errorf("got %v, want exit 8", err)
	}
	if b, _ := os.ReadFile(socket); string(b) != "precious" {
		t.Error("the file was touched")
	}
}
