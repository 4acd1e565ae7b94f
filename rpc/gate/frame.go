package gate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/rpc/budget"
)

const (
	// maxSegments bounds the segments of one message, as other
	// implementations of Cap'n Proto do.
	maxSegments = 512
	// depthLimit bounds the nesting of a message. The deepest of NodeService,
	// a call with Auth, needs 6.
	depthLimit = 16
	// chunk is what must move within stallTime once a message has begun, in
	// both directions: 64 KiB a minute is slower than any usable network.
	chunk     = 64 << 10
	stallTime = time.Minute
	// readBuffer is that of a connection, which keeps it while it is idle: enough
	// for a call without a payload. Larger ones are read past it.
	readBuffer = 512
	// writeBuffer is what a message is gathered in while it is written.
	writeBuffer = 8 << 10
)

// writers keeps the write buffers: an idle connection has none.
var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}

// ErrStalled ends a connection whose other side stopped in the middle of a
// message, or stopped reading.
var ErrStalled = errors.New("no progress within a message for too long")

// framer reads and writes unpacked Cap'n Proto messages on a stream.
//
// capnp.Decoder allocates what the header claims; framer allocates what has
// arrived, so that a claim costs its sender as much as it costs us. Buffers are
// not pooled: what a message holds stays valid after its release.
type framer struct {
	rwc        io.ReadWriteCloser
	share      *budget.Share
	br         *bufio.Reader
	head       [8]byte // of the message that is read
	header     []byte  // of the one that is written
	before     []byte  // goes before the next one that is written
	held       int     // messages in before
	max        int
	stall      time.Duration
	readTimer  *time.Timer
	writeTimer *time.Timer
}

// newFramer returns a framer; stalled is called, once or more, when a message
// makes no progress.
func newFramer(rwc io.ReadWriteCloser, maxMessage int, stall time.Duration, stalled func()) *framer {
	f := &framer{rwc: rwc, max: maxMessage, stall: stall}
	f.br = bufio.NewReaderSize((*rawReader)(f), readBuffer)
	f.readTimer = time.AfterFunc(time.Hour, stalled)
	f.readTimer.Stop()
	f.writeTimer = time.AfterFunc(time.Hour, stalled)
	f.writeTimer.Stop()
	return f
}

// first waits as long as it takes for the first byte of the next message. io.EOF
// means that the stream ended between two messages. An idle connection is here,
// and its stack should be small: so this is no part of read, and goes past the
// buffer.
func (f *framer) first() (byte, error) {
	if f.br.Buffered() > 0 {
		return f.br.ReadByte()
	}
	for {
		switch n, err := f.rwc.Read(f.head[:1]); {
		case n > 0:
			return f.head[0], nil // an error comes again
		case err != nil:
			return 0, streamError(err)
		}
	}
}

// read returns the message that begins with first, and its room in the Budget,
// which the caller drops.
func (f *framer) read(first byte) (*capnp.Message, *budget.Seat, error) {
	defer f.readTimer.Stop()
	f.readTimer.Reset(f.stall)
	buf, total, err := f.readHeader(first)
	if err != nil {
		return nil, nil, err
	}
	f.readTimer.Stop() // it is we who are slow now
	seat, err := f.share.TakeIn(int64(total))
	if err != nil {
		return nil, nil, fmt.Errorf("read message: %w", err)
	}
	f.readTimer.Reset(f.stall)
	msg, err := f.readBody(buf, total, seat)
	if err != nil {
		f.share.Drop(seat)
		return nil, nil, fmt.Errorf("read message: %w", err)
	}
	seat.Moves(time.Time{}, time.Time{})
	return msg, seat, nil
}

