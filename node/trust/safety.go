package trust

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"strings"

	"quicnprotochat/rpc"
)

const (
	safetyLabel = "qpc safety number v1"
	// safetyRounds makes a number of the same first digits dearer to search for.
	safetyRounds = 5200
	safetyGroups = 12
	// safetyPrefix stands before the digits in a QR code.
	safetyPrefix = "qpc-safety:"
)

// SafetyNumber returns the safety number of two people, the same for both: 12 groups
// of 5 digits with spaces between them.
func SafetyNumber(a, b rpc.Identity) string {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	both := bytes.Join([][]byte{[]byte(safetyLabel), a[:], b[:]}, nil)
	sum := sha512.Sum512(both)
	for range safetyRounds - 1 {
		sum = sha512.Sum512(append(sum[:], both...))
	}
	groups := make([]string, safetyGroups)
	for i := range groups {
		five := append(make([]byte, 3), sum[5*i:5*i+5]...)
		groups[i] = fmt.Sprintf("%05d", binary.BigEndian.Uint64(five)%100_000)
	}
	return strings.Join(groups, " ")
}

// SafetyCode is a safety number as it stands in a QR code.
func SafetyCode(number string) string { return safetyPrefix + digits(number) }

// SameNumber reports whether what somebody typed or scanned is that number; spaces do
// not count.
func SameNumber(number, typed string) bool {
	return digits(number) == digits(strings.TrimPrefix(strings.TrimSpace(typed), safetyPrefix))
}

// IsNumber reports whether what somebody typed, or read from a QR code, is a safety number
// at all.
func IsNumber(typed string) bool {
	number := digits(strings.TrimPrefix(strings.TrimSpace(typed), safetyPrefix))
	return len(number) == 5*safetyGroups && strings.Trim(number, "0123456789") == ""
}

func digits(text string) string { return strings.Join(strings.Fields(text), "") }
