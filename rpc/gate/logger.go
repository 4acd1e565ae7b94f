package gate

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
)

// Logger keeps why the library ended a connection: it logs that, and does not return
// it. It is the logger of the library's connection.
type Logger struct {
	gate *Gate
	log  *slog.Logger
	said atomic.Pointer[string] // the last error while the stream was open
}

// NewLogger returns the Logger of the connection on g. What it is told goes to log as well, at
// level debug.
func NewLogger(g *Gate, log *slog.Logger) *Logger { return &Logger{gate: g, log: log} }

// Reason is why the library ended the connection.
func (l *Logger) Reason() error {
	if text := l.said.Load(); text != nil {
		return errors.New(CleanText(*text))
	}
	return errors.New("protocol error")
}

// Debug implements the library's logger.
func (l *Logger) Debug(string, ...any) {}

// Info implements the library's logger.
func (l *Logger) Info(string, ...any) {}

// Warn implements the library's logger.
func (l *Logger) Warn(string, ...any) {}

// Error implements the library's logger.
func (l *Logger) Error(text string, _ ...any) {
	if strings.HasSuffix(text, ErrKeep.Error()) {
		return
	}
	switch {
	case l.gate.closedHere():
	case strings.HasSuffix(text, "connection closed"):
		l.said.CompareAndSwap(nil, &text) // what comes of the reason, and may come after it
	default:
		l.said.Store(&text)
	}
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("rpc library", "err", CleanText(text))
	}
}
