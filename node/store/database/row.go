package database

import (
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"quicnprotochat/node/store/home"
)

// Row reads the columns of the present row from left to right.
type Row struct {
	st  *sqlite3.Stmt
	col int
	err error
}

func (r *Row) next() int {
	r.col++
	return r.col - 1
}

// Int64, Int, Bool, Uint64, Time and Text return the next column.
func (r *Row) Int64() int64    { return r.st.ColumnInt64(r.next()) }
func (r *Row) Int() int        { return int(r.Int64()) }
func (r *Row) Bool() bool      { return r.Int64() != 0 }
func (r *Row) Uint64() uint64  { return unsortable(r.Int64()) }
func (r *Row) Time() time.Time { return fromMillis(r.Int64()) }
func (r *Row) Text() string    { return r.st.ColumnText(r.next()) }

// Bytes returns a copy of a BLOB, nil if it is empty.
func (r *Row) Bytes() []byte { return r.st.ColumnBlob(r.next(), nil) }

// Value returns a copy of a BLOB, not nil even if it is empty.
func (r *Row) Value() []byte { return r.st.ColumnBlob(r.next(), []byte{}) }

// fixed copies a BLOB of exactly the length of dst.
func (r *Row) fixed(dst []byte) {
	n := r.next()
	raw := r.st.ColumnRawBlob(n)
	if len(raw) != len(dst) {
		if r.err == nil {
			r.err = fmt.Errorf("%w: column %s has %d bytes, not %d", home.ErrDamaged, r.st.ColumnName(n), len(raw), len(dst))
		}
		return
	}
	copy(dst, raw)
}

// Array8, Array16 and Array32 read ids and keys.
func (r *Row) Array8() (a [8]byte)   { r.fixed(a[:]); return a }
func (r *Row) Array16() (a [16]byte) { r.fixed(a[:]); return a }
func (r *Row) Array32() (a [32]byte) { r.fixed(a[:]); return a }

// sortable maps a uint64 to an int64 such that order is kept.
func sortable(u uint64) int64   { return int64(u ^ 1<<63) }
func unsortable(i int64) uint64 { return uint64(i) ^ 1<<63 }

// millis is the stored form of a time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
