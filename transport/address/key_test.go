package address

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// testKey returns the private key made from a seed of one repeated byte.
func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string([]byte{n}), ed25519.SeedSize)))
}

// keyFor returns the Key of testKey.
func keyFor(n byte) Key { return KeyOf(testKey(n).Public().(ed25519.PublicKey)) }

func TestKeyText(t *testing.T) {
	k := keyFor(1)
	text := k.String()
	if !strings.HasPrefix(text, "12D3Koo") {
		t.Fatalf("got %q, want a peer id", text)
	}
	got, err := ParseKey(text)
	if err != nil || got != k {
		t.Fatalf("ParseKey: got %v, %v, want %v", got, err, k)
	}
	for _, bad := range []string{
		"", "x", text + "1", text[:20], " " + text, "Qm" + text[2:],
		"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", strings.Repeat("1", 1000),
	} {
		if k, err := ParseKey(bad); err == nil {
			t.Errorf("ParseKey(%q): got %v, want an error", bad, k)
		}
	}
}

func TestKeyJSON(t *testing.T) {
	in := []Key{keyFor(2), {}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out []Key
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if out[0] != in[0] || !out[1].IsZero() {
		t.Errorf("got %v, want %v", out, in)
	}
}

func TestKeyCheck(t *testing.T) {
	if err := keyFor(3).Check(); err != nil {
		t.Errorf("honest key: %v", err)
	}
	for name, text := range map[string]string{
		"zero (order 4)":     "0000000000000000000000000000000000000000000000000000000000000000",
		"identity (order 1)": "0100000000000000000000000000000000000000000000000000000000000000",
		"order 2":            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 8":            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 4, p encoded": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"y above p":          "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"not on the curve":   "0200000000000000000000000000000000000000000000000000000000000000",
		"identity, sign bit": "0100000000000000000000000000000000000000000000000000000000000080",
		"all ones":           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		var k Key
		if _, err := hex.Decode(k[:], []byte(text)); err != nil {
			t.Fatal(err)
		}
		if k.Check() == nil {
			t.Errorf("%s: got no error", name)
		}
		if _, err := ParseKey(k.PeerID().String()); err == nil {
			t.Errorf("%s: ParseKey accepts it", name)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(keyFor(1).String())
	f.Add("12D3KooW")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err == nil && k.String() != text {
			t.Errorf("ParseKey(%q) has the text %q", text, k)
		}
	})
}
