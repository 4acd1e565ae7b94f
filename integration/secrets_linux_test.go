package integration

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// hasNone looks for secrets in the memory of a process and in all files of its home.
func hasNone(t *testing.T, p *process, secrets []string) {
	t.Helper()
	// What is there by right is found: so a secret would be. The text of the identity
	// may be gone; the key itself is held.
	key, err := transport.ParseKey(p.line().Identity)
	if err != nil {
		t.Fatal(err)
	}
	if found := memoryHas(t, p.pid(), string(key[:])); len(found) != 1 {
		t.Errorf("the identity of %s is not found in its memory", p.name)
	}
	for _, found := range memoryHas(t, p.pid(), secrets...) {
		t.Errorf("in the memory of %s: %s", p.name, found)
	}
	err = filepath.WalkDir(p.home, func(path string, e fs.DirEntry, err error) error {
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
}

// TestPasswordIsGone looks for the state password and the passwords of an account in
// the memory of the node that runs meanwhile, and of the relay that has the account, and
// in all files of their homes. Those of the account stay in the commands that ask for
// them, of which nothing is left.
func TestPasswordIsGone(t *testing.T) {
	const state, account, next = "velvet anchor 7141", "copper lantern 2290", "amber staircase 5508"
	dir := t.TempDir()
	stateFile, accountFile, nextFile := filepath.Join(dir, "state"), filepath.Join(dir, "account"), filepath.Join(dir, "next")
	for path, text := range map[string]string{stateFile: state, accountFile: account, nextFile: next} {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	relay := newProcess(t, "relay", append(relayArgs(), "--access", "account")...)
	args := append(nodeArgs("anna", relay), "--state-password-file", stateFile)
	anna := newProcess(t, "anna", args...)
	for _, args := range [][]string{
		{"register", "anna", "--password-file", accountFile},
		{"logout"},
		{"login", "anna", "--password-file", accountFile},
		{"password", "--password-file", accountFile, "--new-password-file", nextFile},
		{"login", "--password-file", nextFile},
	} {
		if err := anna.call(func([]byte) error { return nil }, append([]string{"account"}, args...)...); err != nil {
			t.Fatalf("account %v: %v", args, err)
		}
	}
	secrets := slices.Concat(spellings(state), spellings(account), spellings(next))
	for _, p := range []*process{anna, relay} {
		hasNone(t, p, secrets)
	}
	// The home is really locked.
	anna.kill()
	anna.args = nodeArgs("anna", relay)
	if err := anna.start(); err == nil || !strings.Contains(anna.lastWords(), fmt.Sprintf(`"exit":%d`, localapi.ExitUsage)) {
		t.Errorf("it starts without the password: %v", err)
	}
}
