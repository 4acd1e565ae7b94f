package database

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Tx is a transaction. It is valid, in one goroutine, until the function that
// was given it returns. In a View, methods that write return an error.
type Tx struct {
	ctx context.Context // of the one call that the Tx lives in
	c   *conn           // nil once the function has returned
	err error           // the first failure of the database itself
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

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(sql string, args ...any) (int64, error) {
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

// LastID returns the number of the row that was inserted last.
func (t *Tx) LastID() int64 {
	if t.c == nil {
		return 0
	}
	return t.c.db.LastInsertRowID()
}

// Prepared returns the statements that are prepared on the connection: for tests
// that look at their plans.
func (t *Tx) Prepared() []string { return slices.Collect(maps.Keys(t.c.stmts)) }

// Do is exec for those who do not count.
func (t *Tx) Do(sql string, args ...any) error {
	_, err := t.Exec(sql, args...)
	return err
}

// Must is exec of a statement that has to find a row.
func (t *Tx) Must(sql string, args ...any) error {
	n, err := t.Exec(sql, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// List reads all rows of a query. The statement is done before it returns, so
// methods can be called while going through the result.
func List[T any](t *Tx, scan func(*Row) T, sql string, args ...any) ([]T, error) {
	st, err := t.bind(sql, args)
	if err != nil {
		return nil, t.note(err)
	}
	var all []T
	r := Row{st: st}
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

// First reads the first row of a query, or returns ErrNotFound.
func First[T any](t *Tx, scan func(*Row) T, sql string, args ...any) (T, error) {
	all, err := List(t, scan, sql, args...)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// Count reads one number.
func (t *Tx) Count(sql string, args ...any) (int, error) {
	return First(t, (*Row).Int, sql, args...)
}
