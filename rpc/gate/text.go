package gate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds a text of the other side, in bytes.
const maxText = 256

// CleanText makes text of the other side fit for logs and terminals: one short
// line of printable characters.
func CleanText(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text))
}
