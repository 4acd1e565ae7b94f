package integration

import (
	"crypto/ed25519"
	"crypto/tls"
	"net"
	"syscall"
	"testing"

	"github.com/quic-go/quic-go"
)

// plainRelay starts a relay that listens on IPv4, on IPv6 if there is any, and for
// plain QUIC on one more port.
func plainRelay(t *testing.T, more ...string) *process {
	t.Helper()
	args := append(relayArgs(), "--quic-listen", anyLocalPort)
	if c, err := net.ListenPacket("udp6", "[::1]:0"); err == nil {
		c.Close()
		args = append(args, "--listen", "/ip6/::1/udp/0/quic-v1")
	}
	return started(t, newProcess(t, "relay", append(args, more...)...))
}

// foreigners connect to each address of a relay.
func foreigners(t *testing.T, p *process) (out []*foreigner) {
	t.Helper()
	line := p.line()
	if len(line.QUIC) < 2 {
		t.Fatalf("the relay serves plain QUIC on %v", line.QUIC)
	}
	for _, to := range line.QUIC {
		f, err := newForeigner(t, to, line.Certificate)
		if err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		out = append(out, f)
	}
	return out
}

// TestPlainQUIC calls a relay as a program that has nothing of ours, over IPv4 and
// IPv6, on one stream for all calls and on one stream for each.
func TestPlainQUIC(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := plainRelay(t)
	for _, f := range foreigners(t, relay) {
		for name, f := range map[string]*foreigner{"one stream for each call": f, "one stream": f.oneStream()} {
			for range 40 { // more than are served at once
				if status, err := f.health(); err != nil || status != "ok" {
					t.Fatalf("%s, %s: health: got %q, %v", f.conn.RemoteAddr(), name, status, err)
				}
			}
			victim, _, err := ed25519.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			knowsVictim(t, f, victim)
		}
	}
	if _, err := newForeigner(t, relay.line().QUIC[0], "00"); err == nil {
		t.Error("another certificate than was pinned is taken")
	}
	// Handshakes that are not offered.
	for name, change := range map[string]func(*tls.Config, *quic.Config){
		"protocol":    func(c *tls.Config, _ *quic.Config) { c.NextProtos = []string{"h3"} },
		"no protocol": func(c *tls.Config, _ *quic.Config) { c.NextProtos = nil },
	} {
		if _, err := newForeigner(t, relay.line().QUIC[0], relay.line().Certificate, change); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// Connections that are open do not keep it from ending as it should.
	relay.mu.Lock()
	run := relay.run
	relay.mu.Unlock()
	if err := run.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-run.ended
	if code := run.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the relay ended with code %d", code)
	}
}

// knowsVictim is somebody who has the key of another person, and no token: nothing
// is read and nothing is blocked.
func knowsVictim(t *testing.T, f *foreigner, victim []byte) {
	t.Helper()
	for name, token := range map[string][]byte{
		"none":            nil,
		"TLS key":         {1},
		"unknown session": append([]byte{2}, make([]byte, 32)...),
		"pass":            append([]byte{3}, make([]byte, 200)...),
		"unknown kind":    {9, 9},
	} {
		check := func(what string, err error) {
			t.Helper()
			if !refused(err, "E002") {
				t.Errorf("token %s: %s: got %v, want E002", name, what, err)
			}
		}
		_, err := f.enqueue(token, victim, []byte("x"))
		check("enqueue", err)
		_, err = f.fetchWait(token, victim, 0)
		check("fetchWait", err)
		_, err = f.peekWait(token, victim, 0, 0)
		check("peekWait", err)
		check("ack", f.ack(token, victim, 1<<60))
		_, err = f.uploadKeyPackage(token, victim, []byte("x"))
		check("uploadKeyPackage", err)
		check("uploadHybridKey", f.uploadHybridKey(token, victim, []byte("x")))
	}
}
