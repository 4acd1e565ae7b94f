package ledger

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	// SumSize is how many bytes Seal adds to a value.
	SumSize = 4
	// Overhead is what a record costs beside its bytes, for the bounds: its share
	// of a page.
	Overhead = 128
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a value without its last SumSize bytes.
func sum(bucket, key, body []byte) uint32 {
	c := crc32.Update(0, castagnoli, bucket)
	c = crc32.Update(c, castagnoli, key)
	return crc32.Update(c, castagnoli, body)
}

// Seal appends the checksum to body, which belongs at key of bucket: to body
// itself, where it has room.
func Seal(bucket, key, body []byte) []byte {
	return binary.BigEndian.AppendUint32(body, sum(bucket, key, body))
}

// Unseal checks the checksum of a value and returns its body, not copied. The
// error is ErrDamaged.
func Unseal(bucket, key, value []byte) ([]byte, error) {
	if len(value) < SumSize {
		return nil, ErrDamaged
	}
	body := value[:len(value)-SumSize]
	if binary.BigEndian.Uint32(value[len(body):]) != sum(bucket, key, body) {
		return nil, ErrDamaged
	}
	return body, nil
}

// RecordSize is what a value of n bytes, with its checksum, counts for in the
// totals; no value is empty, so 0 is one that is not there.
func RecordSize(n int) uint64 {
	if n == 0 {
		return 0
	}
	return uint64(n) + Overhead
}
