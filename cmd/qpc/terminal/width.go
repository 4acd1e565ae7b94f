package terminal

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Terminals do not agree on emoji that are made of several: some draw the parts as one, of
// two columns, some each for itself, and some join them in one way and not in another. What
// says that it draws them as one (mode 2027) is believed.

// longest is how many bytes of a text are looked at for one character: anybody can join any
// number of emoji, or of accents.
const longest = 64

// variation asks for the look of an emoji, keycap makes one of a digit, and emoji is where
// most of those begin that are nothing else.
const (
	variation = 0xfe0f
	keycap    = 0x20e3
	emoji     = 0x1f000
)

// columns is how many columns a text takes at most on any terminal.
func columns(text string) (n int) {
	for text != "" {
		cluster, one, parts := first(text)
		n, text = n+max(one, parts), text[len(cluster):]
	}
	return n
}

// first returns the first character of a text as a reader sees it, and how many columns it
// takes where it is drawn as one, and where its parts are.
func first(text string) (cluster string, one, parts int) {
	if len(text) > longest {
		end := longest
		for end > longest-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	cluster, one = ansi.FirstGraphemeCluster(text, ansi.GraphemeWidth)
	_, parts = ansi.FirstGraphemeCluster(cluster, ansi.WcWidth)
	return cluster, one, parts
}

// steady returns a text in which emoji take as many columns on all terminals: those on which
// these do not agree are shown as their first part. It is for the line that is being typed,
// which is drawn a piece at a time.
func steady(text string) string {
	var b strings.Builder
	for text != "" {
		cluster, one, parts := first(text)
		text = text[len(cluster):]
		r, size := utf8.DecodeRuneInString(cluster)
		if parts != one && (r >= emoji || strings.ContainsAny(cluster, string([]rune{variation, keycap}))) {
			_, alone, _ := first(cluster[:size])
			cluster = cluster[:size] + strings.Repeat(" ", max(one-alone, 0))
		}
		b.WriteString(cluster)
	}
	return b.String()
}
