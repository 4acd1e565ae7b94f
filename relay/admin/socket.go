package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

const (
	socketName = "relay.sock"
	// freshName is where a socket is bound before it gets its mode and its name.
	freshName = ".relay.new"
	// maxSocketPath is the longest path of a unix socket: 107 bytes on Linux.
	maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1
)

// withShortPath calls do with a path of dir at which sockets can be bound and
// dialled: dir itself, or a link that lasts as long as do.
func withShortPath(dir string, do func(dir string) error) error {
	if len(filepath.Join(dir, socketName)) <= maxSocketPath {
		return do(dir)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	private, err := os.MkdirTemp("", "qpc-")
	if err == nil && len(filepath.Join(private, "h", socketName)) > maxSocketPath {
		err = os.Remove(private)
		if err == nil {
			private, err = os.MkdirTemp("/tmp", "qpc-")
		}
	}
	if err != nil {
		return fmt.Errorf("make short link: %w", err)
	}
	defer os.RemoveAll(private)
	link := filepath.Join(private, "h")
	if err := os.Symlink(abs, link); err != nil {
		return fmt.Errorf("make short link: %w", err)
	}
	return do(link)
}

// listen makes the socket of a home, 0600 from its first moment under that name.
// The caller holds the lock of the home, so a socket that is there is left from
// before. remove belongs after the end of the listener.
func listen(dir string) (l *net.UnixListener, remove func(), err error) {
	path := filepath.Join(dir, socketName)
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, nil, fmt.Errorf("%s is in the way and no socket", path)
	}
	err = withShortPath(dir, func(short string) error {
		l, err = bind(short)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("make socket: %w", err)
	}
	ours, _ := os.Lstat(path)
	return l, func() {
		if now, _ := os.Lstat(path); ours != nil && now != nil && os.SameFile(ours, now) {
			os.Remove(path)
		}
	}, nil
}

func bind(dir string) (*net.UnixListener, error) {
	fresh := filepath.Join(dir, freshName)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(fresh, 0o600); err == nil {
		err = os.Rename(fresh, filepath.Join(dir, socketName))
	}
	if err != nil {
		l.Close()
		os.Remove(fresh)
		return nil, err
	}
	return l, nil
}

// dial connects to the relay that runs on a home.
func dial(ctx context.Context, dir string) (conn net.Conn, err error) {
	err = withShortPath(dir, func(short string) error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", filepath.Join(short, socketName))
		return err
	})
	return conn, err
}

// nobody reports whether an error of dial means that no relay runs there.
func nobody(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ECONNREFUSED)
}
