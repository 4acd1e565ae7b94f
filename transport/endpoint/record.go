package endpoint

import (
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/transport"
)

const (
	// Domain is the domain under which an endpoint record is signed.
	Domain = "quicnprotochat endpoint v1"
	// MaxSize is the size of the largest endpoint record in bytes.
	MaxSize = 4 << 10
	// MaxLife is how far ahead the expiry of a record may lie. Who
	// publishes takes less, so that a reader whose clock is late accepts it.
	MaxLife = 24 * time.Hour
	// MaxRelays is the number of home relays that a record may name.
	MaxRelays = 4
	// MaxAddrs is the number of addresses that a record may hold.
	MaxAddrs = 16

	version   = 1
	addrsInfo = "quicnprotochat endpoint addresses v1"
	// The sealed addresses are salt ‖ ciphertext; salt makes key and nonce fresh.
	saltSize = 32
	// bucket is what the list of addresses is padded to a multiple of:
	// sixteen IPv6 addresses fit into the first, so that records look alike.
	bucket = 512
	// maxPlain leaves room for all the rest of a record.
	maxPlain = 4 * bucket
)

// Record is one endpoint record. Everybody may read it except its addresses, which are sealed
// under the address key of the identity's contact card.
//
// Its encoding, all numbers big-endian: version 1 ‖ identity 32 ‖ seq u64 ‖
// expiry u64 (unix ms) ‖ generation u32 ‖ u8 number of relays, each key 32 ‖
// u8-length host ‖ port u16 ‖ u16-length sealed addresses ‖ signature 64 over
// all before it under Domain.
//
// Sealed addresses are salt 32 ‖ ChaCha20-Poly1305 under key 32 ‖ nonce 12 =
// HKDF-SHA256(address key, salt, addrsInfo), with the additional data
// version ‖ identity ‖ seq, of: u8 number, each u16-length binary multiaddr, then
// zeros up to a multiple of 512 bytes. A record without addresses looks the same.
type Record struct {
	Identity   transport.Key
	Seq        uint64               // unix ms at which it was made; the higher one counts
	Expiry     time.Time            // ms precision
	Relays     []transport.RelayURL // home relays, at most MaxRelays
	Generation uint32               // deposit passes of lower generations are cancelled

	sealed []byte
}

// Encode returns the record with addrs sealed under addressKey, signed by sign.
// Addresses that nobody can dial are left out.
func (e Record) Encode(addrs []transport.Addr, addressKey [32]byte, sign func(domain string, msg []byte) []byte) ([]byte, error) {
	if len(e.Relays) > MaxRelays {
		return nil, fmt.Errorf("encode endpoint: %d relays", len(e.Relays))
	}
	sealed, err := e.sealAddrs(addrs, addressKey)
	if err != nil {
		return nil, fmt.Errorf("encode endpoint: %w", err)
	}
	var b cryptobyte.Builder
	e.addHeader(&b)
	b.AddUint64(uint64(e.Expiry.UnixMilli()))
	b.AddUint32(e.Generation)
	b.AddUint8(uint8(len(e.Relays)))
	for _, r := range e.Relays {
		if _, err := transport.NewRelayURL(r.Key, r.Host, r.Port); err != nil {
			return nil, fmt.Errorf("encode endpoint: %w", err)
		}
		b.AddBytes(r.Key[:])
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Host)) })
		b.AddUint16(r.Port)
	}
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(sealed) })
	record, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode endpoint: %w", err)
	}
	sig := sign(Domain, record)
	if len(sig) != ed25519.SignatureSize {
		return nil, errors.New("encode endpoint: no signature")
	}
	return append(record, sig...), nil
}

// Parse reads and checks a record that should be of the identity want.
// It reports ErrFormat, ErrOwner, ErrSignature or ErrExpired. Whether the record
// is newer than the one already known is for the caller to compare by Seq.
func Parse(b []byte, want transport.Key, now time.Time) (Record, error) {
	e, err := ParseAny(b, want)
	if err != nil {
		return Record{}, err
	}
	if !now.Before(e.Expiry) || e.Expiry.After(now.Add(MaxLife)) {
		return Record{}, ErrExpired
	}
	return e, nil
}

// ParseAny is Parse of a record of any time, for whoever wants to know what was signed
// once and not where somebody is.
func ParseAny(b []byte, want transport.Key) (Record, error) {
	e, signed, sig, err := read(b)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if e.Identity != want {
		return Record{}, ErrOwner
	}
	if e.Identity.Check() != nil || !ed25519.Verify(e.Identity[:], append([]byte(Domain), signed...), sig) {
		return Record{}, ErrSignature
	}
	return e, nil
}

// OpenAddrs returns the addresses in the record. It reports ErrKey when
// addressKey is not the one they are sealed under.
func (e Record) OpenAddrs(addressKey [32]byte) ([]transport.Addr, error) {
	if len(e.sealed) < saltSize {
		return nil, ErrKey
	}
	aead, nonce, err := addrsAEAD(addressKey, e.sealed[:saltSize])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, e.sealed[saltSize:], e.header())
	if err != nil {
		return nil, ErrKey
	}
	addrs, err := parseAddrs(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return addrs, nil
}

