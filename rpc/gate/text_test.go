package gate

import (
	"strings"
	"testing"
	"unicode"
)

// FuzzCleanText: what the other side writes becomes one short line without anything
// that acts on a terminal or turns the direction of text.
func FuzzCleanText(f *testing.F) {
	for _, s := range []string{"", "busy", "\x1b[31mred\r\nnext", "\u202eno\u2066", "\xff\xfe", strings.Repeat("é", 200), "a\u0085b\u2028c\x00", "\U000e0001\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := CleanText(text)
		if len(got) > maxText || got != CleanText(got) {
			t.Errorf("%q: got %q", text, got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) || unicode.In(r, unicode.Cf, unicode.Bidi_Control) {
				t.Errorf("%q: got %q with %U", text, got, r)
			}
		}
	})
}
