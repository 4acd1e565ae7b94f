package limits

import (
	"bytes"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"quicnprotochat/transport/tally"
)

// comer is a connection that comes in from a port.
type comer struct {
	protocol string
	port     int
}

func (c comer) LocalMultiaddr() ma.Multiaddr {
	return ma.StringCast("/ip4/127.0.0.1/" + c.protocol)
}

func (c comer) RemoteMultiaddr() ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/1.2.3.4/tcp/%d", c.port))
}

// words is a log that others write.
type words struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

// take returns what was written since it was called last.
func (w *words) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.b.Reset()
	return w.b.String()
}

// TestDoorway counts those over TCP that prove no key, and says so once a minute.
func TestDoorway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(words)
		d := NewDoorway(slog.New(slog.NewTextHandler(log, nil)))
		come := func(n int, protocol string, secured bool) {
			for i := range n {
				c := comer{protocol, 1000 + i}
				if !d.InterceptAccept(c) || secured && !d.InterceptSecured(network.DirInbound, "p", c) {
					t.Error("somebody is kept out")
				}
			}
		}
		// told returns how many are told after a while, and in how many words.
		told := func(while time.Duration) (all, lines int) {
			time.Sleep(while)
			synctest.Wait()
			for line := range strings.Lines(log.take()) {
				_, count, _ := strings.Cut(line, "count=")
				n, _ := strconv.Atoi(strings.TrimSpace(count))
				all, lines = all+n, lines+1
			}
			return all, lines
		}
		come(10, "udp/7/quic-v1", false)
		come(10, "tcp/7", true)
		if all, _ := told(2 * handshakeTime); all > 0 || len(d.under) > 0 {
			t.Errorf("%d are under way, %d are told", len(d.under), all)
		}
		come(10, "tcp/7", false)
		if all, lines := told(2 * handshakeTime); all != 1 || lines != 1 || len(d.under) > 0 {
			t.Errorf("%d are under way, %d are told in %d words", len(d.under), all, lines)
		}
		if all, lines := told(tally.Pause); all != 9 || lines != 1 {
			t.Errorf("of 9 that are left %d are told in %d words", all, lines)
		}
		told(tally.Pause)
		come(maxHandshakes+5, "tcp/7", false)
		time.Sleep(2 * handshakeTime)
		synctest.Wait()
		if len(d.under) > 0 {
			t.Errorf("%d are under way", len(d.under))
		}
		d.Close()
		d.Close()
		if all, lines := told(0); all != maxHandshakes+5 || lines > 2 {
			t.Errorf("of %d %d are told in %d words", maxHandshakes+5, all, lines)
		}
		come(1, "tcp/7", false)
		if all, _ := told(time.Hour); all > 0 {
			t.Errorf("closed, it tells of %d", all)
		}
	})
}
