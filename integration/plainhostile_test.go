package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"
	"github.com/quic-go/quic-go"
)

// TestPlainHostile does to a relay over plain QUIC what nobody should. Loopback has
// no share of its own, so that only the limits of all hold here.
func TestPlainHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	relay := plainRelay(t)
	v := keepVigil(t, relay)
	for _, attack := range []struct {
		name string
		do   func(*testing.T, *process)
	}{
		{"garbage", plainGarbage},
		{"60 MiB", plainMuch},
		{"abandoned", plainAbandoned},
		{"claims", plainClaims},
		{"streams", plainStreams},
		{"half-open handshakes", halfOpen},
		{"slow", plainSlow},
		{"no reader", plainDeaf},
	} {
		t.Run(attack.name, func(t *testing.T) { attack.do(t, relay) })
	}
	v.over(t)
	f := foreigners(t, relay)[0]
	if status, err := f.health(); err != nil || status != "ok" {
		t.Errorf("afterwards: got %q, %v", status, err)
	}
	if n := strings.Count(relay.log(t), "\n"); n > 300 {
		t.Errorf("the relay logged %d lines", n)
	}
}

// intruder connects to a relay.
func intruder(t *testing.T, p *process) *foreigner {
	t.Helper()
	f, err := newForeigner(t, p.line().QUIC[0], p.line().Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// open opens a stream and writes b.
func (f *foreigner) open(b []byte) *quic.Stream {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	s, err := f.conn.OpenStreamSync(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	_, _ = s.Write(b)
	return s
}

// plainGarbage writes bytes that are no messages: each stream is ended, and the
// connection goes on.
func plainGarbage(t *testing.T, p *process) {
	f := intruder(t, p)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := make([]byte, 1+rng.IntN(1<<14))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		b[0] |= 0xf0 // claims many segments
		s := f.open(append(b, make([]byte, 1<<12)...))
		_ = s.SetDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, s); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the stream goes on")
		}
		s.CancelWrite(0)
	}
	if _, err := f.health(); err != nil {
		t.Errorf("after garbage: %v", err)
	}
}

// plainMuch sends 60 MiB of anything, until it is cut off.
func plainMuch(t *testing.T, p *process) {
	var wg sync.WaitGroup
	for i := range 10 {
		s := intruder(t, p).open(nil)
		_ = s.SetDeadline(time.Now().Add(patience))
		wg.Go(func() {
			part := bytes.Repeat([]byte{byte(i), 0xff}, 1<<15)
			var err error
			for n := 0; n < 60<<20 && err == nil; n += len(part) {
				_, err = s.Write(part)
			}
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("60 MiB of %d were taken: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// plainAbandoned makes connections and is gone without a word. Each takes 50 KiB until the
// relay gives it up.
func plainAbandoned(t *testing.T, p *process) {
	to, err := net.ResolveUDPAddr("udp", p.line().QUIC[0])
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				socket, err := net.ListenUDP("udp", nil)
				if err != nil {
					cancel()
					continue
				}
				tr := &quic.Transport{Conn: socket}
				if c, err := tr.Dial(ctx, to, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"capnp"}}, nil); err == nil {
					_, _ = c.OpenStream()
				}
				socket.Close()
				cancel()
				tr.Close()
			}
		})
	}
	wg.Wait()
	if _, err := intruder(t, p).health(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// plainClaims announces messages that never come, too large ones and others.
func plainClaims(t *testing.T, p *process) {
	for range 20 {
		f := intruder(t, p)
		for i := range 200 {
			f.open([]byte{0, 0, 0, 0, 0, 0, 60 << 20 / 8 >> 16 >> (i % 2 * 4), 0})
		}
	}
}

// plainStreams opens 20,000 streams, some of which begin a message.
func plainStreams(t *testing.T, p *process) {
	opened := 0
	for n := range 80 {
		f := intruder(t, p)
		for range 250 {
			s, err := f.conn.OpenStream()
			if err != nil {
				break // over a limit
			}
			_, _ = s.Write(make([]byte, n%2))
			opened++
		}
	}
	t.Logf("%d streams", opened)
}

// first lets only the first packets of a connection through: with one of them the
// other side has half a hello, with two it has answered.
type first struct {
	net.PacketConn
	left atomic.Int32
}

func (f *first) WriteTo(b []byte, to net.Addr) (int, error) {
	if f.left.Add(-1) < 0 {
		return len(b), nil
	}
	return f.PacketConn.WriteTo(b, to)
}

// halfOpen begins handshakes and never goes on with them.
func halfOpen(t *testing.T, p *process) {
	to, err := net.ResolveUDPAddr("udp", p.line().QUIC[0])
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range int32(500) {
		wg.Go(func() {
			socket, err := net.ListenUDP("udp", nil)
			if err != nil {
				return
			}
			defer socket.Close()
			few := &first{PacketConn: socket}
			few.left.Store(1 + i%2)
			tr := &quic.Transport{Conn: few}
			defer tr.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			// With two packets this side takes itself for connected.
			_, _ = tr.Dial(ctx, to, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"capnp"}}, nil)
		})
	}
	wg.Wait()
	if _, err := intruder(t, p).health(); err != nil {
		t.Errorf("meanwhile: %v", err)
	}
}

// healthMessage asks for the health of the process.
func healthMessage(t testing.TB) message {
	return callMessage(t, 5, capnp.ObjectSize{}, func(capnp.Struct, []byte) error { return nil })
}

// plainSlow sends a call byte by byte, and it is answered.
func plainSlow(t *testing.T, p *process) {
	s := intruder(t, p).open(nil)
	var all bytes.Buffer
	if err := errors.Join(bootstrapMessage(t).send(&all, 0), healthMessage(t).send(&all, 1)); err != nil {
		t.Fatal(err)
	}
	for _, b := range all.Bytes() {
		if _, err := s.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = s.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(s, make([]byte, 64)); err != nil {
		t.Errorf("a slow call: %v", err)
	}
	s.CancelRead(0)
	s.Close()
}

// plainDeaf makes calls and reads no answer.
func plainDeaf(t *testing.T, p *process) {
	begin, ask := bootstrapMessage(t), healthMessage(t)
	var wg sync.WaitGroup
	for range 10 {
		s := intruder(t, p).open(nil)
		_ = s.SetWriteDeadline(time.Now().Add(time.Second))
		wg.Go(func() {
			_ = begin.send(s, 0)
			for i := range uint32(20_000) {
				if ask.send(s, i+1) != nil {
					break
				}
			}
		})
	}
	wg.Wait()
}
