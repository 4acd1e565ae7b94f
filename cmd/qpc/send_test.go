package main

import (
	"strings"
	"testing"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

func TestTextFromStdin(t *testing.T) {
	for _, tt := range []struct {
		in   string
		exit int
	}{
		{"hello\n", localapi.ExitOK},
		{strings.Repeat("x", localapi.MaxText), localapi.ExitOK},
		{strings.Repeat("x", localapi.MaxText+1), localapi.ExitUsage},
		{strings.Repeat("x", 70_000), localapi.ExitUsage},
		{"", localapi.ExitUsage},
		{"\xff", localapi.ExitUsage},
	} {
		a := &app{&cli.App{Stdin: strings.NewReader(tt.in)}}
		text, err := a.text("-")
		exit := localapi.ExitOK
		if err != nil {
			exit = localapi.AsError(err).Exit
		}
		if exit != tt.exit || exit == localapi.ExitOK && text != tt.in {
			t.Errorf("%d bytes: got %d bytes, %v, want exit %d", len(tt.in), len(text), err, tt.exit)
		}
	}
}
