package transport

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/transport/mdns"
)

// A sealed announcement holds the addresses of a node for those who know its
// address key, and for others nothing but that somebody is there:
//
//	version 1 | salt 16 | ChaCha20-Poly1305 of (length 1 | multiaddr)*
//
// under a key and nonce from HKDF-SHA256 of the address key and the salt.
const (
	lanSealedVersion = 1
	lanSaltSize      = 16
	lanInfo          = "quicnprotochat lan v1"
	lanPlainMost     = mdns.MaxSealed - 1 - lanSaltSize - chacha20poly1305.Overhead
)

const (
	// sealedEvery is the time between two sealed announcements that are tried with
	// the keys of all, in the long run; sealedBurst may come at once.
	sealedEvery = 50 * time.Millisecond
	sealedBurst = 64
)

// sealLAN seals addresses, as many as there is room for.
func sealLAN(addressKey [32]byte, addrs []Addr) ([]byte, error) {
	var plain []byte
	for _, a := range addrs[:min(len(addrs), mdns.MaxAddrs)] {
		raw := a.Bytes()
		if len(raw) == 0 || len(raw) > 255 || len(plain)+1+len(raw) > lanPlainMost {
			continue
		}
		plain = append(append(plain, byte(len(raw))), raw...)
	}
	sealed := make([]byte, 1+lanSaltSize)
	sealed[0] = lanSealedVersion
	if _, err := rand.Read(sealed[1:]); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	aead, nonce, err := lanAEAD(addressKey, sealed[1:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(sealed, nonce, plain, sealed[:1]), nil
}

// openLAN opens what sealLAN made; ok is false if it is of another key.
func openLAN(addressKey [32]byte, sealed []byte) (addrs []Addr, ok bool) {
	if len(sealed) < 1+lanSaltSize || sealed[0] != lanSealedVersion {
		return nil, false
	}
	aead, nonce, err := lanAEAD(addressKey, sealed[1:1+lanSaltSize])
	if err != nil {
		return nil, false
	}
	plain, err := aead.Open(nil, nonce, sealed[1+lanSaltSize:], sealed[:1])
	if err != nil {
		return nil, false
	}
	addrs, err = parseLANAddrs(plain)
	return addrs, err == nil
}

// parseLANAddrs reads the addresses in a sealed announcement.
func parseLANAddrs(plain []byte) (addrs []Addr, err error) {
	for s := cryptobyte.String(plain); !s.Empty(); {
		var raw cryptobyte.String
		if !s.ReadUint8LengthPrefixed(&raw) || len(addrs) == mdns.MaxAddrs {
			return nil, errors.New("wrong length")
		}
		a, err := ParseAddrBytes(raw)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

func lanAEAD(addressKey [32]byte, salt []byte) (aead cipher.AEAD, nonce []byte, err error) {
	const keySize, nonceSize = chacha20poly1305.KeySize, chacha20poly1305.NonceSize
	material, err := hkdf.Key(sha256.New, addressKey[:], salt, lanInfo, keySize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("announcement key: %w", err)
	}
	aead, err = chacha20poly1305.New(material[:keySize])
	return aead, material[keySize:], err
}

// seal is what is announced of the addresses in place of their text.
func (l *lan) seal(here []mdns.Addr) ([]byte, error) {
	var addrs []Addr
	for _, a := range l.host.Addrs() {
		for _, h := range here {
			if h.Text == a.WithKey(l.host.key) {
				addrs = append(addrs, a)
			}
		}
	}
	key, err := l.host.cfg.LANKey()
	if err != nil {
		return nil, err
	}
	return sealLAN(key, addrs)
}

// heardSealed notes whose sealed announcement was heard, if we may know it.
func (l *lan) heardSealed(n mdns.Node, nets []netip.Prefix, now time.Time) {
	if l.host.cfg.LANKeys == nil || !l.sealed.AllowN(now, 1) {
		return
	}
	for k, key := range l.host.cfg.LANKeys() {
		if addrs, ok := openLAN(key, n.Sealed); ok {
			l.heard(lanPeer{key: k, addrs: addrs, gone: n.Gone}, nets, now)
			return
		}
	}
}
