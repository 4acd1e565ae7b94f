package mls

import "encoding/hex"

// Of a curve's keys, some are refused in a key package, a leaf and a parent. Points
// of small order: an exchange with one has the result zero and fails, so that a leaf
// with it would let its member stop everybody else's commits. And what is not the
// one encoding of its point, below the prime of the field and with no bit above it:
// as another key than it is, an old one could come back as new (RFC 9420, §7.3: the
// key of an Update represents another one than before). Little-endian.
var (
	field25519 = field{
		prime: decodePoint("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		small: pointSet(
			"0000000000000000000000000000000000000000000000000000000000000000",
			"0100000000000000000000000000000000000000000000000000000000000000",
			"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
			"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
			"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		),
	}
	field448 = field{
		prime: decodePoint("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
		small: pointSet(
			"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
			"0100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
			"fefffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		),
	}
)

// A field is what is known of a curve's keys, the u-coordinates of its points.
type field struct {
	prime []byte
	small map[string]bool // of small order
}

// takes reports whether bytes are the encoding of a key that is of use.
func (f field) takes(key []byte) bool {
	if len(key) != len(f.prime) || f.small[string(key)] {
		return false
	}
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] != f.prime[i] {
			return key[i] < f.prime[i]
		}
	}
	return false
}

func decodePoint(s string) []byte {
	b, _ := hex.DecodeString(s) // TestSmallOrder looks at what came of it
	return b
}

func pointSet(points ...string) map[string]bool {
	m := make(map[string]bool, len(points))
	for _, p := range points {
		m[string(decodePoint(p))] = true
	}
	return m
}
