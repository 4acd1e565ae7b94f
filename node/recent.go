package node

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"

	"quicnprotochat/node/localapi"
)

const (
	// recentLines is how many lines of the log are kept in memory, and recentLength
	// how many bytes of each.
	recentLines  = 1000
	recentLength = 1000
	recentLevel  = slog.LevelInfo
)

// recent keeps the end of the log, for those who did not look at it in time.
type recent struct {
	mu    sync.Mutex // guards the fields below
	lines []localapi.LogLine
	next  int // where the next one goes when there are recentLines of them
	text  bytes.Buffer
}

// handler also keeps what is logged to another handler, on whatever level that does.
func (r *recent) handler(to slog.Handler) slog.Handler {
	text := slog.NewTextHandler(&r.text, &slog.HandlerOptions{
		Level: recentLevel,
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
	recent   *recent
	to, text slog.Handler
}

// Enabled implements slog.Handler.
func (k *keeping) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= recentLevel || k.to.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (k *keeping) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= recentLevel {
		k.recent.keep(ctx, record, k.text)
	}
	if !k.to.Enabled(ctx, record.Level) {
		return nil
	}
	return k.to.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (k *keeping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keeping{k.recent, k.to.WithAttrs(attrs), k.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (k *keeping) WithGroup(name string) slog.Handler {
	return &keeping{k.recent, k.to.WithGroup(name), k.text.WithGroup(name)}
}

func (r *recent) keep(ctx context.Context, record slog.Record, text slog.Handler) {
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
	if len(r.lines) < recentLines {
		r.lines = append(r.lines, line)
		return
	}
	r.lines[r.next] = line
	r.next = (r.next + 1) % recentLines
}

func cut(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), recentLength)], "")
}

// Log implements localapi.Self: the lines kept, oldest first.
func (r *recent) Log(context.Context) ([]localapi.LogLine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]localapi.LogLine, 0, len(r.lines))
	all = append(all, r.lines[r.next:]...)
	return append(all, r.lines[:r.next]...), nil
}
