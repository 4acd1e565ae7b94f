package pass

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)

// person is somebody with a key.
type person struct{ key ed25519.PrivateKey }

func newPerson(b byte) person {
	return person{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))}
}

func (p person) id() rpc.Identity { return rpc.Identity(p.key.Public().(ed25519.PublicKey)) }

func (p person) sign(domain string, msg []byte) []byte {
	return ed25519.Sign(p.key, append([]byte(domain), msg...))
}

func newPass() (Pass, person) {
	alice := newPerson(1)
	return Pass{
		Recipient: alice.id(), Relay: newPerson(9).id(), Kind: Contact, Generation: 7,
		Expiry: testTime.Add(MaxLife),
	}.Sign(alice.sign), alice
}

func TestPassRoundTrip(t *testing.T) {
	p, alice := newPass()
	b := p.Encode()
	if len(b) != Size {
		t.Errorf("%d bytes, want %d", len(b), Size)
	}
	got, err := Parse(b)
	if err != nil || got != p {
		t.Errorf("got %+v, %v, want %+v", got, err, p)
	}
	if p.IsZero() || !(Pass{}).IsZero() {
		t.Error("the wrong one is zero")
	}
	unrounded := p
	unrounded.Expiry = p.Expiry.Add(time.Microsecond).In(time.FixedZone("", 3600))
	if unrounded.Sign(alice.sign) != p {
		t.Error("the same pass has other bytes")
	}
}

func TestParsePassRefuses(t *testing.T) {
	p, alice := newPass()
	good := p.Encode()
	change := func(f func(p *Pass)) []byte {
		p := p
		f(&p)
		return p.Sign(alice.sign).Encode()
	}
	version := bytes.Clone(good)
	version[0] = 2
	// With the neutral element as key, S = 0 and R = it again satisfy the equation.
	small := p
	small.Recipient, small.Signature = rpc.Identity{1}, [ed25519.SignatureSize]byte{1}
	smallOrder := small.Encode()
	late := bytes.Clone(good)
	binary.BigEndian.PutUint64(late[70:], maxTime+1)
	tests := []struct {
		name string
		b    []byte
		err  error
	}{
		{"empty", nil, ErrMalformed},
		{"short", good[:Size-1], ErrMalformed},
		{"long", append(bytes.Clone(good), 0), ErrMalformed},
		{"version", version, ErrMalformed},
		{"year 10000", late, ErrMalformed},
		{"kind 0", change(func(p *Pass) { p.Kind = 0 }), ErrMalformed},
		{"kind 3", change(func(p *Pass) { p.Kind = 3 }), ErrMalformed},
		{"before 1970", change(func(p *Pass) { p.Expiry = time.Time{} }), ErrMalformed},
		{"of small order", smallOrder, ErrSignature},
		{"another recipient", change(func(p *Pass) { p.Recipient = newPerson(2).id() }), ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.b); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
	for i := range good {
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if _, err := Parse(changed); err == nil {
			t.Errorf("taken with byte %d changed", i)
		}
	}
}

func TestPassCheck(t *testing.T) {
	p, _ := newPass()
	bob, relay := newPerson(2).id(), newPerson(8).id()
	tests := []struct {
		name string
		err  error
		got  error
	}{
		{"when made", nil, p.Check(testTime, p.Recipient, p.Relay, 7)},
		{"at its end", nil, p.Check(p.Expiry, p.Recipient, p.Relay, 7)},
		{"after its end", ErrExpired, p.Check(p.Expiry.Add(1), p.Recipient, p.Relay, 7)},
		{"late clock", nil, p.Check(testTime.Add(-clockSkew), p.Recipient, p.Relay, 7)},
		{"too far ahead", ErrExpired, p.Check(testTime.Add(-clockSkew-1), p.Recipient, p.Relay, 7)},
		{"lower generation", nil, p.Check(testTime, p.Recipient, p.Relay, 0)},
		{"raised generation", ErrCancelled, p.Check(testTime, p.Recipient, p.Relay, 8)},
		{"another recipient", ErrOther, p.Check(testTime, bob, p.Relay, 7)},
		{"another relay", ErrOther, p.Check(testTime, p.Recipient, relay, 7)},
	}
	for _, tt := range tests {
		if !errors.Is(tt.got, tt.err) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.err)
		}
	}
}

func FuzzParsePass(f *testing.F) {
	p, alice := newPass()
	f.Add(p.Encode())
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, b []byte) {
		Parse(b)
		if len(b) < Size {
			return
		}
		// Signed, to get behind the signature.
		id := alice.id()
		signed := bytes.Clone(b[:Size-ed25519.SignatureSize])
		copy(signed[1:], id[:])
		b = append(signed, alice.sign(Domain, signed)...)
		p, err := Parse(b)
		if err == nil && !bytes.Equal(p.Encode(), b) {
			t.Errorf("got %x, want %x", p.Encode(), b)
		}
	})
}
