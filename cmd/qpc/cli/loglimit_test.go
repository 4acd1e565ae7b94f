package cli

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLimitLog(t *testing.T) {
	var out bytes.Buffer
	h := limitLog(logHandler(&out, false, &slog.HandlerOptions{Level: slog.LevelDebug}))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	say := func(h slog.Handler, level slog.Level, text string) {
		t.Helper()
		if err := h.Handle(context.Background(), slog.NewRecord(at, level, text, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		say(h.WithAttrs([]slog.Attr{slog.String("peer", "p")}), slog.LevelWarn, "bad peer")
	}
	say(h.WithGroup("g"), slog.LevelError, "something else")
	if got := strings.Count(out.String(), "bad peer"); got != logBurst {
		t.Errorf("%d lines of 1000, want %d", got, logBurst)
	}
	if !strings.Contains(out.String(), "something else") {
		t.Error("one message keeps another from the log")
	}
	at = at.Add(time.Hour)
	say(h, slog.LevelWarn, "bad peer")
	if !strings.Contains(out.String(), "leftout=970") {
		t.Errorf("the log does not say how many are left out: %s", out.String())
	}
	out.Reset()
	for range 100 {
		say(h, slog.LevelDebug, "who asks for this gets it")
	}
	if got := strings.Count(out.String(), "\n"); got != 100 {
		t.Errorf("%d lines of 100", got)
	}
	for i := range 10 * logMessages {
		say(h, slog.LevelWarn, strings.Repeat("x", i))
	}
	if got := len(h.(*limitedHandler).seen.m); got > logMessages {
		t.Errorf("%d messages are remembered", got)
	}
}
