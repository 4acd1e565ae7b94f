package ledger

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"quicnprotochat/relay/store/file"

	bolt "go.etcd.io/bbolt"
)

const (
	// verifyRecords and verifyBytes bound what one read transaction of a Verify
	// looks at: a long one would keep the writer from using pages again.
	verifyRecords = 1000
	verifyBytes   = 16 << 20
	// maxDamages bounds the damages that are named; the rest is counted.
	maxDamages = 100
)

// Damage is one thing in a ledger that is not what was written there.
type Damage struct {
	// Table is the part of the ledger, or "file".
	Table string
	// Key names the record in its table, in hex; "" for a whole table. In a
	// bucket within it, it is the name of that and of the record, with a slash between.
	Key string
	// What is wrong with it.
	What string
}

// Report is what Verify found.
type Report struct {
	// Records and Bytes are what was read, with all keys.
	Records, Bytes uint64
	// Damaged counts the damages, Damages names the first 100.
	Damaged uint64
	Damages []Damage
}

func (r *Report) damage(d Damage) {
	if r.Damaged++; len(r.Damages) < maxDamages {
		r.Damages = append(r.Damages, d)
	}
}

// Verify reads the whole ledger that is open, one slice after the other, beside
// all that goes on, and names what is damaged. A page that makes no sense ends the
// ledger, as it does to everybody who reads it. The error is that of ctx, or
// ErrClosed.
func (l *Ledger) Verify(ctx context.Context) (Report, error) {
	if err := l.Health(ctx); errors.Is(err, ErrClosed) {
		return Report{}, err
	}
	return l.cfg.Layout.verify(ctx, l.View)
}

// VerifyFile reads a whole ledger that nobody has open for writing: its structure,
// and each record. The errors are that of ctx, ErrInUse, ErrNewer, or those of
// the file system; a damaged file is a Report.
func VerifyFile(ctx context.Context, path string, layout Layout) (Report, error) {
	if err := file.Check(path); errors.Is(err, ErrDamaged) {
		var r Report
		r.damage(Damage{Table: "file", What: err.Error()})
		return r, nil
	} else if err != nil {
		return Report{}, fmt.Errorf("verify store: %w", err)
	}
	db, err := file.OpenReadOnly(path)
	if err != nil {
		return Report{}, fmt.Errorf("verify store: %w", err)
	}
	r, err := layout.verify(ctx, func(fn func(*bolt.Tx) error) error { return file.Guard(func() error { return db.View(fn) }) })
	if err = errors.Join(err, db.Close()); err != nil {
		return Report{}, fmt.Errorf("verify store: %w", err)
	}
	return r, nil
}

func (y *Layout) verify(ctx context.Context, view func(func(*bolt.Tx) error) error) (Report, error) {
	v := &verifier{layout: y}
	err := view(y.check)
	for err == nil && !v.done {
		if err = ctx.Err(); err == nil {
			err = view(v.slice)
		}
	}
	if errors.Is(err, ErrDamaged) {
		v.report.damage(Damage{Table: "file", What: err.Error()})
		err = nil
	}
	return v.report, err
}

// verifier walks over all records. Between two slices it remembers where it is by
// name, since anything may change.
type verifier struct {
	layout *Layout
	report Report
	done   bool
	// table, key and sub are the place of the next record: a bucket, a key in it,
	// and in a bucket there one more. Nil is the first.
	table, key, sub []byte
	records         int
	bytes           int
}

func (v *verifier) slice(tx *bolt.Tx) error {
	v.records, v.bytes = 0, 0
	c := tx.Cursor()
	for name, _ := c.Seek(v.table); name != nil; name, _ = c.Next() {
		if !bytes.Equal(name, v.table) {
			v.table, v.key, v.sub = bytes.Clone(name), nil, nil
		}
		if !v.walk(tx.Bucket(name)) {
			return nil
		}
	}
	v.done = true
	return nil
}

// walk reads a table from v.key on and reports whether it came to its end.
func (v *verifier) walk(b *bolt.Bucket) bool {
	c := b.Cursor()
	for k, value := c.Seek(v.key); k != nil; k, value = c.Next() {
		if !bytes.Equal(k, v.key) {
			v.key, v.sub = bytes.Clone(k), nil
		}
		switch {
		case v.full():
			return false
		case value != nil:
			v.record(v.table, k, value, "")
		case !v.inner(b.Bucket(k)):
			return false
		}
	}
	return true
}

// inner reads the bucket at v.key from v.sub on.
func (v *verifier) inner(b *bolt.Bucket) bool {
	if b == nil {
		return true
	}
	if v.sub == nil && v.layout.Check != nil {
		if what := v.layout.Check(v.key, b); what != "" {
			v.report.damage(Damage{Table: string(v.table), Key: hex.EncodeToString(v.key), What: what})
		}
	}
	c := b.Cursor()
	for k, value := c.Seek(v.sub); k != nil; k, value = c.Next() {
		if v.full() {
			v.sub = bytes.Clone(k)
			return false
		}
		v.record(v.key, k, value, hex.EncodeToString(v.key)+"/")
	}
	return true
}

func (v *verifier) full() bool { return v.records >= verifyRecords || v.bytes >= verifyBytes }

// record checks the checksum of one value, which all have but the format.
func (v *verifier) record(bucket, k, value []byte, within string) {
	n := len(k) + len(value)
	v.records++
	v.bytes += n
	v.report.Records++
	v.report.Bytes += uint64(n)
	if bytes.Equal(bucket, bucketMeta) && bytes.Equal(k, keyFormat) {
		return
	}
	if _, err := Unseal(bucket, k, value); err != nil {
		v.report.damage(Damage{Table: string(v.table), Key: within + hex.EncodeToString(k), What: "checksum does not match"})
	}
}
