package transport

import (
	"crypto/ed25519"

	"quicnprotochat/transport/address"
	"quicnprotochat/transport/tried"
)

type (
	// Addr is the text of a checked multiaddr, see address.Addr.
	Addr = address.Addr
	// Key is the key of a machine, see address.Key.
	Key = address.Key
	// RelayURL says where a relay is and which key it must prove, see
	// address.RelayURL.
	RelayURL = address.RelayURL
	// Attempt is one try to connect to an address, see tried.Attempt.
	Attempt = tried.Attempt
	// DialError says why no connection to a peer came about, see tried.Error. It matches,
	// with errors.Is, ErrNoAddress too if no address was known.
	DialError = tried.Error
)

// ParseAddr is address.ParseAddr.
func ParseAddr(text string) (Addr, error) { return address.ParseAddr(text) }

// ParseAddrBytes is address.ParseAddrBytes.
func ParseAddrBytes(b []byte) (Addr, error) { return address.ParseAddrBytes(b) }

// KeyOf is address.KeyOf.
func KeyOf(pub ed25519.PublicKey) Key { return address.KeyOf(pub) }

// ParseKey is address.ParseKey.
func ParseKey(text string) (Key, error) { return address.ParseKey(text) }

// NewRelayURL is address.NewRelayURL.
func NewRelayURL(k Key, host string, port uint16) (RelayURL, error) {
	return address.NewRelayURL(k, host, port)
}

// ParseRelayURL is address.ParseRelayURL.
func ParseRelayURL(text string) (RelayURL, error) { return address.ParseRelayURL(text) }

// ParseHost is address.ParseHost.
func ParseHost(host string) (string, error) { return address.ParseHost(host) }

// AnnounceHost is address.AnnounceHost.
func AnnounceHost(announce string, listen []Addr) string {
	return address.AnnounceHost(announce, listen)
}
