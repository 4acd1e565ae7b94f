package integration

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// syncBeforeAnswer looks at the system calls of a relay while one caller makes
// one call at a time: within each, the file is synced twice (the pages, and the
// page that makes them count), and only then something is sent that can be the
// answer.
func syncBeforeAnswer(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("strace")
	needs(t, "this test runs the relay under strace", err)
	needs(t, "strace cannot trace here", exec.Command("strace", "-o", os.DevNull, "true").Run())
	trace := filepath.Join(t.TempDir(), "trace")
	relay := newWrapped(t, []string{
		// -D makes the relay our child, and strace its own.
		"strace", "-D", "-f", "-ttt", "-T", "-yy", "-e", "trace=fdatasync,sendmsg,sendmmsg", "-o", trace,
	}, "relay", relayArgs()...)
	calls := timedCalls(t, relay.line().URL, inLong(25, 200))
	id := strconv.Itoa(relay.run.cmd.Process.Pid)
	relay.kill()
	events := readTrace(t, trace, id)
	for i, c := range calls {
		if err := c.check(events); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	t.Logf("%d calls, %d system calls", len(calls), len(events))
}

// timedCall is when a caller began a call and had its answer.
type timedCall struct{ began, answered time.Time }

func timedCalls(t *testing.T, url string, n int) (calls []timedCall) {
	t.Helper()
	c, err := newClient(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range n + 1 {
		began := time.Now()
		if _, err := c.Enqueue(t.Context(), c.id, rpc.Channel{}, []byte("payload")); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, timedCall{began, time.Now()})
	}
	return calls[:n] // the trace of the last one is cut off by the kill
}

// event is one system call of the relay that succeeded.
type event struct {
	name         string // with its arguments
	began, ended time.Time
}

func (e event) syncs() bool {
	return strings.HasPrefix(e.name, "fdatasync(") && strings.Contains(e.name, "/relay.db>")
}

func (e event) sends() bool {
	return strings.HasPrefix(e.name, "send") && strings.Contains(e.name, "<UDP")
}

// check looks for the system calls of one call.
func (c timedCall) check(events []event) error {
	syncs, sent := 0, false
	var synced time.Time
	for _, e := range events {
		if e.syncs() && e.began.After(c.began) && e.ended.Before(c.answered) {
			syncs++
			if e.ended.After(synced) {
				synced = e.ended
			}
		}
	}
	for _, e := range events {
		sent = sent || e.sends() && e.began.After(synced) && e.began.Before(c.answered)
	}
	switch {
	case syncs < 2:
		return fmt.Errorf("%d syncs before the answer, want at least 2", syncs)
	case !sent:
		return fmt.Errorf("nothing was sent between the last sync and the answer")
	}
	return nil
}

// traced is a line of strace: thread, time, and either a whole call with its
// result and duration, or one of its halves.
var traced = regexp.MustCompile(`^(\d+) +(\d+)\.(\d{6}) (.*)$`)

// readTrace waits until strace has written the end of a process, which it does
// last, and returns what succeeded.
func readTrace(t *testing.T, path, id string) (events []event) {
	t.Helper()
	last := regexp.MustCompile(`(?m)^` + id + ` .*\+\+\+ killed`)
	for end := time.Now().Add(patience); ; time.Sleep(pollPause) {
		text, err := os.ReadFile(path)
		if err == nil && last.Match(text) {
			return parseTrace(t, string(text))
		}
		if time.Now().After(end) {
			t.Fatalf("strace does not end: %v", err)
		}
	}
}

func parseTrace(t *testing.T, text string) (events []event) {
	t.Helper()
	half := make(map[string]event)
	for in := bufio.NewScanner(strings.NewReader(text)); in.Scan(); {
		m := traced.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		thread, at, rest := m[1], traceTime(m[2], m[3]), m[4]
		switch {
		case strings.HasSuffix(rest, "<unfinished ...>"):
			half[thread] = event{name: rest, began: at}
		case strings.Contains(rest, " resumed>"):
			e := half[thread]
			if e.ended = at; succeeded(rest) {
				events = append(events, e)
			}
		case succeeded(rest):
			_, took, _ := strings.Cut(rest[strings.LastIndex(rest, "="):], "<")
			seconds, err := strconv.ParseFloat(strings.TrimSuffix(took, ">"), 64)
			if err != nil {
				t.Fatalf("trace %q: %v", in.Text(), err)
			}
			events = append(events, event{rest, at, at.Add(time.Duration(seconds * float64(time.Second)))})
		}
	}
	if len(events) == 0 {
		t.Fatal("no system call was traced")
	}
	return events
}

func traceTime(seconds, micros string) time.Time {
	s, _ := strconv.ParseInt(seconds, 10, 64)
	us, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(s, us*1000)
}

// succeeded reports whether the result is not an error.
func succeeded(rest string) bool {
	i := strings.LastIndex(rest, ") = ")
	return i >= 0 && rest[i+4] != '-' && rest[i+4] != '?'
}
