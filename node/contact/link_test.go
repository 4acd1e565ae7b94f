package contact

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// alphabet is base64url and two characters outside of it.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+"

func newLink(t testing.TB) (string, Card) {
	t.Helper()
	c, alice := newCard(t)
	link, err := c.Link(alice.Sign)
	if err != nil {
		t.Fatal(err)
	}
	return link, c
}

func TestLinkRoundTrip(t *testing.T) {
	link, want := newLink(t)
	if !strings.HasPrefix(link, LinkScheme) || strings.ContainsAny(link, "=+/") {
		t.Errorf("link %q", link)
	}
	for _, text := range []string{link, "  " + link + "\n", "\r\n" + link} {
		got, raw, err := ParseLink(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		again, err := ParseCard(raw)
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("raw: got %+v, %v, want %+v", again, err, want)
		}
	}
}

func TestLinkCutShort(t *testing.T) {
	link, _ := newLink(t)
	for n := range link {
		if _, _, err := ParseLink(link[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d characters: got %v, want %v", n, err, ErrMalformed)
		}
		if _, _, err := ParseLink(link[n+1:]); !errors.Is(err, ErrMalformed) {
			t.Errorf("without the first %d characters: got %v, want %v", n+1, err, ErrMalformed)
		}
	}
}

// TestLinkOneCharacter changes each character, the last ones, which hold bits
// of no byte, to all others.
func TestLinkOneCharacter(t *testing.T) {
	link, _ := newLink(t)
	for i := range link {
		others := alphabet
		if i < len(link)-4 {
			start := i % (len(alphabet) - 3)
			others = alphabet[start : start+3]
		}
		for _, c := range []byte(others + "\n \x00\xff") {
			if c == link[i] {
				continue
			}
			changed := []byte(link)
			changed[i] = c
			_, _, err := ParseLink(string(changed))
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
				t.Fatalf("character %d changed to %q: got %v", i, c, err)
			}
		}
	}
}

func TestLinkOneMoreCharacter(t *testing.T) {
	link, _ := newLink(t)
	for i := len(LinkScheme); i <= len(link); i += 7 {
		for _, c := range alphabet {
			if _, _, err := ParseLink(link[:i] + string(c) + link[i:]); err == nil {
				t.Fatalf("taken with %q inserted at %d", c, i)
			}
		}
	}
	middle := len(link) / 2
	for _, c := range []string{"\n", "\r", " ", "\r\n"} {
		if _, _, err := ParseLink(link[:middle] + c + link[middle:]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q inserted: got %v, want %v", c, err, ErrMalformed)
		}
	}
}

func TestParseLinkRefuses(t *testing.T) {
	link, _ := newLink(t)
	for name, text := range map[string]string{
		"empty":          "",
		"scheme alone":   LinkScheme,
		"no scheme":      strings.TrimPrefix(link, LinkScheme),
		"upper case":     strings.ToUpper(LinkScheme) + link[len(LinkScheme):],
		"another scheme": "qpc-relay://x",
		"twice":          link + link,
		"padded":         link + "=",
		"huge":           LinkScheme + strings.Repeat("A", 20<<20),
		"one over":       LinkScheme + strings.Repeat("A", linkEncoding.EncodedLen(MaxCard)+1),
	} {
		if _, _, err := ParseLink(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	link, _ := newLink(f)
	f.Add(link)
	f.Add(link[:100])
	f.Add(LinkScheme)
	f.Fuzz(func(t *testing.T, text string) {
		c, raw, err := ParseLink(text)
		if err != nil {
			return
		}
		if got, err := ParseCard(raw); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("got %+v, %v, want %+v", got, err, c)
		}
		if again := LinkScheme + linkEncoding.EncodeToString(raw); again != strings.TrimSpace(text) {
			t.Errorf("got %q, want %q", again, text)
		}
		if bytes.Contains([]byte(c.Name), []byte("\n")) {
			t.Errorf("name %q", c.Name)
		}
	})
}
