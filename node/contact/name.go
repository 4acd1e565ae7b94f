package contact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxNameRunes is the longest name in code points.
	MaxNameRunes = 64
	// MaxNameBytes is the longest name in bytes of UTF-8.
	MaxNameBytes = 255
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	brailleBlank       = '\u2800'
)

// CleanName returns name as it may be shown and stored: valid UTF-8 without
// control characters, without what turns the direction of text or is invisible,
// with single spaces between words only, and cut to MaxNameRunes and
// MaxNameBytes. Combining marks and joiners stay behind a visible character,
// because scripts and emoji need them. The result may be empty.
// CleanName(CleanName(s)) is CleanName(s).
func CleanName(name string) string {
	var b strings.Builder
	runes := 0
	base := false  // a visible character is right before
	space := false // a space is due before the next character
	for i, r := range name {
		if r == utf8.RuneError && !strings.HasPrefix(name[i:], "\uFFFD") {
			continue // not UTF-8
		}
		switch classify(r) {
		case runeSpace:
			space, base = b.Len() > 0, false
			continue
		case runeDropped:
			continue
		case runeAttached:
			if !base {
				continue
			}
		}
		need := utf8.RuneLen(r)
		if space {
			need++
			runes++
		}
		if runes++; runes > MaxNameRunes || b.Len()+need > MaxNameBytes {
			break
		}
		if space {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		base, space = true, false
	}
	return strings.TrimRight(b.String(), string([]rune{zeroWidthNonJoiner, zeroWidthJoiner}))
}

// runeClass says what CleanName does with a character.
type runeClass int

const (
	runeKept runeClass = iota
	runeSpace
	runeDropped
	runeAttached // kept behind a visible character only
)

func classify(r rune) runeClass {
	switch {
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return runeAttached
	case unicode.IsSpace(r), unicode.Is(unicode.Z, r), r == brailleBlank:
		return runeSpace
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Bidi_Control,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point):
		return runeDropped
	case unicode.Is(unicode.M, r):
		return runeAttached
	default:
		return runeKept
	}
}
