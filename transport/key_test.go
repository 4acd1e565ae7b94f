package transport

import (
	"bytes"
	"crypto/ed25519"
)

// testKey is the private key of a test machine, the same each time.
func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func keyFor(n byte) Key { return KeyOf(testKey(n).Public().(ed25519.PublicKey)) }
