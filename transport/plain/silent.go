package plain

import (
	"log/slog"
	"slices"
	"sync"

	"github.com/quic-go/quic-go"

	"quicnprotochat/transport/tally"
)

// silent are the connections on which nothing came on any stream yet. Whoever means it
// speaks at once; a crowd that is gone after its handshake, or waits, would take memory
// until each is given up.
type silent struct {
	most int
	cut  *tally.Tally

	// mu guards conns.
	mu    sync.Mutex
	conns []*quic.Conn // the oldest first
}

// newSilent returns none. When it is over its cut is to be closed.
func newSilent(most int, log *slog.Logger) *silent {
	return &silent{most: most, cut: tally.New(func(count int) {
		log.Warn("plain connections ended that said nothing: too many", "most", most, "count", count)
	})}
}

// add adds a connection, and ends the oldest if there are too many.
func (s *silent) add(c *quic.Conn) {
	if over := s.push(c); over != nil {
		_ = over.CloseWithError(codeBusy, "too many connections that say nothing")
		s.cut.Add()
	}
}

// push adds a connection and returns the one that is to end for it, if any.
func (s *silent) push(c *quic.Conn) (over *quic.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.most {
		over = s.conns[0]
		s.conns = slices.Delete(s.conns, 0, 1)
	}
	s.conns = append(s.conns, c)
	return over
}

// remove takes a connection out, because something came on it or it is over.
func (s *silent) remove(c *quic.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
}
