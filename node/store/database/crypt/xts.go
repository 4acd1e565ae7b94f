package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

const (
	// KeySize is the length of a key in bytes: two AES-256 keys.
	KeySize = 64
	// Unit is how many bytes are encrypted as one.
	Unit = 512
)

// xts is AES-256-XTS (IEEE 1619, §5) under one key. It belongs to one goroutine at a
// time.
type xts struct {
	data, tweak cipher.Block
	mask        [Unit]byte // of the unit that is turned, here so that it is not allocated
}

func newXTS(key []byte) (*xts, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key of %d bytes", len(key))
	}
	data, err := aes.NewCipher(key[:KeySize/2])
	if err != nil {
		return nil, err
	}
	tweak, err := aes.NewCipher(key[KeySize/2:])
	return &xts{data: data, tweak: tweak}, err
}

// encrypt encrypts whole units in place. The first is that of a number in its file.
func (x *xts) encrypt(b []byte, number uint64) { x.units(b, number, x.data.Encrypt) }

// decrypt undoes encrypt.
func (x *xts) decrypt(b []byte, number uint64) { x.units(b, number, x.data.Decrypt) }

func (x *xts) units(b []byte, number uint64, turn func(dst, src []byte)) {
	for ; len(b) >= Unit; number++ {
		unit := b[:Unit]
		x.setMask(number)
		subtle.XORBytes(unit, unit, x.mask[:])
		for block := unit; len(block) > 0; block = block[aes.BlockSize:] {
			turn(block[:aes.BlockSize], block[:aes.BlockSize])
		}
		subtle.XORBytes(unit, unit, x.mask[:])
		b = b[Unit:]
	}
}

// setMask makes the mask of a unit: its number encrypted, and each further block of 16
// bytes the one before times x in GF(2^128).
func (x *xts) setMask(number uint64) {
	le, first := binary.LittleEndian, x.mask[:aes.BlockSize]
	le.PutUint64(first, number)
	le.PutUint64(first[8:], 0)
	x.tweak.Encrypt(first, first)
	lo, hi := le.Uint64(first), le.Uint64(first[8:])
	for block := x.mask[aes.BlockSize:]; len(block) > 0; block = block[aes.BlockSize:] {
		carry := hi >> 63
		lo, hi = lo<<1^0x87&-carry, hi<<1|lo>>63
		le.PutUint64(block, lo)
		le.PutUint64(block[8:], hi)
	}
}
