package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDefuse gives what strangers may write to a terminal: nothing of it acts,
// and JSON still says the same.
func FuzzDefuse(f *testing.F) {
	for _, seed := range []string{
		"hello", "two\r\nlines", "\x1b[31mred\x1b]0;title\a", "\u202egnp.exe", "\u2066a\u2069", "\x00\x7f\u0085\u2028", "👩\u200d🚀", "\xff\xfe", "\U000e0001\ufeff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, line := range strings.Split(Defuse(text), "\n") {
			if i > 0 && !strings.HasPrefix(line, "    ") {
				t.Errorf("line %d can pass for another's: %q", i, line)
			}
			wantHarmless(t, line)
		}
		line, err := JSONLine(struct{ Text string }{text})
		if err != nil {
			t.Fatal(err)
		}
		wantHarmless(t, strings.TrimSuffix(string(line), "\n"))
		var got struct{ Text string }
		if err := json.Unmarshal(line, &got); err != nil || utf8.ValidString(text) && got.Text != text {
			t.Errorf("got %q, %v, want %q", got.Text, err, text)
		}
	})
}

func wantHarmless(t *testing.T, line string) {
	t.Helper()
	for _, r := range line {
		if !harmless(r) {
			t.Errorf("%q has %U", line, r)
		}
	}
}
