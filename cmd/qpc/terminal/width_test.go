package terminal

import (
	"strings"
	"testing"
	"time"
)

// TestWidth counts what terminals take at most, and shows in the line that is being typed
// nothing on which they do not agree.
func TestWidth(t *testing.T) {
	for _, c := range []struct {
		text, steady string
		columns      int
	}{
		{"", "", 0},
		{"half", "half", 4},
		{"日本語", "日本語", 6},
		{"e\u0301", "e\u0301", 1},
		{"שלום", "שלום", 4},
		{"स्ते", "स्ते", 2},
		{"👩", "👩", 2},
		{"🇩🇪", "🇩🇪", 2},
		{"a 👩‍👩‍👧 b", "a 👩 b", 10},
		{"👍🏽", "👍", 4},
		{"❤️!", "❤ !", 3},
		{"1️⃣", "1 ", 2},
		{"\xff", "\xff", 1},
	} {
		if got := steady(c.text); got != c.steady {
			t.Errorf("%q: shown as %q, want %q", c.text, got, c.steady)
		}
		if got := columns(c.text); got != c.columns {
			t.Errorf("%q: %d columns, want %d", c.text, got, c.columns)
		}
	}
}

// TestJoinedWithoutEnd wraps a message of nothing but one emoji of thousands of parts, or one
// letter with as many accents, and does not take long for it.
func TestJoinedWithoutEnd(t *testing.T) {
	for _, part := range []string{"👩\u200d", "\u0301"} {
		text, began := "e"+strings.Repeat(part, 60_000/len(part)), time.Now()
		if rows := wrap(text, 80); strings.ReplaceAll(strings.Join(rows, ""), " ", "") != text {
			t.Errorf("%q: something is missing", part)
		}
		if got := steady(text); len(got) > len(text) {
			t.Errorf("%q: %d bytes became %d", part, len(text), len(got))
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%q: it took %v", part, took)
		}
	}
}
