package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Tx is a transaction. It is valid, in one goroutine, until the function that
// was given it returns. In a View, methods that write return an error.
type Tx struct {
	ctx context.Context // of the one call that the Tx lives in
	c   *conn           // nil once the function has returned
	err error           // the first failure of the database itself
	now func() time.Time
}

// note remembers an error of the database, so that a transaction in which
// something failed is not committed even when its function goes on. A refused
// row is not such an error: the statement had no effect.
func (t *Tx) note(err error) error {
	if err == nil || errors.Is(err, sqlite3.CONSTRAINT) {
		return err
	}
	if cause := t.ctx.Err(); cause != nil && errors.Is(err, sqlite3.INTERRUPT) {
		err = cause
	}
	err = classify(err)
	if t.err == nil {
		t.err = err
	}
	return err
}

// bind returns the statement with its arguments bound.
func (t *Tx) bind(sql string, args []any) (*sqlite3.Stmt, error) {
	if t.c == nil {
		return nil, ErrClosed
	}
	st, err := t.c.stmt(sql)
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		if err := bindOne(st, i+1, a); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// bindOne binds one argument. A nil slice is an empty BLOB, never NULL.
func bindOne(st *sqlite3.Stmt, n int, a any) error {
	switch v := a.(type) {
	case []byte:
		if len(v) == 0 {
			return st.BindZeroBlob(n, 0)
		}
		return st.BindBlob(n, v)
	case string:
		return st.BindText(n, v)
	case int:
		return st.BindInt64(n, int64(v))
	case int64:
		return st.BindInt64(n, v)
	case byte:
		return st.BindInt64(n, int64(v))
	case uint64:
		return st.BindInt64(n, sortable(v))
	case bool:
		return st.BindBool(n, v)
	case time.Time:
		return st.BindInt64(n, millis(v))
	}
	return fmt.Errorf("cannot bind a %T", a)
}

// exec runs a statement and returns how many rows it changed.
func (t *Tx) exec(sql string, args ...any) (int64, error) {
	st, err := t.bind(sql, args)
	if err != nil {
		return 0, t.note(err)
	}
	err = st.Exec()
	if e := st.ClearBindings(); err == nil {
		err = e
	}
	if err != nil {
		return 0, t.note(err)
	}
	return t.c.db.Changes(), nil
}

// do is exec for those who do not count.
func (t *Tx) do(sql string, args ...any) error {
	_, err := t.exec(sql, args...)
	return err
}

// must is exec of a statement that has to find a row.
func (t *Tx) must(sql string, args ...any) error {
	n, err := t.exec(sql, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// list reads all rows of a query. The statement is done before it returns, so
// methods can be called while going through the result.
func list[T any](t *Tx, scan func(*row) T, sql string, args ...any) ([]T, error) {
	st, err := t.bind(sql, args)
	if err != nil {
		return nil, t.note(err)
	}
	var all []T
	r := row{st: st}
	for r.err == nil && st.Step() {
		r.col = 0
		all = append(all, scan(&r))
	}
	err = errors.Join(r.err, st.Err())
	if e := st.Reset(); err == nil {
		err = e
	}
	if e := st.ClearBindings(); err == nil {
		err = e
	}
	if err != nil {
		return nil, t.note(err)
	}
	return all, nil
}

// first reads the first row of a query, or returns ErrNotFound.
func first[T any](t *Tx, scan func(*row) T, sql string, args ...any) (T, error) {
	all, err := list(t, scan, sql, args...)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// count reads one number.
func (t *Tx) count(sql string, args ...any) (int, error) {
	return first(t, (*row).int, sql, args...)
}

// row reads the columns of the present row from left to right.
type row struct {
	st  *sqlite3.Stmt
	col int
	err error
}

func (r *row) next() int {
	r.col++
	return r.col - 1
}

func (r *row) int64() int64    { return r.st.ColumnInt64(r.next()) }
func (r *row) int() int        { return int(r.int64()) }
func (r *row) bool() bool      { return r.int64() != 0 }
func (r *row) uint64() uint64  { return unsortable(r.int64()) }
func (r *row) time() time.Time { return fromMillis(r.int64()) }
func (r *row) text() string    { return r.st.ColumnText(r.next()) }

// bytes returns a copy of a BLOB, nil if it is empty.
func (r *row) bytes() []byte { return r.st.ColumnBlob(r.next(), nil) }

// value returns a copy of a BLOB, not nil even if it is empty.
func (r *row) value() []byte { return r.st.ColumnBlob(r.next(), []byte{}) }

// fixed copies a BLOB of exactly the length of dst.
func (r *row) fixed(dst []byte) {
	n := r.next()
	raw := r.st.ColumnRawBlob(n)
	if len(raw) != len(dst) {
		if r.err == nil {
			r.err = fmt.Errorf("%w: column %s has %d bytes, not %d", ErrDamaged, r.st.ColumnName(n), len(raw), len(dst))
		}
		return
	}
	copy(dst, raw)
}

// array16, array32 and array8 read ids and keys.
func (r *row) array8() (a [8]byte)   { r.fixed(a[:]); return a }
func (r *row) array16() (a [16]byte) { r.fixed(a[:]); return a }
func (r *row) array32() (a [32]byte) { r.fixed(a[:]); return a }

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
