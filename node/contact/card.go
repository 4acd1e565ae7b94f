package contact

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

// The domains of a card.
const (
	// CardDomain stands before a card when its owner signs it.
	CardDomain = "quicnprotochat contact card v1"
	// HostKeyDomain stands before a host key when its owner signs it.
	HostKeyDomain = "quicnprotochat host key v1"
)

const (
	// MaxCard is the longest encoded card in bytes.
	MaxCard = 8 << 10
	// MaxHostKeys is how many host keys a card holds at most, the identity's
	// own not counted.
	MaxHostKeys = 8
	// MaxRelays is how many home relays a card holds at most.
	MaxRelays = 4
	// MaxAddrs is how many addresses a card holds at most.
	MaxAddrs = 16

	cardVersion = 1
	flagOwnHost = 1
	flagHello   = 2
	flagSealed  = 4 // and the three after it: of the first relay, and so on
)

// Card is what somebody says of itself to a contact.
type Card struct {
	Identity rpc.Identity
	// Name is what the owner wants to be called: 1 to MaxNameRunes characters,
	// cleaned.
	Name string
	// HostKeys are the keys of the owner's machines, at least one; the first is
	// the one that issued the card. Today it is the identity itself.
	HostKeys []transport.Key
	// Relays are the home relays, at most MaxRelays.
	Relays []transport.RelayURL
	// Sealed are the keys of those relays that take passes, in the order of Relays.
	Sealed []transport.Key
	// Addrs are the addresses at the time of issue, at most MaxAddrs.
	Addrs []transport.Addr
	// AddressKey opens the addresses in the owner's endpoint records.
	AddressKey [32]byte
	// Hello is the pass for a first message; zero if there is none. Its
	// Recipient is Identity, its Relay HostKeys[0], its Kind pass.Hello.
	Hello pass.Pass
	// Issued is when the card was made, in whole milliseconds. Of two cards of
	// one owner the one issued later counts.
	Issued time.Time
}

// Encode returns the card, signed, and its host keys and hello pass signed too,
// at most MaxCard bytes. sign returns the Ed25519 signature of Identity over
// domain ‖ msg. The name is cleaned; ErrMalformed if a field is out of bounds.
func (c Card) Encode(sign func(domain string, msg []byte) []byte) ([]byte, error) {
	var b cryptobyte.Builder
	others := c.HostKeys
	var flags uint8
	if len(others) > 0 && others[0] == transport.Key(c.Identity) {
		flags, others = flagOwnHost, others[1:]
	}
	if !c.Hello.IsZero() {
		flags |= flagHello
	}
	for i, r := range c.Relays[:min(len(c.Relays), MaxRelays)] {
		if slices.Contains(c.Sealed, r.Key) {
			flags |= flagSealed << i
		}
	}
	b.AddUint8(cardVersion)
	b.AddUint8(flags)
	b.AddBytes(c.Identity[:])
	b.AddUint64(uint64(c.Issued.UnixMilli()))
	b.AddBytes(c.AddressKey[:])
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(CleanName(c.Name))) })
	c.addLists(&b, others, sign)
	if err := c.addHello(&b, sign); err != nil {
		return nil, err
	}
	signed, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode card: %w: %w", ErrMalformed, err)
	}
	out := append(signed, sign(CardDomain, signed)...)
	// One set of checks for both directions.
	if _, err := ParseCard(out); err != nil {
		return nil, fmt.Errorf("encode card: %w", err)
	}
	return out, nil
}

// addLists adds the host keys but the owner's, the relays and the addresses.
func (c Card) addLists(b *cryptobyte.Builder, hostKeys []transport.Key, sign func(string, []byte) []byte) {
	if len(hostKeys) > MaxHostKeys || len(c.Relays) > MaxRelays || len(c.Addrs) > MaxAddrs {
		b.SetError(fmt.Errorf("%d host keys, %d relays, %d addresses", len(hostKeys), len(c.Relays), len(c.Addrs)))
		return
	}
	b.AddUint8(uint8(len(hostKeys)))
	for _, k := range hostKeys {
		b.AddBytes(k[:])
		b.AddBytes(sign(HostKeyDomain, k[:]))
	}
	b.AddUint8(uint8(len(c.Relays)))
	for _, r := range c.Relays {
		b.AddBytes(r.Key[:])
		b.AddUint16(r.Port)
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Host)) })
	}
	b.AddUint8(uint8(len(c.Addrs)))
	for _, a := range c.Addrs {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(a.Bytes()) })
	}
}

// addHello adds the hello pass, if there is one.
func (c Card) addHello(b *cryptobyte.Builder, sign func(string, []byte) []byte) error {
	p := c.Hello
	if p.IsZero() {
		return nil
	}
	if p.Kind != pass.Hello || p.Recipient != c.Identity || len(c.HostKeys) == 0 || p.Relay != c.HostKeys[0] {
		return fmt.Errorf("encode card: hello pass of another: %w", ErrMalformed)
	}
	p = p.Sign(sign)
	b.AddUint32(p.Generation)
	b.AddUint64(uint64(p.Expiry.UnixMilli()))
	b.AddBytes(p.Signature[:])
	return nil
}

