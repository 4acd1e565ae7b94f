package contact

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/identity"
	"quicnprotochat/node/message"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

// newIdentity derives an identity from one byte.
func newIdentity(t testing.TB, b byte) *identity.Identity {
	t.Helper()
	i, err := identity.FromSeed(bytes.Repeat([]byte{b}, identity.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func newKey(t testing.TB, b byte) transport.Key { return transport.Key(newIdentity(t, b).ID()) }

func newRelay(t testing.TB, b byte, host string) transport.RelayURL {
	t.Helper()
	u, err := transport.NewRelayURL(newKey(t, b), host, 7000)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newAddr(t testing.TB, text string) transport.Addr {
	t.Helper()
	a, err := transport.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newCard returns the card of somebody with one relay, as today's nodes make it.
func newCard(t testing.TB) (Card, *identity.Identity) {
	t.Helper()
	alice := newIdentity(t, 1)
	host := transport.Key(alice.ID())
	return Card{
		Identity: alice.ID(),
		Name:     "Alice",
		HostKeys: []transport.Key{host},
		Relays:   []transport.RelayURL{newRelay(t, 9, "relay.example.org")},
		Addrs: []transport.Addr{
			newAddr(t, "/ip4/192.0.2.7/udp/40123/quic-v1"), newAddr(t, "/ip6/2001:db8::1/udp/40123/quic-v1"),
		},
		AddressKey: [32]byte{1, 2, 3},
		Hello: pass.Pass{
			Recipient: alice.ID(), Relay: host, Kind: pass.Hello, Generation: 3,
			Expiry: testTime.Add(pass.MaxLife),
		}.Sign(alice.Sign),
		Issued: testTime,
	}, alice
}

// fullCard returns a card with as many of everything as there may be.
func fullCard(t testing.TB) (Card, *identity.Identity) {
	t.Helper()
	c, alice := newCard(t)
	c.Name = strings.Repeat("x", MaxNameRunes)
	c.Relays, c.Addrs = nil, nil
	long := strings.Repeat(strings.Repeat("a", 61)+".", 4) + "example"
	for i := range byte(MaxHostKeys) {
		c.HostKeys = append(c.HostKeys, newKey(t, 20+i))
	}
	for i := range byte(MaxRelays) {
		c.Relays = append(c.Relays, newRelay(t, 30+i, long[:250]))
	}
	for range MaxAddrs {
		c.Addrs = append(c.Addrs, newAddr(t, "/dns/"+long[:250]+"/udp/65535/quic-v1"))
	}
	return c, alice
}

func TestCardRoundTrip(t *testing.T) {
	alice := newIdentity(t, 1)
	normal, _ := newCard(t)
	full, _ := fullCard(t)
	least := Card{
		Identity: alice.ID(), Name: "A", HostKeys: []transport.Key{transport.Key(alice.ID())},
		Issued: time.UnixMilli(0).UTC(),
	}
	otherHost := normal
	otherHost.HostKeys = []transport.Key{newKey(t, 5), newKey(t, 6)}
	otherHost.Hello.Relay = otherHost.HostKeys[0]
	otherHost.Hello = otherHost.Hello.Sign(alice.Sign)
	sealed, _ := fullCard(t)
	sealed.Sealed = []transport.Key{sealed.Relays[1].Key, sealed.Relays[3].Key}
	for name, c := range map[string]Card{
		"normal": normal, "full": full, "sealed": sealed, "least": least, "other host keys": otherHost,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := c.Encode(alice.Sign)
			if err != nil {
				t.Fatal(err)
			}
			if len(b) > MaxCard {
				t.Errorf("%d bytes", len(b))
			}
			got, err := ParseCard(b)
			if err != nil || !reflect.DeepEqual(got, c) {
				t.Errorf("got %+v, %v, want %+v", got, err, c)
			}
			again, err := got.Encode(alice.Sign)
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("encoded again: %v, or other bytes", err)
			}
		})
	}
}

// TestCardSize holds the link of a usual card to what a QR code of 81 by 81
// modules has room for at correction level M (version 16, 450 bytes).
func TestCardSize(t *testing.T) {
	c, alice := newCard(t)
	link, err := c.Link(alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	if len(link) > 450 {
		t.Errorf("link of %d characters", len(link))
	}
	if MaxCard > message.MaxCard || pass.Size > message.MaxPass {
		t.Error("a control has no room for a card or a pass")
	}
}

func TestCardEncodeRefuses(t *testing.T) {
	alice := newIdentity(t, 1)
	tests := map[string]func(c *Card){
		"no name":               func(c *Card) { c.Name = "" },
		"no visible name":       func(c *Card) { c.Name = "\u202e \t\u200b" },
		"no host key":           func(c *Card) { c.HostKeys = nil; c.Hello = pass.Pass{} },
		"too many host keys":    func(c *Card) { c.HostKeys = append(c.HostKeys, newKey(t, 99)) },
		"host key twice":        func(c *Card) { c.HostKeys[2] = c.HostKeys[1] },
		"identity second":       func(c *Card) { c.HostKeys[0], c.HostKeys[1] = c.HostKeys[1], c.HostKeys[0]; c.Hello = pass.Pass{} },
		"bad host key":          func(c *Card) { c.HostKeys[1] = transport.Key{1} },
		"too many relays":       func(c *Card) { c.Relays = append(c.Relays, newRelay(t, 40, "a")) },
		"relay without key":     func(c *Card) { c.Relays[0].Key = transport.Key{} },
		"relay on port 0":       func(c *Card) { c.Relays[0].Port = 0 },
		"relay without host":    func(c *Card) { c.Relays[0].Host = "" },
		"relay in upper case":   func(c *Card) { c.Relays[0].Host = "A.example" },
		"relay name too long":   func(c *Card) { c.Relays[0].Host = strings.Repeat("a", 256) },
		"too many addresses":    func(c *Card) { c.Addrs = append(c.Addrs, newAddr(t, "/ip4/192.0.2.1/udp/1/quic-v1")) },
		"no address":            func(c *Card) { c.Addrs[0] = "" },
		"before 1970":           func(c *Card) { c.Issued = time.UnixMilli(-1) },
		"year 10000":            func(c *Card) { c.Issued = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"not the key of sign":   func(c *Card) { c.Identity = newIdentity(t, 2).ID(); c.Hello = pass.Pass{} },
		"no such identity":      func(c *Card) { c.Identity = rpc.Identity{}; c.Hello = pass.Pass{} },
		"contact pass":          func(c *Card) { c.Hello.Kind = pass.Contact },
		"pass of another":       func(c *Card) { c.Hello.Recipient = newIdentity(t, 2).ID() },
		"pass for another host": func(c *Card) { c.Hello.Relay = c.HostKeys[1] },
		"pass without expiry":   func(c *Card) { c.Hello.Expiry = time.Time{} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := fullCard(t)
			change(&c)
			_, err := c.Encode(alice.Sign)
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
				t.Errorf("got %v", err)
			}
		})
	}
	c, _ := newCard(t)
	if _, err := c.Encode(func(string, []byte) []byte { return nil }); !errors.Is(err, ErrMalformed) {
		t.Errorf("no signature: got %v, want %v", err, ErrMalformed)
	}
}

// resign puts the signature of its identity under a changed card.
func resign(i *identity.Identity, card []byte) []byte {
	signed := card[:len(card)-identity.SignatureSize]
	return append(bytes.Clone(signed), i.Sign(CardDomain, signed)...)
}

func TestParseCardRefuses(t *testing.T) {
	c, alice := newCard(t)
	c.Hello = pass.Pass{}
	c.HostKeys = append(c.HostKeys, newKey(t, 5))
	good, err := c.Encode(alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	// replace returns the card, signed again, with some bytes replaced.
	replace := func(old, with string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("%q is not in the card", old)
		}
		return resign(alice, bytes.Replace(good, []byte(old), []byte(with), 1))
	}
	at := func(i int, v byte) []byte {
		b := bytes.Clone(good)
		b[i] = v
		return resign(alice, b)
	}
	id, host := c.Identity, newKey(t, 5)
	unsigned := bytes.Clone(good)
	clear(unsigned[len(unsigned)-64:])
	tests := []struct {
		name string
		b    []byte
		err  error
	}{
		{"empty", nil, ErrMalformed},
		{"version 0", at(0, 0), ErrMalformed},
		{"version 2", at(0, 2), ErrMalformed},
		{"unknown flag", at(1, flagOwnHost|0x80), ErrMalformed},
		{"flag of a second relay", at(1, flagOwnHost|flagSealed<<1), ErrMalformed},
		{"no pass behind its flag", at(1, flagOwnHost|flagHello), ErrMalformed},
		{"year 10000", at(34, 0xff), ErrMalformed},
		{"name not UTF-8", replace("\x05Alice", "\x05A\xffice"), ErrMalformed},
		{"no name", replace("\x05Alice", "\x00"), ErrMalformed},
		{"invisible name", replace("\x05Alice", "\x03\u200b"), ErrMalformed},
		{"identity listed", replace("\x01"+string(host[:]), "\x01"+string(id[:])), ErrMalformed},
		{"host key unsigned", replace(string(host[:]), string(append([]byte{}, keyBytes(t, 6)...))), ErrSignature},
		{"bad host key", replace(string(host[:]), string(make([]byte, 32))), ErrMalformed},
		{"relay in upper case", replace("relay.example", "Relay.example"), ErrMalformed},
		{"relay on port 0", replace("\x1b\x58\x11relay", "\x00\x00\x11relay"), ErrMalformed},
		{"relay host cut", replace("\x11relay", "\xffrelay"), ErrMalformed},
		{"address of another form", replace("\x91\x02", "\x91\x82\x00"), ErrMalformed},
		{"signed by another", resign(newIdentity(t, 2), good), ErrSignature},
		{"unsigned", unsigned, ErrSignature},
		{"another identity", replace(string(id[:]), string(keyBytes(t, 2))), ErrSignature},
		{"trailing byte", append(bytes.Clone(good), 0), ErrMalformed},
		{"too long", make([]byte, MaxCard+1), ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseCard(tt.b); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
	for n := range good {
		if _, err := ParseCard(good[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d bytes: got %v, want %v", n, err, ErrMalformed)
		}
	}
}

func keyBytes(t testing.TB, b byte) []byte {
	k := newKey(t, b)
	return k[:]
}

// TestParseCardCounts puts one element over the bound into each list.
func TestParseCardCounts(t *testing.T) {
	alice := newIdentity(t, 1)
	id := alice.ID()
	head := []byte{cardVersion, flagOwnHost}
	head = append(append(head, id[:]...), make([]byte, 8+32)...)
	head = append(head, "\x01A"...)
	addr := newAddr(t, "/ip4/192.0.2.1/udp/1/quic-v1").Bytes()
	build := func(hosts, relays, addrs int) []byte {
		b := append(bytes.Clone(head), byte(hosts))
		for i := range hosts {
			k := keyBytes(t, byte(50+i))
			b = append(append(b, k...), alice.Sign(HostKeyDomain, k)...)
		}
		b = append(b, byte(relays))
		for range relays {
			b = append(append(b, keyBytes(t, 9)...), "\x00\x01\x01a"...)
		}
		b = append(b, byte(addrs))
		for range addrs {
			b = append(append(b, 0, byte(len(addr))), addr...)
		}
		return resign(alice, append(b, make([]byte, 64)...))
	}
	tests := []struct {
		hosts, relays, addrs int
		err                  error
	}{
		{0, 0, 0, nil},
		{MaxHostKeys, MaxRelays, MaxAddrs, nil},
		{MaxHostKeys + 1, 0, 0, ErrMalformed},
		{0, MaxRelays + 1, 0, ErrMalformed},
		{0, 0, MaxAddrs + 1, ErrMalformed},
	}
	for _, tt := range tests {
		if _, err := ParseCard(build(tt.hosts, tt.relays, tt.addrs)); !errors.Is(err, tt.err) {
			t.Errorf("%d host keys, %d relays, %d addresses: got %v, want %v", tt.hosts, tt.relays, tt.addrs, err, tt.err)
		}
	}
}

func TestParseCardCleansName(t *testing.T) {
	c, alice := newCard(t)
	b, err := c.Encode(alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte("\x05Alice"), []byte("\x06A\u202el\n"), 1)
	got, err := ParseCard(resign(alice, b))
	if err != nil || got.Name != "Al" {
		t.Errorf("got %q, %v, want %q", got.Name, err, "Al")
	}
}

// TestParseCardHello changes the pass in a card that is signed again: its own
// signature must be looked at too.
func TestParseCardHello(t *testing.T) {
	c, alice := newCard(t)
	b, err := c.Encode(alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-2*64-1] ^= 1
	if _, err := ParseCard(resign(alice, b)); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want %v", err, ErrSignature)
	}
}

// FuzzParseCard signs what the fuzzer makes, to get behind the signature.
func FuzzParseCard(f *testing.F) {
	c, alice := newCard(f)
	for _, hello := range []pass.Pass{c.Hello, {}} {
		c.Hello = hello
		b, err := c.Encode(alice.Sign)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		c.HostKeys = append(c.HostKeys, newKey(f, 5))
	}
	f.Add([]byte{cardVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		ParseCard(b)
		if len(b) < 34+64 {
			return
		}
		b = bytes.Clone(b)
		id := alice.ID()
		copy(b[2:], id[:])
		c, err := ParseCard(resign(alice, b))
		if err != nil {
			return
		}
		again, err := c.Encode(alice.Sign)
		if err != nil {
			t.Fatalf("parsed, but does not encode: %v", err)
		}
		if got, err := ParseCard(again); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("got %+v, %v, want %+v", got, err, c)
		}
	})
}

func BenchmarkParseCard(b *testing.B) {
	for name, make := range map[string]func(testing.TB) (Card, *identity.Identity){"usual": newCard, "full": fullCard} {
		c, alice := make(b)
		card, err := c.Encode(alice.Sign)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ParseCard(card); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
