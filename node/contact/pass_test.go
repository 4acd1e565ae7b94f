package contact

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"quicnprotochat/node/identity"
)

func newPass(t testing.TB) (Pass, *identity.Identity) {
	t.Helper()
	alice := newIdentity(t, 1)
	return Pass{
		Recipient: alice.ID(), Relay: newKey(t, 9), Kind: PassContact, Generation: 7,
		Expiry: testTime.Add(MaxPassLife),
	}.Sign(alice.Sign), alice
}

func TestPassRoundTrip(t *testing.T) {
	p, alice := newPass(t)
	b := p.Encode()
	if len(b) != PassSize {
		t.Errorf("%d bytes, want %d", len(b), PassSize)
	}
	got, err := ParsePass(b)
	if err != nil || got != p {
		t.Errorf("got %+v, %v, want %+v", got, err, p)
	}
	if p.IsZero() || !(Pass{}).IsZero() {
		t.Error("the wrong one is zero")
	}
	unrounded := p
	unrounded.Expiry = p.Expiry.Add(time.Microsecond).In(time.FixedZone("", 3600))
	if unrounded.Sign(alice.Sign) != p {
		t.Error("the same pass has other bytes")
	}
}

func TestParsePassRefuses(t *testing.T) {
	p, alice := newPass(t)
	good := p.Encode()
	change := func(f func(p *Pass)) []byte {
		p := p
		f(&p)
		return p.Sign(alice.Sign).Encode()
	}
	version := bytes.Clone(good)
	version[0] = 2
	late := bytes.Clone(good)
	binary.BigEndian.PutUint64(late[70:], maxTime+1)
	tests := []struct {
		name string
		b    []byte
		err  error
	}{
		{"empty", nil, ErrMalformed},
		{"short", good[:PassSize-1], ErrMalformed},
		{"long", append(bytes.Clone(good), 0), ErrMalformed},
		{"version", version, ErrMalformed},
		{"year 10000", late, ErrMalformed},
		{"kind 0", change(func(p *Pass) { p.Kind = 0 }), ErrMalformed},
		{"kind 3", change(func(p *Pass) { p.Kind = 3 }), ErrMalformed},
		{"before 1970", change(func(p *Pass) { p.Expiry = time.Time{} }), ErrMalformed},
		{"another recipient", change(func(p *Pass) { p.Recipient = newIdentity(t, 2).ID() }), ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParsePass(tt.b); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
	for i := range good {
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if _, err := ParsePass(changed); err == nil {
			t.Errorf("taken with byte %d changed", i)
		}
	}
}

func TestPassCheck(t *testing.T) {
	p, _ := newPass(t)
	bob, relay := newIdentity(t, 2).ID(), newKey(t, 8)
	tests := []struct {
		name string
		err  error
		got  error
	}{
		{"when made", nil, p.Check(testTime, p.Recipient, p.Relay, 7)},
		{"at its end", nil, p.Check(p.Expiry, p.Recipient, p.Relay, 7)},
		{"after its end", ErrPassExpired, p.Check(p.Expiry.Add(1), p.Recipient, p.Relay, 7)},
		{"late clock", nil, p.Check(testTime.Add(-clockSkew), p.Recipient, p.Relay, 7)},
		{"too far ahead", ErrPassExpired, p.Check(testTime.Add(-clockSkew-1), p.Recipient, p.Relay, 7)},
		{"lower generation", nil, p.Check(testTime, p.Recipient, p.Relay, 0)},
		{"raised generation", ErrPassCancelled, p.Check(testTime, p.Recipient, p.Relay, 8)},
		{"another recipient", ErrPassOther, p.Check(testTime, bob, p.Relay, 7)},
		{"another relay", ErrPassOther, p.Check(testTime, p.Recipient, relay, 7)},
	}
	for _, tt := range tests {
		if !errors.Is(tt.got, tt.err) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.err)
		}
	}
}

func FuzzParsePass(f *testing.F) {
	p, alice := newPass(f)
	f.Add(p.Encode())
	f.Add([]byte{passVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		ParsePass(b)
		if len(b) < PassSize {
			return
		}
		// Signed, to get behind the signature.
		id := alice.ID()
		signed := bytes.Clone(b[:PassSize-identity.SignatureSize])
		copy(signed[1:], id[:])
		b = append(signed, alice.Sign(PassDomain, signed)...)
		p, err := ParsePass(b)
		if err == nil && !bytes.Equal(p.Encode(), b) {
			t.Errorf("got %x, want %x", p.Encode(), b)
		}
	})
}
