package qpce

import (
	"encoding/binary"
	"runtime"
	_ "unsafe" // for the links to package argon2

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blake2b"
)

const mode = 2 // Argon2id: y of RFC 9106, section 3.2

// block is a row of the memory that Argon2 fills, as in package argon2.
type block [128]uint64

// stretch is argon2.IDKey with one lane, and leaves nothing of the password in this
// process. That of the library leaves it in the state of a hash that nobody can wipe,
// until the collector gives that memory to somebody else: for hours in a quiet node. So
// the first hash is made here, and the library goes on from there.
func stretch(password, salt []byte, time, memoryKiB, size uint32) []byte {
	wipeStack() // also makes it large enough not to be moved meanwhile
	h0 := firstHash(password, salt, time, memoryKiB, size)
	wipeStack()
	defer clear(h0[:])
	memoryKiB = memoryKiB / 4 * 4 // m' of RFC 9106, section 3.2
	b := initBlocks(h0, memoryKiB, 1)
	processBlocks(b, time, memoryKiB, 1, mode)
	return extractKey(b, memoryKiB, 1, size)
}

// firstHash is H_0 of RFC 9106, section 3.2, with room for the two numbers that the
// library puts behind it.
//
//go:noinline
func firstHash(password, salt []byte, time, memoryKiB, size uint32) *[blake2b.Size + 8]byte {
	h, _ := blake2b.New512(nil) // fails for a key only
	number := func(n int) {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], uint32(n))
		h.Write(b[:])
	}
	for _, n := range []int{1, int(size), int(memoryKiB), int(time), argon2.Version, mode} {
		number(n)
	}
	number(len(password))
	h.Write(password)
	number(len(salt))
	h.Write(salt)
	number(0) // no secret
	number(0) // no associated data
	var h0 [blake2b.Size + 8]byte
	h.Sum(h0[:0])
	h.Reset()
	h.Write(make([]byte, blake2b.BlockSize)) // over what the hash had not taken in yet
	return &h0
}

// wipeStack overwrites what calls from the same function left on the stack.
//
//go:noinline
func wipeStack() {
	var left [16 << 10]byte
	clear(left[:])
	runtime.KeepAlive(&left)
}

//go:linkname initBlocks golang.org/x/crypto/argon2.initBlocks
func initBlocks(h0 *[blake2b.Size + 8]byte, memoryKiB, lanes uint32) []block

//go:linkname processBlocks golang.org/x/crypto/argon2.processBlocks
func processBlocks(b []block, time, memoryKiB, lanes uint32, mode int)

//go:linkname extractKey golang.org/x/crypto/argon2.extractKey
func extractKey(b []block, memoryKiB, lanes, size uint32) []byte
