package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// golden reads testdata/golden.txt: a name and hex digits a line. The file
// holds what this format is; a change of it is a change of the wire.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		values[name], err = hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return values
}

func TestGoldenEpoch(t *testing.T) {
	g := golden(t)
	k := EpochKey(g["epoch-key"])
	payload, err := k.seal([saltSize]byte(g["epoch-salt"]), g["frame"])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(payload, g["epoch-payload"]) {
		t.Errorf("got %x, want %x", payload, g["epoch-payload"])
	}
	frame, err := k.Open(g["epoch-payload"])
	if err != nil || !bytes.Equal(frame, g["frame"]) {
		t.Errorf("got %x, %v, want %x", frame, err, g["frame"])
	}
}

func TestGoldenHybrid(t *testing.T) {
	g := golden(t)
	private, err := ParsePrivateKey(g["hybrid-private"])
	if err != nil {
		t.Fatal(err)
	}
	frame, err := private.Open(g["hybrid-payload"], [32]byte(g["hybrid-owner"]))
	if err != nil || !bytes.Equal(frame, g["frame"]) {
		t.Errorf("got %x, %v, want %x", frame, err, g["frame"])
	}
	public, err := ParseHybridKey(private.Blob(), [32]byte(g["hybrid-owner"]), testTime)
	if err != nil {
		t.Fatal(err)
	}
	if public.id != private.ID() || !public.NotBefore().Equal(testTime) {
		t.Errorf("got id %x, not before %v", public.id, public.NotBefore())
	}
	late := testTime.Add(KeyLifetime + time.Second)
	if _, err := ParseHybridKey(private.Blob(), [32]byte(g["hybrid-owner"]), late); !errors.Is(err, ErrExpired) {
		t.Errorf("got %v, want %v", err, ErrExpired)
	}
}
