package contact

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanName(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Alice", "Alice"},
		{"empty", "", ""},
		{"spaces", "  Alice \t\n B.\u00a0\u3000C  ", "Alice B. C"},
		{"line and paragraph", "a\u2028b\u2029c", "a b c"},
		{"controls", "A\x00l\x1b[31mi\x7fc\u0085e", "Al[31mic e"},
		{"bidi", "\u202eA\u2066l\u2069i\u200ec\u200fe\u061c", "Alice"},
		{"invisible", "A\u200bl\u2060i\ufeffc\u00ade\u3164\U000e0041", "Alice"},
		{"blank braille", "\u2800A\u2800\u2800B\u2800", "A B"},
		{"not UTF-8", "A\xffl\xc0\x80ice", "Alice"},
		{"replacement character", "A\uFFFD", "A\uFFFD"},
		{"noncharacter", "A\uFFFE\U0010FFFFB", "AB"},
		{"accent", "Zoe\u0308", "Zoe\u0308"},
		{"accent on nothing", "\u0308 \u0301a", "a"},
		{"family emoji", "👨‍👩‍👧 x", "👨‍👩‍👧 x"},
		{"heart", "❤\ufe0f", "❤\ufe0f"},
		{"Persian", "می\u200cخواهم", "می\u200cخواهم"},
		{"joiners alone", "\u200d\u200c \u200d", ""},
		{"joiners at the end", "Alice\u200d\u200c", "Alice"},
		{"joiner after a space", "a \u200db", "a b"},
		{"longest", strings.Repeat("é", MaxNameRunes), strings.Repeat("é", MaxNameRunes)},
		{"one over", strings.Repeat("é", MaxNameRunes+1), strings.Repeat("é", MaxNameRunes)},
		{"bytes", strings.Repeat("😀", MaxNameRunes), strings.Repeat("😀", MaxNameBytes/4)},
		{"cut at a space", strings.Repeat("a", MaxNameRunes-1) + " b", strings.Repeat("a", MaxNameRunes-1)},
		{"many spaces", strings.Repeat(" ", 1000) + "a" + strings.Repeat("\u200b", 1000) + "b", "ab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := CleanName(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"Alice", " \u202e\u200d\xff", "é \u0301", strings.Repeat("😀 ", 70)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := CleanName(s)
		if CleanName(got) != got {
			t.Errorf("%q is cleaned again to %q", got, CleanName(got))
		}
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > MaxNameRunes || len(got) > MaxNameBytes {
			t.Errorf("got %q of %d bytes", got, len(got))
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q has %U", got, r)
			}
		}
		if strings.TrimSpace(got) != got || strings.Contains(got, "  ") {
			t.Errorf("spaces in %q", got)
		}
	})
}
