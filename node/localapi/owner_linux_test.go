package localapi

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// TestOthersStayOut opens the socket as another user of the machine, in a directory
// that everybody may look into.
func TestOthersStayOut(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can act as another user")
		}
		t.Skip("only root can act as another user")
	}
	dir := t.TempDir()
	for at := dir; at != os.TempDir() && len(at) > 1; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(dir, "qpc.sock")
	serve(t, socket, &backend{})

	// The files of this thread are opened as nobody from here on; a thread that is
	// not unlocked ends with its goroutine.
	refused := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			refused <- err
			return
		}
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		refused <- err
	}()
	if err := <-refused; !errors.Is(err, fs.ErrPermission) {
		t.Errorf("another user: got %v, want %v", err, fs.ErrPermission)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatalf("the owner: %v", err)
	}
	conn.Close()
}