// readHeader returns the header of the message that begins with first, and the
// size of all of it. The header is good until the next one is read.
func (f *framer) readHeader(first byte) (buf []byte, total int, err error) {
	buf = f.head[:]
	buf[0] = first
	if _, err := io.ReadFull(f.br, buf[1:]); err != nil {
		return nil, 0, fmt.Errorf("read header: %w", noEOF(err))
	}
	segments := uint64(binary.LittleEndian.Uint32(buf)) + 1
	if segments > maxSegments {
		return nil, 0, fmt.Errorf("message of %d segments, limit %d", segments, maxSegments)
	}
	// The header is the count and a size for each segment, padded to a word.
	header := int(segments+2) / 2 * 8
	if buf, err = f.fill(buf, header, nil); err != nil {
		return nil, 0, fmt.Errorf("read header: %w", err)
	}
	size := uint64(header)
	for i := range segments {
		size += 8 * uint64(binary.LittleEndian.Uint32(buf[4+4*i:]))
	}
	if size > uint64(f.max) {
		return nil, 0, fmt.Errorf("message of %d bytes, limit %d", size, f.max)
	}
	return buf, int(size), nil
}

// readBody reads what follows the header.
func (f *framer) readBody(buf []byte, total int, s *budget.Seat) (*capnp.Message, error) {
	buf, err := f.fill(buf, total, s)
	if err != nil {
		return nil, err
	}
	msg, err := capnp.Unmarshal(buf)
	if err != nil {
		return nil, err
	}
	// Reading every object twice is more than any reader here does.
	msg.TraverseLimit = 2*uint64(total) + 4096
	msg.DepthLimit = depthLimit
	return msg, nil
}

// fill reads until buf holds n bytes. It grows buf as bytes arrive, and tells
// the seat.
func (f *framer) fill(buf []byte, n int, s *budget.Seat) ([]byte, error) {
	began := time.Now()
	for len(buf) < n {
		s.Moves(began, time.Now())
		have := len(buf)
		next := min(n, have+chunk)
		if cap(buf) < next {
			buf = slices.Grow(buf, min(n, max(2*have, next))-have)
		}
		buf = buf[:next]
		if _, err := io.ReadFull(f.br, buf[have:]); err != nil {
			return nil, noEOF(err)
		}
		f.readTimer.Reset(f.stall)
	}
	return buf, nil
}

// noEOF makes an end inside a message differ from one between messages.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &StreamError{io.ErrUnexpectedEOF}
	}
	return err
}

// hold keeps a small message until the next one is written.
func (f *framer) hold(m *capnp.Message) error {
	b, err := m.Marshal()
	if err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	f.before = append(f.before, b...)
	f.held++
	return nil
}

// write sends one message, behind those that were held.
func (f *framer) write(m *capnp.Message) error {
	n := m.NumSegments()
	header := binary.LittleEndian.AppendUint32(f.header[:0], uint32(n-1))
	for i := range n {
		seg, err := m.Segment(capnp.SegmentID(i))
		if err != nil {
			return fmt.Errorf("write message: %w", err)
		}
		header = binary.LittleEndian.AppendUint32(header, uint32(len(seg.Data())/8))
	}
	if len(header)%8 != 0 {
		header = append(header, 0, 0, 0, 0)
	}
	f.header = header
	bw := writers.Get().(*bufio.Writer)
	bw.Reset((*chunkWriter)(f))
	defer func() {
		bw.Reset(nil)
		writers.Put(bw)
	}()
	// bufio.Writer keeps its first error, Flush returns it.
	bw.Write(f.before)
	f.before, f.held = nil, 0
	bw.Write(header)
	for i := range n {
		seg, err := m.Segment(capnp.SegmentID(i))
		if err != nil {
			return fmt.Errorf("write message: %w", err)
		}
		bw.Write(seg.Data())
	}
	return bw.Flush()
}

// StreamError is an error of the stream, rather than of what came over it.
type StreamError struct{ error }

// Unwrap returns the error of the stream.
func (e *StreamError) Unwrap() error { return e.error }

// streamError marks what Read returns, but for the end.
func streamError(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &StreamError{err}
}

// rawReader reads from the stream.
type rawReader framer

func (r *rawReader) Read(b []byte) (int, error) {
	n, err := r.rwc.Read(b)
	return n, streamError(err)
}

// chunkWriter writes to the stream in pieces that must each get through in
// time.
type chunkWriter framer

func (w *chunkWriter) Write(b []byte) (int, error) {
	defer w.writeTimer.Stop()
	done := 0
	for done < len(b) {
		w.writeTimer.Reset(w.stall)
		n, err := w.rwc.Write(b[done:min(len(b), done+chunk)])
		done += n
		if err != nil {
			return done, &StreamError{err}
		}
	}
	return done, nil
}
