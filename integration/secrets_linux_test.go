package integration

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
)

// memoryHas reports which of some texts are in the memory of a process that may be
// read (proc_pid_maps(5), proc_pid_mem(5)).
func memoryHas(t *testing.T, pid int, texts ...string) (found []string) {
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
	read := 0
	seen := make(map[string]bool)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || mode[0] != 'r' {
			continue
		}
		const piece, overlap = 8 << 20, 1 << 10 // a text may lie across two pieces
		for at := from; at < to; at += piece - overlap {
			b := make([]byte, min(piece, to-at))
			n, _ := mem.ReadAt(b, at) // some areas of the kernel's cannot be read
			read += n
			for _, text := range texts {
				if !seen[text] && bytes.Contains(b[:n], []byte(text)) {
					seen[text] = true
					found = append(found, fmt.Sprintf("%q in %s", text, lines.Text()))
				}
			}
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of the memory could be read", read)
	}
	return found
}

// pid is the id of the process.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run.cmd.Process.Pid
}

// spellings are the ways in which a secret may be written down.
func spellings(secret string) []string {
	return []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
}

// TestPasswordIsGone looks for the state password in the memory of the node that was
// given it, and for that and the password of an account in all files of its home.
// The latter the library for OPAQUE copies in memory, where nobody can wipe it.
func TestPasswordIsGone(t *testing.T) {
	const state, account = "velvet anchor 7141", "copper lantern 2290"
	dir := t.TempDir()
	stateFile, accountFile := filepath.Join(dir, "state"), filepath.Join(dir, "account")
	for path, text := range map[string]string{stateFile: state, accountFile: account} {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	relay := newProcess(t, "relay", append(relayArgs(), "--access", "account")...)
	args := append(nodeArgs("anna", relay), "--state-password-file", stateFile)
	anna := newProcess(t, "anna", args...)
	err := anna.call(func([]byte) error { return nil }, "account", "register", "anna", "--password-file", accountFile)
	if err == nil {
		err = anna.call(func([]byte) error { return nil }, "account", "logout")
	}
	if err == nil {
		err = anna.call(func([]byte) error { return nil }, "account", "login", "anna", "--password-file", accountFile)
	}
	if err != nil {
		t.Fatal(err)
	}
	// What is there by right is found: so a password would be.
	if found := memoryHas(t, anna.pid(), anna.line().Identity); len(found) != 1 {
		t.Errorf("the identity is not found in the memory of its node")
	}
	secrets := append(spellings(state), spellings(account)...)
	for _, found := range memoryHas(t, anna.pid(), spellings(state)...) {
		t.Errorf("in the memory of the node: %s", found)
	}
	err = filepath.WalkDir(anna.home, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%q is in %s", secret, path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// The home is really locked.
	anna.kill()
	anna.args = nodeArgs("anna", relay)
	if err := anna.start(); err == nil || !strings.Contains(anna.lastWords(), fmt.Sprintf(`"exit":%d`, localapi.ExitUsage)) {
		t.Errorf("it starts without the password: %v", err)
	}
}
