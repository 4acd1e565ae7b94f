package identity

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"quicnprotochat/rpc"
)

func TestIdentity(t *testing.T) {
	a, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	b, err := FromSeed(a.Seed())
	if err != nil {
		t.Fatal(err)
	}
	if a.ID() != b.ID() {
		t.Errorf("id from seed: got %x, want %x", b.ID(), a.ID())
	}
	if !bytes.Equal(a.HostKey(), b.HostKey()) || rpc.Identity(a.HostKey()[32:]) != a.ID() {
		t.Error("host key is not the identity's key")
	}
	a.HostKey()[0] ^= 1
	a.Seed()[0] ^= 1
	if !bytes.Equal(a.HostKey(), b.HostKey()) {
		t.Error("a caller can change the key")
	}
	for _, n := range []int{0, SeedSize - 1, SeedSize + 1, 64} {
		if _, err := FromSeed(make([]byte, n)); err == nil {
			t.Errorf("seed of %d bytes taken", n)
		}
	}
}

func TestSignVerify(t *testing.T) {
	a, _ := Generate()
	b, _ := Generate()
	msg := []byte("message")
	sig := a.Sign(Domains[0], msg)
	if !Verify(a.ID(), Domains[0], msg, sig) {
		t.Fatal("own signature refused")
	}
	flipped := bytes.Clone(sig)
	flipped[63] ^= 1
	tests := []struct {
		name   string
		id     rpc.Identity
		domain string
		msg    []byte
		sig    []byte
	}{
		{"another identity", b.ID(), Domains[0], msg, sig},
		{"another domain", a.ID(), Domains[1], msg, sig},
		{"unknown domain", a.ID(), "", append([]byte(Domains[0]), msg...), sig},
		{"another message", a.ID(), Domains[0], []byte("messagf"), sig},
		{"flipped bit", a.ID(), Domains[0], msg, flipped},
		{"short", a.ID(), Domains[0], msg, sig[:63]},
		{"long", a.ID(), Domains[0], msg, append(bytes.Clone(sig), 0)},
		{"none", a.ID(), Domains[0], msg, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if Verify(tt.id, tt.domain, tt.msg, tt.sig) {
				t.Error("signature accepted")
			}
		})
	}
}

// TestVerifySmallOrder takes the neutral point for a key: with R neutral and
// S = 0 the equation of RFC 8032, §5.1.7 holds for every message.
func TestVerifySmallOrder(t *testing.T) {
	neutral := rpc.Identity{1}
	sig := make([]byte, SignatureSize)
	sig[0] = 1
	if !ed25519.Verify(neutral[:], []byte("any"), sig) {
		t.Fatal("crypto/ed25519 refuses it by itself")
	}
	if Verify(neutral, Domains[0], []byte("any"), sig) {
		t.Error("signature of nobody accepted")
	}
}

func TestSignUnknownDomain(t *testing.T) {
	a, _ := Generate()
	defer func() {
		if recover() == nil {
			t.Error("signed under a domain that is not in the table")
		}
	}()
	a.Sign("quicnprotochat", nil)
}

func TestRedacted(t *testing.T) {
	a, _ := Generate()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("made", "identity", a, "signer", a.MLS())
	if got := strings.Count(out.String(), "[redacted]"); got != 2 {
		t.Errorf("got %q, want both values redacted", out.String())
	}
	if strings.Contains(out.String(), fmt.Sprintf("%x", a.Seed())) {
		t.Error("the seed is in the log")
	}
}