// ParseCard parses a card and checks all its signatures.
func ParseCard(b []byte) (Card, error) {
	if len(b) > MaxCard {
		return Card{}, fmt.Errorf("parse card of %d bytes: %w", len(b), ErrMalformed)
	}
	r := cardReader{s: b}
	if !r.read() {
		return Card{}, fmt.Errorf("parse card: %w", ErrMalformed)
	}
	signed := b[:len(b)-len(r.signature)]
	if !identity.Verify(r.card.Identity, CardDomain, signed, r.signature) || !r.verifyParts() {
		return Card{}, fmt.Errorf("parse card: %w", ErrSignature)
	}
	return r.card, nil
}

// cardReader parses one card.
type cardReader struct {
	s         cryptobyte.String // what is left
	card      Card
	hostSigs  [][]byte // of the host keys that are not the identity
	signature []byte
}

// read reads the whole card and checks everything but signatures.
func (r *cardReader) read() bool {
	var version, flags uint8
	var name cryptobyte.String
	c := &r.card
	if !r.s.ReadUint8(&version) || version != cardVersion ||
		!r.s.ReadUint8(&flags) ||
		!r.s.CopyBytes(c.Identity[:]) || transport.Key(c.Identity).Check() != nil ||
		!pass.ReadTime(&r.s, &c.Issued) || !r.s.CopyBytes(c.AddressKey[:]) ||
		!r.s.ReadUint8LengthPrefixed(&name) || !utf8.Valid(name) {
		return false
	}
	// Cleaned again, not compared: what is invisible differs between versions
	// of Unicode.
	if c.Name = CleanName(string(name)); c.Name == "" {
		return false
	}
	return r.readHostKeys(flags) && r.readRelays(flags) && r.readAddrs() && r.readHello(flags) &&
		r.s.ReadBytes(&r.signature, ed25519.SignatureSize) && r.s.Empty()
}

// readCount reads the number of elements of a list.
func (r *cardReader) readCount(most int) (n int, ok bool) {
	var v uint8
	ok = r.s.ReadUint8(&v) && int(v) <= most
	return int(v), ok
}

func (r *cardReader) readHostKeys(flags uint8) bool {
	c := &r.card
	own := transport.Key(c.Identity)
	if flags&flagOwnHost != 0 {
		c.HostKeys = append(c.HostKeys, own)
	}
	n, ok := r.readCount(MaxHostKeys)
	for range n {
		var k transport.Key
		var sig []byte
		if !ok || !r.s.CopyBytes(k[:]) || !r.s.ReadBytes(&sig, ed25519.SignatureSize) ||
			k == own || slices.Contains(c.HostKeys, k) || k.Check() != nil {
			return false
		}
		c.HostKeys = append(c.HostKeys, k)
		r.hostSigs = append(r.hostSigs, sig)
	}
	return ok && len(c.HostKeys) > 0
}

func (r *cardReader) readRelays(flags uint8) bool {
	n, ok := r.readCount(MaxRelays)
	if sealed := flags / flagSealed; sealed>>n != 0 {
		return false // of relays that are not there
	}
	for i := range n {
		var k transport.Key
		var port uint16
		var host cryptobyte.String
		if !ok || !r.s.CopyBytes(k[:]) || !r.s.ReadUint16(&port) || !r.s.ReadUint8LengthPrefixed(&host) {
			return false
		}
		relay, err := transport.NewRelayURL(k, string(host), port)
		if err != nil || relay.Host != string(host) {
			return false
		}
		r.card.Relays = append(r.card.Relays, relay)
		if flags&(flagSealed<<i) != 0 {
			r.card.Sealed = append(r.card.Sealed, k)
		}
	}
	return ok
}

func (r *cardReader) readAddrs() bool {
	n, ok := r.readCount(MaxAddrs)
	for range n {
		var raw cryptobyte.String
		if !ok || !r.s.ReadUint16LengthPrefixed(&raw) {
			return false
		}
		addr, err := transport.ParseAddrBytes(raw)
		if err != nil {
			return false
		}
		r.card.Addrs = append(r.card.Addrs, addr)
	}
	return ok
}

func (r *cardReader) readHello(flags uint8) bool {
	if flags&flagHello == 0 {
		return true
	}
	c := &r.card
	c.Hello = pass.Pass{Recipient: c.Identity, Relay: c.HostKeys[0], Kind: pass.Hello}
	return r.s.ReadUint32(&c.Hello.Generation) && pass.ReadTime(&r.s, &c.Hello.Expiry) &&
		r.s.CopyBytes(c.Hello.Signature[:])
}

// verifyParts checks the signatures inside the card.
func (r *cardReader) verifyParts() bool {
	c := &r.card
	listed := c.HostKeys[len(c.HostKeys)-len(r.hostSigs):]
	for i, k := range listed {
		if !identity.Verify(c.Identity, HostKeyDomain, k[:], r.hostSigs[i]) {
			return false
		}
	}
	return c.Hello.IsZero() || c.Hello.Verify()
}
