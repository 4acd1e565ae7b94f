package metrics

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCrowd: who asks nothing goes first, the one that has waited longest before
// others, and then who is being answered. A step takes 600 ms.
func TestCrowd(t *testing.T) {
	var log bytes.Buffer
	c := newCrowd(3, slog.New(slog.NewTextHandler(&log, nil)))
	at, conns := time.Now(), make([]net.Conn, 9)
	for i := range conns {
		conns[i], _ = net.Pipe()
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
		at = at.Add(600 * time.Millisecond)
		var want net.Conn
		if step.over >= 0 {
			want = conns[step.over]
		}
		if got := c.note(conns[step.conn], step.to, at); got != want {
			t.Errorf("step %d: got %v, want %d", i, got, step.over)
		}
		if len(c.in) > 3 {
			t.Errorf("step %d: %d connections", i, len(c.in))
		}
	}
	if n := strings.Count(log.String(), "too many connections"); n != 1 {
		t.Errorf("%d words in the log, want one", n)
	}
}
