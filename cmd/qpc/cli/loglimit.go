package cli

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/time/rate"
)

const (
	// logBurst is how often one message is logged at once, and logRate how
	// often in a second after that.
	logBurst = 30
	logRate  = 0.2
	// logMessages bounds how many messages are told apart. They are constants,
	// so there are far fewer.
	logMessages = 512
)

// limitedHandler keeps a flood of bad peers from flooding the log: of messages
// above debug, each goes through a few times, and then now and then with the
// number of those left out.
type limitedHandler struct {
	slog.Handler
	seen *seenMessages
}

// seenMessages is shared by a handler and those derived from it.
type seenMessages struct {
	mu sync.Mutex // guards m
	m  map[string]*seenMessage
}

type seenMessage struct {
	limit *rate.Limiter
	left  int // out since the last one that went through
}

func limitLog(h slog.Handler) slog.Handler {
	return &limitedHandler{h, &seenMessages{m: make(map[string]*seenMessage)}}
}

// Handle implements slog.Handler.
func (h *limitedHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level <= slog.LevelDebug {
		return h.Handler.Handle(ctx, r)
	}
	left, ok := h.seen.count(r)
	if !ok {
		return nil
	}
	if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("leftout", left))
	}
	return h.Handler.Handle(ctx, r)
}

// count says whether a record goes through, and how many like it did not.
func (s *seenMessages) count(r slog.Record) (left int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.m[r.Message]
	if m == nil {
		if len(s.m) >= logMessages {
			clear(s.m)
		}
		m = &seenMessage{limit: rate.NewLimiter(logRate, logBurst)}
		s.m[r.Message] = m
	}
	if !m.limit.AllowN(r.Time, 1) {
		m.left++
		return 0, false
	}
	left, m.left = m.left, 0
	return left, true
}

// WithAttrs implements slog.Handler.
func (h *limitedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limitedHandler{h.Handler.WithAttrs(attrs), h.seen}
}

// WithGroup implements slog.Handler.
func (h *limitedHandler) WithGroup(name string) slog.Handler {
	return &limitedHandler{h.Handler.WithGroup(name), h.seen}
}
