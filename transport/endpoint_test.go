package transport

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// signer signs as an identity does: domain, then message.
func signer(key ed25519.PrivateKey) func(string, []byte) []byte {
	return func(domain string, msg []byte) []byte {
		return ed25519.Sign(key, append([]byte(domain), msg...))
	}
}

var testNow = time.UnixMilli(1_800_000_000_000)

// testEndpoint returns a record that is good at testNow.
func testEndpoint(t testing.TB) Endpoint {
	relay, err := NewRelayURL(keyFor(9), "relay.example.org", 7000)
	if err != nil {
		t.Fatal(err)
	}
	return Endpoint{Identity: keyFor(1), Seq: 77, Expiry: testNow.Add(time.Hour), Relays: []RelayURL{relay}, Generation: 3}
}

func TestEndpoint(t *testing.T) {
	e, addressKey := testEndpoint(t), [32]byte{1}
	addrs := []Addr{"/ip4/1.2.3.4/udp/7/quic-v1", "/ip6/2001:db8::1/udp/7/quic-v1", "/ip4/0.0.0.0/udp/7/quic-v1"}
	b, err := e.Encode(addrs, addressKey, signer(testKey(1)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseEndpoint(b, keyFor(1), testNow)
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
	if _, err := got.OpenAddrs([32]byte{2}); !errors.Is(err, ErrEndpointKey) {
		t.Errorf("OpenAddrs with another key: got %v, want %v", err, ErrEndpointKey)
	}
	if _, err := (Endpoint{}).OpenAddrs(addressKey); !errors.Is(err, ErrEndpointKey) {
		t.Errorf("OpenAddrs of nothing: got %v, want %v", err, ErrEndpointKey)
	}
}

func TestEndpointHidesAddresses(t *testing.T) {
	sizes := map[int]bool{}
	for _, n := range []int{0, 1, 16} {
		var addrs []Addr
		for i := range n {
			addrs = append(addrs, Addr(fmt.Sprintf("/ip6/2001:db8::%d/udp/7000/quic-v1", i+1)))
		}
		b, err := testEndpoint(t).Encode(addrs, [32]byte{1}, signer(testKey(1)))
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
	encode := func(change func(*Endpoint), key byte) []byte {
		e := testEndpoint(t)
		change(&e)
		b, err := e.Encode(nil, [32]byte{1}, signer(testKey(key)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same := func(*Endpoint) {}
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
		{"empty", nil, ErrEndpointFormat},
		{"cut short", good[:len(good)-1], ErrEndpointFormat},
		{"longer", append(bytes.Clone(good), 0), ErrEndpointFormat},
		{"oversize", make([]byte, MaxEndpoint+1), ErrEndpointFormat},
		{"version", version, ErrEndpointFormat},
		{"flipped bit", flipped, ErrEndpointSignature},
		{"wrong signer", encode(same, 2), ErrEndpointSignature},
		{"of another", encode(func(e *Endpoint) { e.Identity = keyFor(2) }, 2), ErrEndpointOwner},
		{"expired", encode(func(e *Endpoint) { e.Expiry = testNow }, 1), ErrEndpointExpired},
		{"lives too long", encode(func(e *Endpoint) { e.Expiry = testNow.Add(MaxEndpointLife + time.Millisecond) }, 1), ErrEndpointExpired},
		{"lives long", encode(func(e *Endpoint) { e.Expiry = testNow.Add(MaxEndpointLife) }, 1), nil},
	} {
		if _, err := ParseEndpoint(tt.in, keyFor(1), testNow); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestEndpointEncodeLimits(t *testing.T) {
	e := testEndpoint(t)
	sign := signer(testKey(1))
	if _, err := e.Encode(slices.Repeat([]Addr{"/ip4/1.2.3.4/udp/7/quic-v1"}, 17), [32]byte{}, sign); err == nil {
		t.Error("17 addresses: got no error")
	}
	if _, err := e.Encode([]Addr{"rubbish"}, [32]byte{}, sign); err == nil {
		t.Error("malformed address: got no error")
	}
	e.Relays = slices.Repeat(e.Relays, 5)
	if _, err := e.Encode(nil, [32]byte{}, sign); err == nil {
		t.Error("5 relays: got no error")
	}
	e.Relays = []RelayURL{{Key: keyFor(1), Host: "UPPER.example", Port: 1}}
	if b, err := e.Encode(nil, [32]byte{}, sign); err == nil {
		if _, err := ParseEndpoint(b, keyFor(1), testNow); err == nil {
			t.Error("relay host in another spelling was accepted")
		}
	}
}

func TestParseEndpointAddrs(t *testing.T) {
	for name, in := range map[string][]byte{
		"empty": {}, "17 addresses": {17}, "cut short": {1, 0, 9, 4}, "padding": {0, 0, 1}, "empty address": {1, 0, 0},
	} {
		if got, err := parseEndpointAddrs(in); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}

func FuzzParseEndpoint(f *testing.F) {
	b, err := testEndpoint(f).Encode([]Addr{"/ip4/1.2.3.4/udp/7/quic-v1"}, [32]byte{1}, signer(testKey(1)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-ed25519.SignatureSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, _, _, err := readEndpoint(b)
		if err != nil {
			return
		}
		if len(b) > MaxEndpoint || len(e.Relays) > MaxEndpointRelays {
			t.Errorf("accepted %d bytes with %d relays", len(b), len(e.Relays))
		}
		e.OpenAddrs([32]byte{1})
		ParseEndpoint(b, keyFor(1), testNow)
		// Sign what was read again: it must then be accepted or refused by its time alone.
		e.Identity = keyFor(1)
		signed, err := e.Encode(nil, [32]byte{1}, signer(testKey(1)))
		if err != nil {
			t.Fatalf("what was read cannot be encoded: %v", err)
		}
		if _, err := ParseEndpoint(signed, keyFor(1), testNow); err != nil && !errors.Is(err, ErrEndpointExpired) {
			t.Errorf("what was encoded is refused: %v", err)
		}
	})
}

func FuzzParseEndpointAddrs(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add(append([]byte{1, 0, 11}, Addr("/ip4/1.2.3.4/udp/7/quic-v1").Bytes()...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if addrs, err := parseEndpointAddrs(b); err == nil && len(addrs) > MaxEndpointAddrs {
			t.Errorf("got %d addresses", len(addrs))
		}
	})
}
