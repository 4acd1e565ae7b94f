package localapi

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quicnprotochat/node/localapi/socket"
)

func TestLongHome(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	home := filepath.Join(t.TempDir(), strings.Repeat("long/", 60))
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	path := socket.Path(home)
	if _, err := NewClient(path).Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("before: got %v, want exit 3", err)
	}
	if left, _ := os.ReadDir(os.Getenv("XDG_RUNTIME_DIR")); len(left) != 0 {
		t.Errorf("a client without a daemon left %v", left)
	}
	runtime := filepath.Dir(socket.Path(""))
	t.Cleanup(func() { // after the end of the server
		if left, _ := os.ReadDir(runtime); len(left) != 0 {
			t.Errorf("the server left %v", left)
		}
	})
	serve(t, path, &backend{})
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("got %v, %v, want a socket of mode 0600 in the home", info, err)
	}
	// A client with another runtime directory makes its own link.
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if _, err := NewClient(path).Identity(t.Context()); err != nil {
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
			if _, err := NewClient(socket.Path("")).Identity(t.Context()); exitOf(err) != ExitOther {
				t.Errorf("client: got %v, want a refusal", err)
			}
			if l, _, err := socket.Listen(socket.Path("")); err == nil {
				l.Close()
				t.Error("server: listens there")
			}
		})
	}
}

func TestRuntimeDirectoryIsMade(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	c := NewClient(socket.Path(""))
	if _, err := c.Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("before: got %v, want exit 3", err)
	}
	serve(t, socket.Path(""), &backend{})
	info, err := os.Stat(filepath.Dir(socket.Path("")))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want a directory of mode 0700", info, err)
	}
}

func TestStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qpc.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := NewClient(path).Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("client: got %v, want exit 3", err)
	}
	serve(t, path, &backend{})
}

func TestSocketInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qpc.sock")
	c := serve(t, path, &backend{})
	if _, _, err := socket.Listen(path); exitOf(ofSocket(err)) != ExitHome {
		t.Errorf("second server: got %v, want exit 8", err)
	}
	if _, err := c.Identity(t.Context()); err != nil {
		t.Errorf("first server afterwards: %v", err)
	}
}

func TestSocketNameTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qpc.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := socket.Listen(path); exitOf(ofSocket(err)) != ExitHome {
		t.Errorf("got %v, want exit 8", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("the file was touched")
	}
}
