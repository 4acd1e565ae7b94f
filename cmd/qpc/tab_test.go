package main

import (
	"fmt"
	"regexp"
	"testing"
	"time"
)

// tab presses Tab until a pattern is on the screen: a shell waits for names not long.
func (s *screen) tab(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(2 * time.Minute); ; {
		s.keys("Tab")
		for wait := time.Now().Add(time.Second); time.Now().Before(wait); time.Sleep(20 * time.Millisecond) {
			if re.MatchString(s.text()) {
				return
			}
		}
		if time.Now().After(end) {
			s.t.Fatalf("%q never came:\n%s", pattern, s.text())
		}
	}
}

// TestTab presses Tab in each shell: for a command, and for a name that the shell would
// take for something else if it were not quoted.
func TestTab(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	_, home := annaUp(t)
	qpc(t, "group", "create", "--home", home, "Zoë O'Hara $x")
	for _, shell := range []struct{ name, args, start string }{
		{"bash", "--norc --noprofile -i", "source <(qpc completion bash)"},
		{"zsh", "-f -i", "autoload -U compinit; compinit -u -D; source <(qpc completion zsh)"},
		{"fish", "--no-config -i", "qpc completion fish | source"},
	} {
		t.Run(shell.name, func(t *testing.T) {
			wantProgram(t, shell.name)
			s := openScreen(t, 120, 24, fmt.Sprintf("HOME=%s QPC_HOME=%s PS1='> ' %s %s", t.TempDir(), home, shell.name, shell.args))
			s.await(`[>$#] *$`)
			s.keys(shell.start+"; echo sour''ced", "Enter")
			s.await("^sourced$")
			s.keys("qpc mem")
			s.tab("qpc members ")
			s.keys("Z")
			s.tab(`qpc members Zoë\\ O\\'Hara\\ \\\$x`)
			s.keys("Enter")
			s.await(`^Zoë O'Hara \$x  [0-9a-f]{32}$`)
			s.keys("qpc send --wait st")
			s.tab("--wait stored")
		})
	}
}