// addHeader appends what a record begins with and its addresses are bound to.
func (e Record) addHeader(b *cryptobyte.Builder) {
	b.AddUint8(version)
	b.AddBytes(e.Identity[:])
	b.AddUint64(e.Seq)
}

// header returns what addHeader appends.
func (e Record) header() []byte {
	h := append([]byte{version}, e.Identity[:]...)
	return binary.BigEndian.AppendUint64(h, e.Seq)
}

// sealAddrs pads and seals the addresses that can be dialled.
func (e Record) sealAddrs(addrs []transport.Addr, addressKey [32]byte) ([]byte, error) {
	plain := []byte{0}
	for _, a := range addrs {
		raw := a.Bytes()
		if raw == nil {
			return nil, fmt.Errorf("address %q is not valid", a)
		}
		if !a.CanDial() {
			continue
		}
		plain[0]++
		plain = binary.BigEndian.AppendUint16(plain, uint16(len(raw)))
		plain = append(plain, raw...)
		if plain[0] > MaxAddrs || len(plain) > maxPlain {
			return nil, errors.New("too many addresses")
		}
	}
	if over := len(plain) % bucket; over != 0 {
		plain = append(plain, make([]byte, bucket-over)...)
	}
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	aead, nonce, err := addrsAEAD(addressKey, salt)
	if err != nil {
		return nil, err
	}
	return aead.Seal(salt, nonce, plain, e.header()), nil
}

// addrsAEAD derives the cipher and nonce of one record's addresses.
func addrsAEAD(addressKey [32]byte, salt []byte) (aead cipher.AEAD, nonce []byte, err error) {
	const keySize, nonceSize = chacha20poly1305.KeySize, chacha20poly1305.NonceSize
	material, err := hkdf.Key(sha256.New, addressKey[:], salt, addrsInfo, keySize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("endpoint key: %w", err)
	}
	aead, err = chacha20poly1305.New(material[:keySize])
	if err != nil {
		return nil, nil, fmt.Errorf("endpoint key: %w", err)
	}
	return aead, material[keySize:], nil
}

// parseAddrs reads the padded list of addresses.
func parseAddrs(plain []byte) ([]transport.Addr, error) {
	s := cryptobyte.String(plain)
	var n uint8
	if !s.ReadUint8(&n) || n > MaxAddrs {
		return nil, errors.New("number of addresses")
	}
	addrs := make([]transport.Addr, 0, n)
	for range n {
		var raw cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&raw) {
			return nil, errors.New("address cut short")
		}
		a, err := transport.ParseAddrBytes(raw)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	for _, c := range s {
		if c != 0 {
			return nil, errors.New("padding is not zero")
		}
	}
	return addrs, nil
}

// read reads the fields of a record and checks nothing but their form.
func read(b []byte) (e Record, signed, sig []byte, err error) {
	if len(b) > MaxSize {
		return e, nil, nil, errors.New("too large")
	}
	if len(b) < ed25519.SignatureSize {
		return e, nil, nil, errors.New("cut short")
	}
	signed, sig = b[:len(b)-ed25519.SignatureSize], b[len(b)-ed25519.SignatureSize:]
	s := cryptobyte.String(signed)
	var v, relays uint8
	var expiry uint64
	if !s.ReadUint8(&v) || v != version {
		return e, nil, nil, errors.New("unknown version")
	}
	if !s.CopyBytes(e.Identity[:]) || !s.ReadUint64(&e.Seq) || !s.ReadUint64(&expiry) ||
		!s.ReadUint32(&e.Generation) || !s.ReadUint8(&relays) {
		return e, nil, nil, errors.New("cut short")
	}
	if relays > MaxRelays || expiry > maxUnixMilli {
		return e, nil, nil, errors.New("value out of range")
	}
	e.Expiry = time.UnixMilli(int64(expiry))
	for range relays {
		r, err := readRelay(&s)
		if err != nil {
			return e, nil, nil, err
		}
		e.Relays = append(e.Relays, r)
	}
	var sealed cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&sealed) || !s.Empty() {
		return e, nil, nil, errors.New("wrong length")
	}
	if n := len(sealed) - saltSize - chacha20poly1305.Overhead; n <= 0 || n%bucket != 0 || n > maxPlain {
		return e, nil, nil, errors.New("sealed addresses have a wrong length")
	}
	e.sealed = append([]byte(nil), sealed...)
	return e, signed, sig, nil
}

// maxUnixMilli is 31 December 9999, the last time that RFC 3339 can write.
const maxUnixMilli = 253402300799999

// readRelay reads one home relay.
func readRelay(s *cryptobyte.String) (transport.RelayURL, error) {
	var r transport.RelayURL
	var host cryptobyte.String
	if !s.CopyBytes(r.Key[:]) || !s.ReadUint8LengthPrefixed(&host) || !s.ReadUint16(&r.Port) {
		return transport.RelayURL{}, errors.New("relay cut short")
	}
	r.Host = string(host)
	checked, err := transport.NewRelayURL(r.Key, r.Host, r.Port)
	if err != nil {
		return transport.RelayURL{}, err
	}
	if checked != r {
		return transport.RelayURL{}, errors.New("relay not in canonical form")
	}
	return r, nil
}
