package integration

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// TestNoRoom lets each command that writes files write to a disk that is full, and to one
// that is read-only: it says which folder's disk that is, and what to do, whether it makes
// a home or a file, and also for a home that is whole.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "disk")
	disk := mountDisk(t, at)
	wrap := []string{"nsenter", "--mount=/proc/" + disk.pid + "/ns/mnt", "--"}
	inside := func(path string) string { return filepath.Join("/proc", disk.pid, "root", path) }
	node := newWrapped(t, wrap, "node", nodeArgs("node", nil)...)
	beside := filepath.Dir(node.home)
	password, kept, relay, keptRelay := filepath.Join(beside, "pw"), filepath.Join(beside, "kept"), filepath.Join(beside, "relay"), filepath.Join(beside, "keptrelay")
	if err := os.WriteFile(password, []byte("a long password"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) error { return node.call(func([]byte) error { return nil }, args...) }
	full, shut := filepath.Join(at, "full"), filepath.Join(at, "shut")
	if err := errors.Join(
		run("send", "node", "a note"),
		run("backup", "create", kept, "--password-file", password),
		run("relay", "init", "--home", relay), run("relay", "backup", keptRelay, "--home", relay),
		os.Mkdir(inside(full), 0o700), os.Mkdir(inside(shut), 0o700),
		run("backup", "restore", kept, "--password-file", password, "--home", filepath.Join(full, "whole")),
		run("backup", "restore", kept, "--password-file", password, "--home", filepath.Join(shut, "whole")),
	); err != nil {
		t.Fatal(err)
	}
	mount := slices.Concat(wrap, []string{"sh", "-c", `mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"`, shut})
	if out, err := exec.Command(mount[0], mount[1:]...).CombinedOutput(); err != nil {
		needs(t, "mount a folder read-only: "+string(out), err)
	}
	fill(t, filepath.Join(inside(full), "ballast"))
	secret := []string{"--password-file", password}
	for _, c := range []struct {
		home bool // what is at the place is a home
		args []string
	}{
		{true, []string{"up", "--lan", "off", "--listen", anyLocalPort}},
		{true, []string{"chat", "--lan", "off", "--listen", anyLocalPort}},
		{true, append([]string{"backup", "restore", kept}, secret...)},
		{true, []string{"relay", "init"}},
		{true, []string{"relay", "run", "--listen", anyLocalPort}},
		{true, []string{"relay", "restore", keptRelay}},
		{false, append([]string{"backup", "create", "FILE"}, secret...)},
		{false, []string{"relay", "backup", "FILE", "--home", relay}},
		{false, []string{"export", "node", "FILE"}},
		{false, []string{"export", "--format", "sqlite", "FILE"}},
	} {
		for dir, words := range map[string]string{full: "the disk is full", shut: "its disk is read-only"} {
			exit, args := localapi.ExitOther, slices.Clone(c.args)
			if i := slices.Index(args, "FILE"); i >= 0 {
				args[i] = filepath.Join(dir, "file")
			}
			if c.home {
				exit, args = localapi.ExitHome, append(args, "--home", filepath.Join(dir, strings.Join(args[:2], "-")))
			}
			wantNoRoom(t, run(args...), args, dir, words, exit)
		}
	}
	for dir, words := range map[string]string{full: "the disk is full", shut: "its disk is read-only"} {
		args := []string{"up", "--lan", "off", "--listen", anyLocalPort, "--home", filepath.Join(dir, "whole")}
		wantNoRoom(t, run(args...), args, dir, words, localapi.ExitHome)
	}
	if err := run("send", "node", "its own disk is another one"); err != nil {
		t.Error(err)
	}
}

// wantNoRoom checks how a command failed for want of a place to write.
func wantNoRoom(t *testing.T, err error, args []string, dir, words string, exit int) {
	t.Helper()
	var e *localapi.Error
	if !errors.As(err, &e) || e.Exit != exit || e.Hint == "" || !strings.Contains(e.Message, words) || !strings.Contains(e.Message, dir) {
		t.Errorf("qpc %s: got %v, want exit %d, a hint, and that of %s %s", strings.Join(args, " "), err, exit, dir, words)
	}
}
