package metrics

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a connection that says when it is cut off.
type watched struct {
	net.Conn
	cut *int
	n   int
}

func (w watched) Close() error {
	*w.cut = w.n
	return w.Conn.Close()
}

// TestCrowd: who asks nothing goes first, the one that has waited longest before
// others, and then who is being answered. A step takes 600 ms.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := newCrowd(3, slog.New(slog.NewTextHandler(&log, nil)))
		cut, conns := -1, make([]net.Conn, 9)
		for i := range conns {
			conn, _ := net.Pipe()
			conns[i] = watched{conn, &cut, i}
		}
		for i, step := range []struct {
			conn int
			to   http.ConnState
			over int // -1 for none
		}{
			{0, http.StateNew, -1},
			{0, http.StateActive, -1},
			{1, http.StateNew, -1},
			{2, http.StateNew, -1},
			{3, http.StateNew, 1},
			{1, http.StateActive, -1}, // it is gone
			{2, http.StateActive, -1},
			{2, http.StateIdle, -1},
			{4, http.StateNew, 3},
			{2, http.StateClosed, -1},
			{5, http.StateNew, -1},
			{4, http.StateActive, -1},
			{5, http.StateActive, -1},
			{6, http.StateNew, 0},
			{0, http.StateIdle, -1}, // it is gone
			{7, http.StateNew, 6},
			{8, http.StateNew, 4}, // the one before had no time to ask
		} {
			time.Sleep(600 * time.Millisecond)
			cut = -1
			if c.change(conns[step.conn], step.to); cut != step.over {
				t.Errorf("step %d: %d is cut off, want %d", i, cut, step.over)
			}
			if len(c.in) > 3 {
				t.Errorf("step %d: %d connections", i, len(c.in))
			}
		}
		if n := strings.Count(log.String(), "too many connections"); n != 1 {
			t.Errorf("%d words in the log, want one", n)
		}
		if c.cut.Close(); !strings.Contains(log.String(), "cut=4") {
			t.Errorf("the rest is not told: %s", log.String())
		}
	})
}
