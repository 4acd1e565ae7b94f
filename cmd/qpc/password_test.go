package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPasswordIsNotShown types passwords at a terminal: they never are on it, and what
// is typed after them is, also after a prompt that was broken off.
func TestPasswordIsNotShown(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in a terminal")
	}
	program, err := exec.LookPath("qpc") // where testscript.Main has put it
	if err != nil {
		t.Fatal(err)
	}
	const listen = "/ip4/127.0.0.1/udp/0/quic-v1"
	url := accountRelay(t, listen)
	home := filepath.Join(t.TempDir(), "anna")
	nodeProcess(t, home, "anna", listen)
	s := openScreen(t, 100, 40, fmt.Sprintf("PS1='shell: ' PATH=%s:$PATH QPC_HOME=%s sh", filepath.Dir(program), home))
	const password, other = "velvet-anchor-7141", "copper-lantern-2290"

	asked := make(map[string]int)
	answer := func(prompt string, keys ...string) {
		t.Helper()
		asked[prompt]++
		line := regexp.MustCompile("(?m)^" + prompt + ": *$")
		await(t, func() bool { return len(line.FindAllString(s.text(), -1)) == asked[prompt] })
		s.keys(keys...)
	}
	s.await("^shell: *$")
	s.keys("qpc account register anna --relay "+url, "Enter")
	answer("password", password, "Enter")
	answer("password, again", other, "Enter")
	s.await(`the two are not the same\ntype it again\nshell: *$`) // and the command has ended
	s.keys("echo it is $((3+4))", "Enter")
	s.await(`^shell: echo it is \$`)
	s.await("^it is 7$")

	s.keys("qpc account register anna --relay "+url, "Enter")
	answer("password", password, "C-c")
	s.await(`^qpc: interrupted\n(?:[^\n]*\n)?shell: *$`)
	s.keys("echo it is $((30+4))", "Enter")
	s.await(`^shell: echo it is \$\(\(30`)
	s.await("^it is 34$")

	s.keys("qpc account register anna --relay "+url, "Enter")
	answer("password", password, "Enter")
	answer("password, again", password, "Enter")
	s.await(`^Registered as anna at qpc-relay:[^\n]*\n(?:[^\n]*\n)?shell: *$`)
	s.keys("qpc account password", "Enter")
	answer("password", password, "Enter")
	answer("new password", other, "Enter")
	answer("new password, again", other, "Enter")
	s.await("is changed; other sessions have ended")
	for _, secret := range []string{password, other} {
		if text := s.text(); strings.Contains(text, secret) {
			t.Errorf("the screen shows a password:\n%s", text)
		}
	}
}

// accountRelay runs a relay for those who have an account until the test ends, and
// returns its URL.
func accountRelay(t *testing.T, listen string) (url string) {
	t.Helper()
	cmd := exec.Command("qpc", "relay", "run", "--home", filepath.Join(t.TempDir(), "relay"), "--access", "account", "--listen", listen, "--json")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ URL string }
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil || ready.URL == "" {
		t.Fatalf("the relay says %q: %v", line, err)
	}
	return ready.URL
}
