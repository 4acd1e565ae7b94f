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

// Lines are the last of a log. The zero value is empty.
type Lines struct {
	mu    sync.Mutex // guards the fields below
	lines []localapi.LogLine
	next  int // where the next one goes when there are maxLines of them
	text  bytes.Buffer
}

// Handler also keeps in r what is logged to another handler, on whatever level that does.
func Handler(r *Lines, to slog.Handler) slog.Handler {
	text := slog.NewTextHandler(&r.text, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})
	return &keeping{r, to, text}
}

// keeping is a slog.Handler.
type keeping struct {
	lines    *Lines
	to, text slog.Handler
}

// Enabled implements slog.Handler.
func (k *keeping) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= level || k.to.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (k *keeping) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= level {
		k.lines.keep(ctx, record, k.text)
	}
	if !k.to.Enabled(ctx, record.Level) {
		return nil
	}
	return k.to.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (k *keeping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keeping{k.lines, k.to.WithAttrs(attrs), k.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (k *keeping) WithGroup(name string) slog.Handler {
	return &keeping{k.lines, k.to.WithGroup(name), k.text.WithGroup(name)}
}

func (r *Lines) keep(ctx context.Context, record slog.Record, text slog.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Reset()
	if text.Handle(ctx, record) != nil {
		return
	}
	line := localapi.LogLine{
		Time: localapi.Time{Time: record.Time}, Level: strings.ToLower(record.Level.String()),
		Message: cut(record.Message), Details: cut(strings.TrimSpace(r.text.String())),
	}
	if len(r.lines) < maxLines {
		r.lines = append(r.lines, line)
		return
	}
	r.lines[r.next] = line
	r.next = (r.next + 1) % maxLines
}

func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxLength)], "")
}

// Log implements localapi.Self: the lines kept, oldest first.
func (r *Lines) Log(context.Context) ([]localapi.LogLine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]localapi.LogLine, 0, len(r.lines))
	all = append(all, r.lines[r.next:]...)
	return append(all, r.lines[:r.next]...), nil
}
