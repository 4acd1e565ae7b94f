package limits

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
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

// TestDoorway counts those over TCP that prove no key, and says so once a minute.
func TestDoorway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := NewDoorway(slog.New(slog.NewTextHandler(&log, nil)))
		come := func(n int, protocol string, secured bool) {
			for i := range n {
				c := comer{protocol, 1000 + i}
				if !d.InterceptAccept(c) || secured && !d.InterceptSecured(network.DirInbound, "p", c) {
					t.Error("somebody is kept out")
				}
			}
			time.Sleep(2 * handshakeTime)
			synctest.Wait()
		}
		come(10, "udp/7/quic-v1", false)
		come(10, "tcp/7", true)
		if log.Len() > 0 || len(d.under) > 0 {
			t.Errorf("%d are under way, and the log has %s", len(d.under), log.String())
		}
		come(10, "tcp/7", false)
		come(10, "tcp/7", false)
		if n := strings.Count(log.String(), "\n"); n != 1 || len(d.under) > 0 {
			t.Errorf("%d are under way, and the log has %d lines", len(d.under), n)
		}
		come(1, "tcp/7", false)
		if !strings.Contains(log.String(), "count=20") {
			t.Errorf("the log has %s", log.String())
		}
		come(maxHandshakes+5, "tcp/7", false)
		if len(d.under) > 0 {
			t.Errorf("%d are under way", len(d.under))
		}
	})
}
