package socket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	// fileName is how a socket is called.
	fileName = "qpc.sock"
	// freshName is where a socket is bound before it gets its mode and its name.
	// It is as long as fileName.
	freshName = ".qpc.new"
)

// maxPath is the longest path of a unix socket: 107 bytes on Linux.
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// Path returns where the daemon of a home listens. An empty home means
// the XDG one: qpc/qpc.sock under the runtime directory of this user. Nothing is
// created.
func Path(home string) string {
	if home != "" {
		return filepath.Join(home, fileName)
	}
	return filepath.Join(runtimeDir(), fileName)
}

// runtimeDir returns the directory for sockets of this user: $XDG_RUNTIME_DIR/qpc,
// else /run/user/UID/qpc, else qpc-UID in the directory for temporary files. One
// that is too long for a socket in a link below it is passed over.
func runtimeDir() string {
	uid := strconv.Itoa(os.Geteuid())
	bases := []string{os.Getenv("XDG_RUNTIME_DIR"), filepath.Join("/run/user", uid)}
	for _, base := range bases {
		dir := filepath.Join(base, "qpc")
		if filepath.IsAbs(base) && fits(dir) && isDir(base) {
			return dir
		}
	}
	if dir := filepath.Join(os.TempDir(), "qpc-"+uid); fits(dir) {
		return dir
	}
	return filepath.Join("/tmp", "qpc-"+uid)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func fits(runtime string) bool {
	return len(filepath.Join(runtime, linkName(""), fileName)) <= maxPath
}

// linkName returns the name of the short link to a directory.
func linkName(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "h-" + hex.EncodeToString(sum[:8])
}

// privateDir refuses a directory that another user could have put there or
// could change: it must be ours, no symbolic link, and closed to all others.
func privateDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ours(info) {
		return fmt.Errorf("%s %w", dir, ErrNotPrivate)
	}
	return nil
}

// makePrivateDir makes dir, if it is absent, and checks it as privateDir does.
func makePrivateDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make runtime directory: %w", err)
	}
	return privateDir(dir)
}

// shortDir returns a path of dir that is short enough for the sockets in it:
// dir itself, or a link to it under the runtime directory, made if it is absent.
func shortDir(dir string) (string, error) {
	if len(filepath.Join(dir, fileName)) <= maxPath {
		return dir, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolve home: %w", err)
	}
	runtime := runtimeDir()
	if err := makePrivateDir(runtime); err != nil {
		return "", err
	}
	link := filepath.Join(runtime, linkName(abs))
	if target, err := os.Readlink(link); err == nil && target == abs {
		return link, nil
	}
	// Another process of ours may make the same link: the rename lets both win.
	fresh := link + "." + strconv.Itoa(os.Getpid())
	if err := os.Symlink(abs, fresh); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make short link: %w", err)
	}
	if err := os.Rename(fresh, link); err != nil {
		return "", fmt.Errorf("make short link: %w", err)
	}
	return link, nil
}

// Listen makes the socket at path, 0600 from its first moment under that name.
// A socket that nobody answers is replaced. The function that it returns removes
// the socket and the short link, and belongs after the end of the listener.
func Listen(path string) (l *net.UnixListener, remove func(), err error) {
	dir := filepath.Dir(path)
	if dir == runtimeDir() {
		if err := makePrivateDir(dir); err != nil {
			return nil, nil, err
		}
	}
	if err := vacant(path); err != nil {
		return nil, nil, err
	}
	short, err := shortDir(dir)
	if err != nil {
		return nil, nil, err
	}
	if l, err = bind(short, filepath.Base(path)); err != nil {
		return nil, nil, fmt.Errorf("make socket: %w", err)
	}
	ours, _ := os.Lstat(path)
	return l, func() {
		if now, _ := os.Lstat(path); ours != nil && now != nil && os.SameFile(ours, now) {
			os.Remove(path)
		}
		if short != dir {
			os.Remove(short)
		}
	}, nil
}

// bind makes a socket in a directory whose path is short enough.
func bind(short, name string) (*net.UnixListener, error) {
	fresh := filepath.Join(short, freshName)
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(fresh, 0o600); err == nil {
		err = os.Rename(fresh, filepath.Join(short, name))
	}
	if err != nil {
		l.Close()
		os.Remove(fresh)
		return nil, err
	}
	return l, nil
}

// vacant refuses a path where a daemon answers or where something that is no
// socket lies.
func vacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s %w", path, ErrInTheWay)
	}
	conn, err := Dial(context.Background(), path)
	if err == nil {
		conn.Close()
	} else if errors.Is(err, ErrNobody) {
		return nil
	}
	return fmt.Errorf("%w at %s", ErrTaken, path)
}

// Dial connects to the daemon at path. Nothing is created when none is there.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	dir := filepath.Dir(path)
	if dir == runtimeDir() {
		if err := privateDir(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, ErrNobody
		} else if err != nil {
			return nil, err
		}
	}
	if _, err := os.Lstat(path); err != nil {
		return nil, dialError(path, err)
	}
	short, err := shortDir(dir)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(short, filepath.Base(path)))
	if err != nil {
		return nil, dialError(path, err)
	}
	return conn, nil
}

func dialError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR),
		errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENAMETOOLONG),
		errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTSOCK):
		return ErrNobody
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w to open %s", ErrPermission, path)
	default:
		return fmt.Errorf("connect to the daemon: %w", err)
	}
}
