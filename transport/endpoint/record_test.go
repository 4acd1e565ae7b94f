package endpoint

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/transport"
)

// testKey returns a key that is the same each time.
func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string([]byte{n}), ed25519.SeedSize)))
}

// keyFor returns the Key of testKey.
func keyFor(n byte) transport.Key {
	return transport.KeyOf(testKey(n).Public().(ed25519.PublicKey))
}

// signer signs as an identity does: domain, then message.
func signer(key ed25519.PrivateKey) func(string, []byte) []byte {
	return func(domain string, msg []byte) []byte {
		return ed25519.Sign(key, append([]byte(domain), msg...))
	}
}

var testNow = time.UnixMilli(1_800_000_000_000)

// testRecord returns a record that is good at testNow.
func testRecord(t testing.TB) Record {
	relay, err := transport.NewRelayURL(keyFor(9), "relay.example.org", 7000)
	if err != nil {
		t.Fatal(err)
	}
	return Record{Identity: keyFor(1), Seq: 77, Expiry: testNow.Add(time.Hour), Relays: []transport.RelayURL{relay}, Generation: 3}
}

func TestEndpoint(t *testing.T) {
	e, addressKey := testRecord(t), [32]byte{1}
	addrs := []transport.Addr{"/ip4/1.2.3.4/udp/7/quic-v1", "/ip6/2001:db8::1/udp/7/quic-v1", "/ip4/0.0.0.0/udp/7/quic-v1"}
	b, err := e.Encode(addrs, addressKey, signer(testKey(1)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b, keyFor(1), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity != e.Identity || got.Seq != e.Seq || !got.Expiry.Equal(e.Expiry) || got.Generation != e.Generation ||
		!slices.Equal(got.Relays, e.Relays) {
		t.Errorf("got %+v, want %+v", got, e)
	}
	if opened, err := got.OpenAddrs(addressKey); err != nil || !slices.Equal(opened, addrs[:2]) {
		t.Errorf("OpenAddrs: got %v, %v, want %v", opened, err, addrs[:2])
	}
	if _, err := got.OpenAddrs([32]byte{2}); !errors.Is(err, ErrKey) {
		t.Errorf("OpenAddrs with another key: got %v, want %v", err, ErrKey)
	}
	if _, err := (Record{}).OpenAddrs(addressKey); !errors.Is(err, ErrKey) {
		t.Errorf("OpenAddrs of nothing: got %v, want %v", err, ErrKey)
	}
}

func TestEndpointHidesAddresses(t *testing.T) {
	sizes := map[int]bool{}
	for _, n := range []int{0, 1, 16} {
		var addrs []transport.Addr
		for i := range n {
			addrs = append(addrs, transport.Addr(fmt.Sprintf("/ip6/2001:db8::%d/udp/7000/quic-v1", i+1)))
		}
		b, err := testRecord(t).Encode(addrs, [32]byte{1}, signer(testKey(1)))
		if err != nil {
			t.Fatal(err)
		}
		if len(addrs) > 0 && bytes.Contains(b, addrs[0].Bytes()) {
			t.Error("an address can be read")
		}
		sizes[len(b)] = true
	}
	if len(sizes) != 1 {
		t.Errorf("got records of %d sizes, want one", len(sizes))
	}
}

func TestEndpointRefuses(t *testing.T) {
	encode := func(change func(*Record), key byte) []byte {
		e := testRecord(t)
		change(&e)
		b, err := e.Encode(nil, [32]byte{1}, signer(testKey(key)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same := func(*Record) {}
	good := encode(same, 1)
	flipped := bytes.Clone(good)
	flipped[40] ^= 1
	version := bytes.Clone(good)
	version[0] = 2
	for _, tt := range []struct {
		name string
		in   []byte
		want error
	}{
		{"good", good, nil},
		{"empty", nil, ErrFormat},
		{"cut short", good[:len(good)-1], ErrFormat},
		{"longer", append(bytes.Clone(good), 0), ErrFormat},
		{"oversize", make([]byte, MaxSize+1), ErrFormat},
		{"version", version, ErrFormat},
		{"flipped bit", flipped, ErrSignature},
		{"wrong signer", encode(same, 2), ErrSignature},
		{"of another", encode(func(e *Record) { e.Identity = keyFor(2) }, 2), ErrOwner},
		{"expired", encode(func(e *Record) { e.Expiry = testNow }, 1), ErrExpired},
		{"lives too long", encode(func(e *Record) { e.Expiry = testNow.Add(MaxLife + time.Millisecond) }, 1), ErrExpired},
		{"lives long", encode(func(e *Record) { e.Expiry = testNow.Add(MaxLife) }, 1), nil},
	} {
		if _, err := Parse(tt.in, keyFor(1), testNow); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestEndpointEncodeLimits(t *testing.T) {
	e := testRecord(t)
	sign := signer(testKey(1))
	if _, err := e.Encode(slices.Repeat([]transport.Addr{"/ip4/1.2.3.4/udp/7/quic-v1"}, 17), [32]byte{}, sign); err == nil {
		t.Error("17 addresses: got no error")
	}
	if _, err := e.Encode([]transport.Addr{"rubbish"}, [32]byte{}, sign); err == nil {
		t.Error("malformed address: got no error")
	}
	e.Relays = slices.Repeat(e.Relays, 5)
	if _, err := e.Encode(nil, [32]byte{}, sign); err == nil {
		t.Error("5 relays: got no error")
	}
	e.Relays = []transport.RelayURL{{Key: keyFor(1), Host: "UPPER.example", Port: 1}}
	if b, err := e.Encode(nil, [32]byte{}, sign); err == nil {
		if _, err := Parse(b, keyFor(1), testNow); err == nil {
			t.Error("relay host in another spelling was accepted")
		}
	}
}

func TestParseEndpointAddrs(t *testing.T) {
	for name, in := range map[string][]byte{
		"empty": {}, "17 addresses": {17}, "cut short": {1, 0, 9, 4}, "padding": {0, 0, 1}, "empty address": {1, 0, 0},
	} {
		if got, err := parseAddrs(in); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}

func FuzzParseEndpoint(f *testing.F) {
	b, err := testRecord(f).Encode([]transport.Addr{"/ip4/1.2.3.4/udp/7/quic-v1"}, [32]byte{1}, signer(testKey(1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-ed25519.SignatureSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, _, _, err := read(b)
		if err != nil {
			return
		}
		if len(b) > MaxSize || len(e.Relays) > MaxRelays {
			t.Errorf("accepted %d bytes with %d relays", len(b), len(e.Relays))
		}
		e.OpenAddrs([32]byte{1})
		Parse(b, keyFor(1), testNow)
		// Sign what was read again: it must then be accepted or refused by its time alone.
		e.Identity = keyFor(1)
		signed, err := e.Encode(nil, [32]byte{1}, signer(testKey(1)))
		if err != nil {
			t.Fatalf("what was read cannot be encoded: %v", err)
		}
		if _, err := Parse(signed, keyFor(1), testNow); err != nil && !errors.Is(err, ErrExpired) {
			t.Errorf("what was encoded is refused: %v", err)
		}
	})
}

func FuzzParseEndpointAddrs(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add(append([]byte{1, 0, 11}, transport.Addr("/ip4/1.2.3.4/udp/7/quic-v1").Bytes()...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if addrs, err := parseAddrs(b); err == nil && len(addrs) > MaxAddrs {
			t.Errorf("got %d addresses", len(addrs))
		}
	})
}
