package lan

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

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/mdns"
)

// The form of a sealed announcement, see the package.
const (
	sealedVersion = 1
	saltSize      = 16
	sealedInfo    = "quicnprotochat lan v1"
	plainMost     = mdns.MaxSealed - 1 - saltSize - chacha20poly1305.Overhead
)

// sealAddrs seals addresses, as many as there is room for.
func sealAddrs(addressKey [32]byte, addrs []address.Addr) ([]byte, error) {
	var plain []byte
	for _, a := range addrs[:min(len(addrs), mdns.MaxAddrs)] {
		raw := a.Bytes()
		if len(raw) == 0 || len(raw) > 255 || len(plain)+1+len(raw) > plainMost {
			continue
		}
		plain = append(append(plain, byte(len(raw))), raw...)
	}
	sealed := make([]byte, 1+saltSize)
	sealed[0] = sealedVersion
	if _, err := rand.Read(sealed[1:]); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	aead, nonce, err := newAEAD(addressKey, sealed[1:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(sealed, nonce, plain, sealed[:1]), nil
}

// openAddrs opens what sealAddrs made; ok is false if it is of another key.
func openAddrs(addressKey [32]byte, sealed []byte) (addrs []address.Addr, ok bool) {
	if len(sealed) < 1+saltSize || sealed[0] != sealedVersion {
		return nil, false
	}
	aead, nonce, err := newAEAD(addressKey, sealed[1:1+saltSize])
	if err != nil {
		return nil, false
	}
	plain, err := aead.Open(nil, nonce, sealed[1+saltSize:], sealed[:1])
	if err != nil {
		return nil, false
	}
	addrs, err = parseAddrs(plain)
	return addrs, err == nil
}

// parseAddrs reads the addresses in a sealed announcement.
func parseAddrs(plain []byte) (addrs []address.Addr, err error) {
	for s := cryptobyte.String(plain); !s.Empty(); {
		var raw cryptobyte.String
		if !s.ReadUint8LengthPrefixed(&raw) || len(addrs) == mdns.MaxAddrs {
			return nil, errors.New("wrong length")
		}
		a, err := address.ParseAddrBytes(raw)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

func newAEAD(addressKey [32]byte, salt []byte) (aead cipher.AEAD, nonce []byte, err error) {
	const keySize, nonceSize = chacha20poly1305.KeySize, chacha20poly1305.NonceSize
	material, err := hkdf.Key(sha256.New, addressKey[:], salt, sealedInfo, keySize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("announcement key: %w", err)
	}
	aead, err = chacha20poly1305.New(material[:keySize])
	return aead, material[keySize:], err
}

// seal is what is announced of the addresses in place of their text.
func (d *Discovery) seal(here []mdns.Addr) ([]byte, error) {
	var addrs []address.Addr
	for _, a := range d.cfg.Addrs() {
		for _, h := range here {
			if h.Text == a.WithKey(d.cfg.Self) {
				addrs = append(addrs, a)
			}
		}
	}
	key, err := d.cfg.Key()
	if err != nil {
		return nil, err
	}
	return sealAddrs(key, addrs)
}

// heardSealed notes whose sealed announcement was heard, if we may know it.
func (d *Discovery) heardSealed(n mdns.Node, nets []netip.Prefix, now time.Time) {
	if d.cfg.Keys == nil {
		return
	}
	for k, key := range d.keysFor(n.From, now) {
		if addrs, ok := openAddrs(key, n.Sealed); ok {
			d.heard(peer{key: k, addrs: addrs, gone: n.Gone, from: n.From}, nets, now)
			return
		}
	}
}

// keysFor returns the keys with which a sealed announcement from there may be tried.
func (d *Discovery) keysFor(from netip.Addr, now time.Time) map[address.Key][32]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.shares.at(from).sealed.AllowN(now, 1) {
		return nil
	}
	keys := d.cfg.Keys()
	if !d.shares.of(from).tries.AllowN(now, min(len(keys), maxTries)) {
		return nil
	}
	return keys
}
