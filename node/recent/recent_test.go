package recent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestRecent(t *testing.T) {
	var out bytes.Buffer
	var r Tail
	log := slog.New(Handler(&r, slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})))
	log.Debug("not kept")
	log.With("who", "bob").Info("came in", "n", 1)
	log.WithGroup("g").Warn("strange", "text", "a b")
	log.Error(strings.Repeat("long ", 1000), "more", strings.Repeat("ü", 1000))
	lines, err := r.Log(context.Background())
	if err != nil || len(lines) != 3 {
		t.Fatalf("got %+v, %v", lines, err)
	}
	for i, want := range []string{"info came in who=bob n=1", `warn strange g.text="a b"`} {
		if got := lines[i].Level + " " + lines[i].Message + " " + lines[i].Details; got != want || lines[i].Time.IsZero() {
			t.Errorf("got %q at %v, want %q", got, lines[i].Time, want)
		}
	}
	if n := len(lines[2].Message) + len(lines[2].Details); n > 2*maxLength {
		t.Errorf("a line of %d bytes is kept", n)
	}
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("%d lines were written out, want the error alone", got)
	}
	for i := range maxLines + 10 {
		log.Info(fmt.Sprint(i))
	}
	lines, _ = r.Log(context.Background())
	if len(lines) != maxLines || lines[0].Message != "10" || lines[maxLines-1].Message != fmt.Sprint(maxLines+9) {
		t.Errorf("got %d lines from %s to %s", len(lines), lines[0].Message, lines[len(lines)-1].Message)
	}
}
