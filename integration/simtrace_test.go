package integration

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// traces is what happened at each machine of a simulation: what was done there,
// what was shown, and what it logged.
type traces struct {
	mu    sync.Mutex
	began time.Time
	all   map[string]*trace
}

func newTraces() *traces { return &traces{began: time.Now(), all: make(map[string]*trace)} }

// of returns the trace of a machine.
func (t *traces) of(name string) *trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all[name] == nil {
		t.all[name] = &trace{t: t}
	}
	return t.all[name]
}

// logger is where a machine logs.
func (t *traces) logger(name string) *slog.Logger { return slog.New(traceHandler{trace: t.of(name)}) }

// write writes all traces, one after the other.
func (t *traces) write(w io.Writer) {
	t.mu.Lock()
	names := make([]string, 0, len(t.all))
	for name := range t.all {
		names = append(names, name)
	}
	t.mu.Unlock()
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "\n--- %s\n%s", name, t.of(name))
	}
}

// contains reports whether anything was logged with that text.
func (t *traces) contains(text string) (where string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, tr := range t.all {
		tr.mu.Lock()
		for _, l := range tr.lines {
			if l.logged && strings.Contains(l.text, text) {
				where = name + ": " + l.text
			}
		}
		tr.mu.Unlock()
	}
	return where
}

// traceMost bounds the lines of a trace; the oldest go.
const traceMost = 20_000

// trace is what happened at one machine.
type trace struct {
	t *traces

	mu    sync.Mutex
	lines []traceLine
}

type traceLine struct {
	at     time.Time
	text   string
	logged bool
}

func (t *trace) printf(format string, args ...any) {
	t.put(traceLine{time.Now(), fmt.Sprintf(format, args...), false})
}

func (t *trace) put(l traceLine) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == traceMost {
		t.lines = slices.Delete(t.lines, 0, traceMost/2)
	}
	t.lines = append(t.lines, l)
}

func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, l := range t.lines {
		mark := "*"
		if l.logged {
			mark = " "
		}
		fmt.Fprintf(&b, "%9.3f s %s %s\n", l.at.Sub(t.t.began).Seconds(), mark, l.text)
	}
	return b.String()
}

// traceHandler keeps a log in a trace.
type traceHandler struct {
	trace *trace
	with  string
}

// Enabled implements slog.Handler.
func (h traceHandler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || *simDebug
}

// Handle implements slog.Handler.
func (h traceHandler) Handle(_ context.Context, r slog.Record) error {
	text := r.Message + h.with
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	h.trace.put(traceLine{time.Now(), text, true})
	return nil
}

// WithAttrs implements slog.Handler.
func (h traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.with += fmt.Sprintf(" %s=%v", a.Key, a.Value)
	}
	return h
}

// WithGroup implements slog.Handler.
func (h traceHandler) WithGroup(string) slog.Handler { return h }
