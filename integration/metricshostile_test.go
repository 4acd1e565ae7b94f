package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMetricsHostile does to the metrics port of a relay what nobody should: its
// operator gets answers meanwhile, and so do others from the relay.
func TestMetricsHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := started(t, newProcess(t, "relay", append(relayArgs(), "--metrics", "127.0.0.1:0")...))
	at := relay.line().Metrics
	v := keepVigil(t, relay)
	for _, attack := range []struct {
		name string
		do   func(*testing.T, string)
	}{
		{"silence", metricsSilence},
		{"garbage", metricsGarbage},
		{"60 MiB", metricsMuch},
		{"no reader", metricsDeaf},
	} {
		t.Run(attack.name, func(t *testing.T) { attack.do(t, at) })
	}
	v.over(t)
	if n := strings.Count(relay.log(t), "too many connections for metrics"); n == 0 || n > 10 {
		t.Errorf("the relay says %d times what happened", n)
	}
}

// healthz asks whether the relay is alive, over a connection of its own. Where many
// ask without end it may have to ask again.
func healthz(t *testing.T, at string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pollPause) {
		resp, err := c.Get("http://" + at + "/healthz")
		if last = err; err != nil {
			continue
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if last = err; err == nil && string(b) == "ok\n" {
			return
		}
	}
	t.Fatalf("no answer: %v", last)
}

// metricsSilence holds more connections than there may be, and comes again whenever
// it is cut off.
func metricsSilence(t *testing.T, at string) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range 300 {
		wg.Go(func() {
			for ctx.Err() == nil {
				c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { c.Close() })
				_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n"[:i%30])
				_, _ = io.Copy(io.Discard, c)
				stop()
				c.Close()
				select {
				case <-ctx.Done():
				case <-time.After(pollPause):
				}
			}
		})
	}
	time.Sleep(2 * pollPause)
	for range 5 {
		healthz(t, at)
	}
}

// metricsGarbage sends what is no request.
func metricsGarbage(t *testing.T, at string) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		b := make([]byte, 1+rng.IntN(1<<15))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		sendHTTP(t, at, []string{"", "GET /metrics HTTP/1.1\r\n", "GET /", "POST /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"}[i%4], b)
	}
	healthz(t, at)
}

// metricsMuch sends 60 MiB as a line, as a head and as a body.
func metricsMuch(t *testing.T, at string) {
	for _, begin := range []string{"GET /", "GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 62914560\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 62914560\r\n\r\n"} {
		sendHTTP(t, at, begin, bytes.Repeat([]byte("x"), 60<<20))
	}
	healthz(t, at)
}

// sendHTTP sends bytes and waits until the connection is ended.
func sendHTTP(t *testing.T, at, begin string, b []byte) {
	t.Helper()
	c, err := net.DialTimeout("tcp", at, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.WriteString(c, begin)
		_, _ = c.Write(b)
		_ = c.(*net.TCPConn).CloseWrite()
	})
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection goes on")
	}
	c.Close()
	wg.Wait()
}

// metricsDeaf asks again and again and reads no answer.
func metricsDeaf(t *testing.T, at string) {
	ctx, cancel := context.WithTimeout(t.Context(), floodTime)
	defer cancel()
	var wg sync.WaitGroup
	ask := []byte("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 100 {
		wg.Go(func() {
			for ctx.Err() == nil {
				c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
				if err != nil {
					continue
				}
				_ = c.SetWriteDeadline(time.Now().Add(floodTime))
				stop := context.AfterFunc(ctx, func() { c.Close() })
				for range 1000 {
					if _, err := c.Write(ask); err != nil {
						break
					}
				}
				stop()
				c.Close()
			}
		})
	}
	time.Sleep(2 * pollPause)
	for range 3 {
		healthz(t, at)
	}
	cancel()
	wg.Wait()
}
