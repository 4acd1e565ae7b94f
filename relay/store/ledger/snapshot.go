package ledger

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"quicnprotochat/relay/store/file"

	bolt "go.etcd.io/bbolt"
)

// Snapshot writes the file as it is between two commits. begin gets its size, in
// bytes, and returns where it goes. Others go on reading and writing; what they
// write meanwhile needs new room in the file, so the writer must not stall.
func (l *Ledger) Snapshot(ctx context.Context, begin func(size int64) (io.Writer, error)) error {
	if err := l.Health(ctx); err != nil {
		return err
	}
	err := l.View(func(tx *bolt.Tx) error { return writeTo(ctx, tx, begin) })
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// SnapshotFile is Snapshot of a ledger that nobody has open for writing. The
// structure of the file is checked before, its records are not.
func SnapshotFile(ctx context.Context, path string, begin func(size int64) (io.Writer, error)) error {
	err := viewFile(path, func(tx *bolt.Tx) error { return writeTo(ctx, tx, begin) })
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

func writeTo(ctx context.Context, tx *bolt.Tx, begin func(size int64) (io.Writer, error)) error {
	w, err := begin(tx.Size())
	if err != nil {
		return err
	}
	c := &contextWriter{ctx: ctx, w: w}
	_, err = tx.WriteTo(c)
	return cmp.Or(c.err, err)
}

// contextWriter ends a copy with its context. It keeps its error, of which bbolt
// returns no more than the text.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
	err error
}

func (c *contextWriter) Write(p []byte) (n int, err error) {
	if c.err = c.ctx.Err(); c.err == nil {
		n, c.err = c.w.Write(p)
	}
	return n, c.err
}

// CheckStructure checks the pages of a ledger in f, which has that many bytes, as
// Open does. The error is ErrDamaged.
func CheckStructure(f io.ReaderAt, size int64) error { return file.CheckPages(f, size) }
