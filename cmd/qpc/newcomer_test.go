package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeBlock is the first block of code behind a line of the README, without its
// remarks.
func readmeBlock(t *testing.T, after string) (lines []string) {
	t.Helper()
	_, rest, ok := strings.Cut(readmeText(t), after+"\n\n")
	if !ok {
		t.Fatalf("the README has no line %q", after)
	}
	for _, line := range strings.Split(rest, "\n") {
		line, ok := strings.CutPrefix(line, "    ")
		if !ok {
			break
		}
		line, _, _ = strings.Cut(line, "#")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// TestNewcomer types what the README says, and nothing else: two people with nothing
// but the program, no flags, no files.
func TestNewcomer(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil || !strings.Contains(fmt.Sprint(addrs), ".") || len(addrs) < 2 {
		t.Skipf("this machine has no network: %v, %v", addrs, err)
	}
	program, err := exec.LookPath("qpc") // where testscript.Main has put it
	if err != nil {
		t.Fatal(err)
	}
	story := readmeBlock(t, "On each of two machines on one LAN:")
	if len(story) != 3 || story[2] != "qpc chat qpc:…" {
		t.Fatalf("the README says %q, which is another story", story)
	}
	machine := func(command string) *screen {
		home := t.TempDir()
		return openScreen(t, 100, 50, fmt.Sprintf("HOME=%s XDG_RUNTIME_DIR=%s PATH=%s:$PATH; export HOME XDG_RUNTIME_DIR PATH; unset QPC_HOME XDG_DATA_HOME; %s; sleep 300",
			home, home, filepath.Dir(program), command))
	}
	anna := machine(story[0])
	anna.await("^What shall people call you")
	anna.keys("Anna", "Enter")
	anna.await("^You are Anna, ")
	anna.keys(story[1], "Enter")
	link := anna.link()

	bob := machine(strings.Replace(story[2], "qpc:…", link, 1))
	bob.await("^What shall people call you")
	bob.keys("Bob", "Enter")
	bob.await("^Writing to Anna")
	bob.keys("hello Anna", "Enter")
	anna.await(" Bob: hello Anna$")
	anna.await("^Bob> *$") // now she types
	anna.keys("hello Bob", "Enter")
	bob.await(" Anna: hello Bob$")
	anna.keys("/help", "Enter")
	for _, said := range regexp.MustCompile("`(/[a-z]+)[ `]").FindAllStringSubmatch(readmeText(t), -1) {
		anna.await(`^  ` + said[1] + `\b`)
	}
	anna.keys("/quit", "Enter")
	bob.keys("/quit", "Enter")
}

func readmeText(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
