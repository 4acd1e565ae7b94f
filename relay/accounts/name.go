package accounts

import (
	"crypto/sha256"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"quicnprotochat/relay/store"
)

// The length of a name, in characters.
const (
	minName = 3
	maxName = 32
)

// Name is a user name.
type Name struct {
	// Text is as it is shown, Folded as it is compared; it is OPAQUE's credential
	// identifier.
	Text, Folded string
	// Key is the same for names that look alike.
	Key store.AccountKey
}

var errName = errors.New("a name has 3 to 32 letters, digits, _, - and ., of one script")

// ParseName reads a name, in any normalization.
func ParseName(text string) (Name, error) {
	if len(text) > 8*maxName || !utf8.ValidString(text) {
		return Name{}, errName
	}
	n := Name{Text: norm.NFC.String(text)}
	if !wellFormed(n.Text) {
		return Name{}, errName
	}
	n.Folded = norm.NFC.String(cases.Fold().String(strings.ReplaceAll(n.Text, dotted, "i")))
	if !wellFormed(n.Folded) {
		return Name{}, errName // what others are shown has to be a name
	}
	n.Key = sha256.Sum256([]byte(skeleton(n.Folded)))
	return n, nil
}

// scripts are those whose letters may be in a name: the recommended ones of UAX #31,
// table 5. Others have whole alphabets that look like Latin capitals. Letters of two
// of these lines do not go together.
var scripts = [][]*unicode.RangeTable{
	{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul},
	{unicode.Latin},
	{unicode.Cyrillic},
	{unicode.Greek},
	{unicode.Armenian},
	{unicode.Georgian},
	{unicode.Hebrew},
	{unicode.Arabic},
	{unicode.Ethiopic},
	{unicode.Thaana},
	{unicode.Devanagari},
	{unicode.Bengali},
	{unicode.Gurmukhi},
	{unicode.Gujarati},
	{unicode.Oriya},
	{unicode.Tamil},
	{unicode.Telugu},
	{unicode.Kannada},
	{unicode.Malayalam},
	{unicode.Sinhala},
	{unicode.Thai},
	{unicode.Lao},
	{unicode.Tibetan},
	{unicode.Myanmar},
	{unicode.Khmer},
}

// dotted is the capital of i in Turkish, which folds to an i with a mark that may not
// be in a name.
const dotted = "İ"

// prolonged is the sign of a long vowel, which is of two scripts of the first line.
const prolonged = 'ー'

// scriptOf returns the line of scripts that a letter is of, or false for one that may
// not be in a name: also what is a letter to Unicode and shows nothing, or looks like
// a sign. What only is another form of a letter (full width, mathematical) is of its
// script.
func scriptOf(r rune) (line int, ok bool) {
	if unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
		return 0, false
	}
	plain, _ := utf8.DecodeRuneInString(norm.NFKD.String(string(r)))
	for line, tables := range scripts {
		if unicode.In(r, tables...) || unicode.In(plain, tables...) || line == 0 && plain == prolonged {
			return line, true
		}
	}
	return 0, false
}

func wellFormed(text string) bool {
	script := -1
	for _, r := range text {
		switch {
		case r == '_' || r == '-' || r == '.' || unicode.Is(unicode.Nd, r):
			continue
		case !unicode.IsLetter(r):
			return false
		}
		line, ok := scriptOf(r)
		if !ok || script >= 0 && script != line {
			return false
		}
		script = line
	}
	n := utf8.RuneCountInString(text)
	return n >= minName && n <= maxName
}

// skeleton maps names that look alike to one text: compatibility forms (full
// width, mathematical letters) to their plain ones, and then what stands in
// confusable. Accents make a difference: they are seen.
func skeleton(folded string) string {
	plain := cases.Fold().String(norm.NFKD.String(folded))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Nd, r) && r > '9' {
			r = digit(r)
		}
		if to, found := confusable[r]; found {
			return to
		}
		return r
	}, confusablePairs.Replace(plain))
}

// digit maps a decimal digit of any script to that of ASCII: the digits of a
// script are ten in a row, in order, and their blocks begin with zero.
func digit(r rune) rune {
	first := r
	for first > 0 && unicode.Is(unicode.Nd, first-1) && r-first < 9 {
		first--
	}
	return '0' + (r-first)%10
}

// confusablePairs are two letters that look like one. They come first: what they
// become is mapped no further.
var confusablePairs = strings.NewReplacer("rn", "m", "vv", "w")

// confusable maps what looks like a lower-case Latin letter, or like the capital
// of one, to that letter. Of UTS #39 it has what can stand in a name and can be
// mistaken for Latin. Names are shown folded, so a capital I need not stand for l.
var confusable = confusables(map[rune]string{
	'a': "аα", 'b': "ьв", 'c': "сϲⲥ", 'd': "ԁ", 'e': "еєε", 'f': "ϝ", 'g': "ɡց", 'h': "һհн", 'i': "іıι",
	'j': "јϳ", 'k': "кκ", 'l': "1ӏւ", 'm': "м", 'n': "ոпηռ", 'o': "0оοօσ", 'p': "рρ",
	'q': "ԛգ", 'r': "гяᴦ", 's': "ѕƽ", 't': "тτ", 'u': "υսμ", 'v': "ѵν", 'w': "ԝωшա", 'x': "хχ", 'y': "уγү", 'z': "ᴢζ",
})

func confusables(table map[rune]string) map[rune]rune {
	m := make(map[rune]rune)
	for to, all := range table {
		for _, from := range all {
			if from != to {
				m[from] = to
			}
		}
	}
	return m
}
