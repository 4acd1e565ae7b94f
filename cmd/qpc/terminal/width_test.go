package terminal

import "testing"

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
