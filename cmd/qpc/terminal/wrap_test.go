package terminal

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestWrap(t *testing.T) {
	link := "qpc:" + strings.Repeat("A-b_", 20)
	for _, c := range []struct {
		line  string
		width int
		want  []string
	}{
		{"short", 40, []string{"short"}},
		{"one two three four five six", 20, []string{"one two three four", "    five six"}},
		{"  /help [COMMAND]  Say this, or more", 24, []string{"  /help [COMMAND]  Say", "    this, or more"}},
		{"take " + link + " please", 40, []string{"take", link, "    please"}},
		{link, 40, []string{link}},
		{"bob: 日本語日本語日本語日本語", 20, []string{"bob:", "    日本語日本語日本", "    語日本語"}},
		{strings.Repeat("👩\u200d", 10) + "👧", 20, []string{strings.Repeat("👩\u200d", 3), "    " + strings.Repeat("👩\u200d", 7) + "👧"}},
		{"no room to wrap at all here", 10, []string{"no room to wrap at all here"}},
		{"anna:" + strings.Repeat("\u00a0", 12) + "bob: pay me now", 20, []string{"anna:", "    bob: pay me now"}},
	} {
		if got := wrap(c.line, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d: got %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

// FuzzWrap keeps every character that is no space, in its order, and no row but that of
// one word of ASCII too wide; behind the first row all are indented but those.
func FuzzWrap(f *testing.F) {
	f.Add("one two three four five six", 20)
	f.Add("000 00000000000000000 ", 20)
	f.Add(strings.Repeat("👩\u200d", 30), 20)
	f.Add("日本語 👩‍👩‍👧 e\u0301 שלום", 21)
	f.Fuzz(func(t *testing.T, line string, width int) {
		if strings.ContainsAny(line, "\n\x1b") || width > 1000 {
			t.Skip()
		}
		line = strings.Map(func(r rune) rune {
			if unicode.IsGraphic(r) {
				return r
			}
			return -1
		}, line)
		rows := wrap(line, width)
		visible := func(s string) string { return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), "") }
		if visible(strings.Join(rows, "")) != visible(line) {
			t.Fatalf("%q in %d: got %q", line, width, rows)
		}
		for i, row := range rows {
			// A long word of ASCII stays whole, and stands at the margin if it has to.
			word, _, _ := strings.Cut(row, " ")
			long := strings.IndexFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) < 0 && columns(word) > width-hanging
			if width >= narrowest && columns(row) > width && !(long && columns(word) > width) {
				t.Errorf("%q in %d: row %q is too wide", line, width, row)
			}
			if i > 0 && !long && !strings.HasPrefix(row, strings.Repeat(" ", hanging)) {
				t.Errorf("%q in %d: row %q is not indented", line, width, row)
			}
		}
	})
}
