package integration

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
	"quicnprotochat/transport"
)

// memoryHas reports which of some texts are in the memory of a process.
func memoryHas(t *testing.T, pid int, texts ...string) (found []string) {
	t.Helper()
	all := make(map[string][]byte)
	for _, text := range texts {
		all[text] = []byte(text)
	}
	names, seen := newNeedles(all), make(map[string]bool)
	readMemory(t, pid, func(area string, content []byte) {
		for text := range names.in(content) {
			if !seen[text] {
				seen[text] = true
				found = append(found, fmt.Sprintf("%q in %s", text, area))
			}
		}
	})
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
	// The text of the identity may be gone; the key itself is held.
	key, err := transport.ParseKey(anna.line().Identity)
	if err != nil {
		t.Fatal(err)
	}
	if found := memoryHas(t, anna.pid(), string(key[:])); len(found) != 1 {
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
