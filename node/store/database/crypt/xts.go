package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

const (
	// KeySize is the length of a key in bytes: two AES-256 keys.
	KeySize = 64
	// Unit is how many bytes are encrypted as one.
	Unit = 512
)

// xts is the cipher of one key (IEEE 1619, §5).
type xts struct {
	data, tweak cipher.Block
	block       [aes.BlockSize]byte // the tweak, here so that it is not allocated
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
		x.unit(b[:Unit], number, turn)
		b = b[Unit:]
	}
}

func (x *xts) unit(b []byte, number uint64, turn func(dst, src []byte)) {
	le := binary.LittleEndian
	le.PutUint64(x.block[:8], number)
	le.PutUint64(x.block[8:], 0)
	x.tweak.Encrypt(x.block[:], x.block[:])
	lo, hi := le.Uint64(x.block[:8]), le.Uint64(x.block[8:])
	for len(b) >= aes.BlockSize {
		one := b[:aes.BlockSize:aes.BlockSize]
		le.PutUint64(one[:8], le.Uint64(one[:8])^lo)
		le.PutUint64(one[8:], le.Uint64(one[8:])^hi)
		turn(one, one)
		le.PutUint64(one[:8], le.Uint64(one[:8])^lo)
		le.PutUint64(one[8:], le.Uint64(one[8:])^hi)
		// The next tweak is this one times x in GF(2^128).
		carry := hi >> 63
		lo, hi = lo<<1^0x87&-carry, hi<<1|lo>>63
		b = b[aes.BlockSize:]
	}
}
