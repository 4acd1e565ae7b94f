package gate

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
)

// Words keeps why the library ended a connection: it logs that, and does not return
// it. It is the logger of the library's connection.
type Words struct {
	gate *Gate
	log  *slog.Logger
	said atomic.Pointer[string] // the last error while the stream was open
}

// NewWords returns the Words of the connection on g, which go to log as well, at
// level debug.
func NewWords(g *Gate, log *slog.Logger) *Words { return &Words{gate: g, log: log} }

// Reason is why the library ended the connection.
func (w *Words) Reason() error {
	if text := w.said.Load(); text != nil {
		return errors.New(CleanText(*text))
	}
	return errors.New("protocol error")
}

// Debug implements the library's logger.
func (w *Words) Debug(string, ...any) {}

// Info implements the library's logger.
func (w *Words) Info(string, ...any) {}

// Warn implements the library's logger.
func (w *Words) Warn(string, ...any) {}

// Error implements the library's logger.
func (w *Words) Error(text string, _ ...any) {
	if strings.HasSuffix(text, ErrKeep.Error()) {
		return
	}
	switch {
	case w.gate.Closed():
	case strings.HasSuffix(text, "connection closed"):
		w.said.CompareAndSwap(nil, &text) // what comes of the reason, and may come after it
	default:
		w.said.Store(&text)
	}
	if w.log.Enabled(context.Background(), slog.LevelDebug) {
		w.log.Debug("rpc library", "err", CleanText(text))
	}
}
