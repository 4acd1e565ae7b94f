package main

import (
	"os/exec"
	"strings"
	"testing"

	"quicnprotochat/cmd/qpc/cli"
)

// TestManPage formats the manual page, if there is a program for it.
func TestManPage(t *testing.T) {
	page := manPage((&app{&cli.App{}}).root())
	if got := roffLine(`.x \ -`); got != `\&.x \e \-` {
		t.Errorf("got %q", got)
	}
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("groff", "-man", "-Tascii", "-ww")
	cmd.Stdin = strings.NewReader(page)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("groff: %v: %s", err, complaints.String())
	}
	for _, want := range []string{"home in use, locked", "/switch [CONVERSATION]"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}
