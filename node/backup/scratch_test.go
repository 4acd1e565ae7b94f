package backup

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"quicnprotochat/node/store"
	"quicnprotochat/node/store/home"
)

// made makes a directory with files in it, beside a backup.
func made(t *testing.T, mode os.FileMode, path string, files ...string) string {
	t.Helper()
	if err := os.Mkdir(path, mode); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func isThere(t *testing.T, path string, want bool) {
	t.Helper()
	if there, err := home.Present(path); err != nil || there != want {
		t.Errorf("%s: got %v, %v, want %v", filepath.Base(path), there, err, want)
	}
}

// TestScratchOfTheDead clears away what killed processes left, and nothing else.
func TestScratchOfTheDead(t *testing.T) {
	path := create(t, closed(t))
	in := filepath.Dir(path)
	name := func(end string) string { return filepath.Join(in, scratchName+end) }
	dead := made(t, 0o700, name("dead"), home.LockFile, "snapshot.db")
	empty := made(t, 0o700, name("empty"))
	live, err := openScratch(in)
	if err != nil {
		t.Fatal(err)
	}
	isThere(t, dead, false)
	isThere(t, empty, false)
	stay := []string{
		live.dir, made(t, 0o755, name("open"), home.LockFile), made(t, 0o700, name("other"), "letter"),
		made(t, 0o700, filepath.Join(in, ".qpc-other"), home.LockFile),
	}
	if runtime.GOOS == "windows" {
		stay = append(stay[:1], stay[2:]...)
	}
	if _, err := Verify(path, password()); err != nil {
		t.Fatal(err)
	}
	for _, dir := range stay {
		isThere(t, dir, true)
	}
	if err := live.close(); err != nil {
		t.Error(err)
	}
	isThere(t, live.dir, false)
}

// TestCreateLeavesOthersAlone: names like that of the backup are not ours.
func TestCreateLeavesOthersAlone(t *testing.T) {
	s, dir := closed(t), t.TempDir()
	for _, name := range []string{"node.db", "node.part", "node.db.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Create(t.Context(), s, filepath.Join(dir, "node"), password()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"node.db", "node.part", "node.db.tmp"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != text {
			t.Errorf("%s is %q, %v", name, b, err)
		}
	}
}

// TestScratchHomeIsLocked: what is left when a process is killed while it verifies a
// backup opens for nobody.
func TestScratchHomeIsLocked(t *testing.T) {
	path, dir := create(t, closed(t)), filepath.Join(t.TempDir(), "home")
	if _, err := verify(path, password(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(store.Config{Dir: dir}); !errors.Is(err, home.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
}

// TestRestoreAgain restores where a restore was killed: what it left is cleared away, by
// the next one and by a start.
func TestRestoreAgain(t *testing.T) {
	path := create(t, closed(t))
	for _, again := range []func(store.Config) error{
		func(cfg store.Config) error { return Restore(path, password(), cfg) },
		func(cfg store.Config) error {
			s, err := store.Open(cfg)
			if err == nil {
				err = s.Close()
			}
			return err
		},
	} {
		dir := made(t, 0o700, filepath.Join(t.TempDir(), "home"), home.SnapshotFile, home.SnapshotFile+"-journal", home.NextFile)
		lock, err := home.Lock(filepath.Join(dir, home.LockFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := again(store.Config{Dir: dir}); !errors.Is(err, home.ErrInUse) {
			t.Errorf("beside a restore that runs: got %v, want ErrInUse", err)
		}
		isThere(t, filepath.Join(dir, home.SnapshotFile), true)
		if err := errors.Join(lock.Close(), again(store.Config{Dir: dir})); err != nil {
			t.Error(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 3 {
			t.Errorf("in the home: %v, %v, want lock, key and database", entries, err)
		}
	}
}

// TestRestoreNeedsNoRoomBeside: a backup may lie where nothing can be written.
func TestRestoreNeedsNoRoomBeside(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no such place")
	}
	f, err := os.Open(create(t, closed(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	path := filepath.Join("/proc/self/fd", strconv.Itoa(int(f.Fd())))
	if err := Restore(path, password(), store.Config{Dir: filepath.Join(t.TempDir(), "home")}); err != nil {
		t.Error(err)
	}
}
