package ledger

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"
)

// Totals is what is known of the whole file without a scan of it.
type Totals struct {
	// Bytes is what is stored, as Config.MaxBytes counts it.
	Bytes uint64
	// Floor is at least the highest sequence of all that was forgotten: what is new
	// starts above it.
	Floor uint64
	// Base is what every sequence given from now on is above, since a copy of
	// another time was put back.
	Base uint64
}

// ReadTotals reads the totals. The error is ErrDamaged.
func ReadTotals(tx *bolt.Tx) (Totals, error) {
	body, err := Unseal(bucketMeta, keyTotals, tx.Bucket(bucketMeta).Get(keyTotals))
	if err != nil {
		return Totals{}, fmt.Errorf("totals: %w", err)
	}
	return parseTotals(body)
}

// Put writes the totals in a transaction of UpdateFile; in one of Run, Batch does.
func (t Totals) Put(tx *bolt.Tx) error {
	return tx.Bucket(bucketMeta).Put(keyTotals, Seal(bucketMeta, keyTotals, t.bytesOf()))
}

func (t Totals) bytesOf() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24+SumSize), t.Bytes)
	b = binary.BigEndian.AppendUint64(b, t.Floor)
	return binary.BigEndian.AppendUint64(b, t.Base)
}

func parseTotals(b []byte) (t Totals, err error) {
	s := cryptobyte.String(b)
	if !s.ReadUint64(&t.Bytes) || !s.ReadUint64(&t.Floor) || !s.ReadUint64(&t.Base) || !s.Empty() {
		return Totals{}, ErrDamaged
	}
	return t, nil
}
