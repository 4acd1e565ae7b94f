package mls

import (
	"encoding/hex"
	"slices"
)

// Points of small order, with which an exchange has the result zero and fails.
// A leaf with such a key would let its member stop everybody else's commits, so
// no key package and no leaf is admitted with one. Little-endian; the last ones
// are encodings that are not reduced.
var (
	smallOrder25519 = decodePoints(
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	)
	smallOrder448 = decodePoints(
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
		"fefffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"00000000000000000000000000000000000000000000000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	)
)

func decodePoints(points ...string) map[string]bool {
	m := make(map[string]bool, len(points))
	for _, p := range points {
		b, err := hex.DecodeString(p)
		if err != nil {
			continue // TestSmallOrder counts them
		}
		m[string(b)] = true
	}
	return m
}

// isSmallOrder25519 looks at the X25519 key that a public key ends with. The
// highest bit of such a key does not count.
func isSmallOrder25519(public []byte) bool {
	if len(public) < 32 {
		return false
	}
	b := slices.Clone(public[len(public)-32:])
	b[31] &= 0x7f
	return smallOrder25519[string(b)]
}
