package plain

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// Stream is a two-way stream of bytes of a plain connection. Read and Write may be
// called at the same time, each by one goroutine.
type Stream struct {
	conn   *quic.Conn
	stream *quic.Stream
	remote netip.Addr
	idle   time.Duration // how long nothing may come; 0 is for ever
	first  []byte        // what await read

	wmu       sync.Mutex // held while writing: Close must not meet a Write
	closeOnce sync.Once
	onClose   func() // ends what belongs to the stream; may be nil
}

// await waits for the first byte.
func (s *Stream) await(patience time.Duration) error {
	if err := s.stream.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	b := make([]byte, 1)
	n, err := io.ReadFull(s.stream, b)
	s.first = b[:n]
	return err
}

// Read reads what the other side wrote. A stream on which nothing comes for too
// long has ended.
func (s *Stream) Read(b []byte) (int, error) {
	if len(s.first) > 0 {
		n := copy(b, s.first)
		s.first = s.first[n:]
		return n, nil
	}
	if s.idle > 0 {
		if err := s.stream.SetReadDeadline(time.Now().Add(s.idle)); err != nil {
			return 0, err
		}
	}
	n, err := s.stream.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF // an ordinary end
	}
	return n, err
}

// Write queues b for the other side.
func (s *Stream) Write(b []byte) (int, error) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	return s.stream.Write(b)
}

// RTT returns how long a packet takes there and back of late.
func (s *Stream) RTT() (took time.Duration, known bool) { return RTT(s.conn) }

// RTT returns how long a packet takes there and back on a connection of late. It is not
// known before the first answer if packets of the handshake had to be repeated, as where
// one takes more than 200 ms.
func RTT(c *quic.Conn) (took time.Duration, known bool) {
	const before = 100 * time.Millisecond // what quic-go says then
	stats := c.ConnectionStats()
	return stats.SmoothedRTT, stats.SmoothedRTT != before || stats.LatestRTT != before || stats.MeanDeviation > 0
}

// RemoteHost returns the IP address of the other side as text; "" if unknown.
func (s *Stream) RemoteHost() string {
	if !s.remote.IsValid() {
		return ""
	}
	return s.remote.String()
}

// Close sends what was written and closes both directions. It interrupts Read and
// Write, and may be called again.
func (s *Stream) Close() error {
	s.closeOnce.Do(func() {
		// Without a reader the stream would keep its place. What was written is
		// still sent; a Write that is blocked ends, though.
		s.stream.CancelRead(0)
		_ = s.stream.SetWriteDeadline(time.Now())
		s.wmu.Lock()
		defer s.wmu.Unlock()
		_ = s.stream.Close()
		if s.onClose != nil {
			s.onClose()
		}
	})
	return nil
}

// reset drops both directions.
func (s *Stream) reset(code quic.StreamErrorCode) {
	s.stream.CancelRead(code)
	s.stream.CancelWrite(code)
}
