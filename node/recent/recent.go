package recent

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"

	"quicnprotochat/node/localapi"
)

const (
	maxLines  = 1000
	maxLength = 1000 // bytes of a message, and of its attributes
	level     = slog.LevelInfo
)

// Tail is the end of a log. The zero value is empty.
type Tail struct {
	mu    sync.Mutex // guards the fields below
	lines []localapi.LogLine
	next  int // where the next one goes when there are maxLines of them
	text  bytes.Buffer
}

// Handler also keeps in t what is logged to another handler, on whatever level that does.
func Handler(t *Tail, to slog.Handler) slog.Handler {
	text := slog.NewTextHandler(&t.text, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})
	return &keeping{t, to, text}
}

// keeping is a slog.Handler.
type keeping struct {
	tail     *Tail
	to, text slog.Handler
}

// Enabled implements slog.Handler.
func (k *keeping) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= level || k.to.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (k *keeping) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= level {
		k.tail.keep(ctx, record, k.text)
	}
	if !k.to.Enabled(ctx, record.Level) {
		return nil
	}
	return k.to.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (k *keeping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keeping{k.tail, k.to.WithAttrs(attrs), k.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (k *keeping) WithGroup(name string) slog.Handler {
	return &keeping{k.tail, k.to.WithGroup(name), k.text.WithGroup(name)}
}

func (t *Tail) keep(ctx context.Context, record slog.Record, text slog.Handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Reset()
	if text.Handle(ctx, record) != nil {
		return
	}
	line := localapi.LogLine{
		Time: localapi.Time{Time: record.Time}, Level: strings.ToLower(record.Level.String()),
		Message: cut(record.Message), Details: cut(strings.TrimSpace(t.text.String())),
	}
	if len(t.lines) < maxLines {
		t.lines = append(t.lines, line)
		return
	}
	t.lines[t.next] = line
	t.next = (t.next + 1) % maxLines
}

func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxLength)], "")
}

// Log implements localapi.Self: the lines kept, oldest first.
func (t *Tail) Log(context.Context) ([]localapi.LogLine, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]localapi.LogLine, 0, len(t.lines))
	all = append(all, t.lines[t.next:]...)
	return append(all, t.lines[:t.next]...), nil
}
