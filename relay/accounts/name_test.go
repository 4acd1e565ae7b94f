package accounts

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseName(t *testing.T) {
	for text, folded := range map[string]string{
		"anna": "anna", "Anna": "anna", "A-n_n.a9": "a-n_n.a9", "Jose\u0301": "josé", "STRASSE": "strasse",
		"Straße": "strasse", "İnci": "inci", "ŞİRİN": "şirin", "李小龍": "李小龍", "Ольга": "ольга", "ロバート": "ロバート", "すずき太郎": "すずき太郎", "김철수": "김철수", "דוד": "דוד", "محمد": "محمد", strings.Repeat("x", 32): strings.Repeat("x", 32),
		strings.Repeat("é", 32): strings.Repeat("é", 32),
	} {
		if n, err := ParseName(text); err != nil || n.Folded != folded {
			t.Errorf("%q: got %q, %v, want %q", text, n.Folded, err, folded)
		}
	}
	for _, text := range []string{
		"", "ab", "李龍", strings.Repeat("x", 33), strings.Repeat("x", 10_000), "a b", "a/b", "a@b", "anna\n", "an\u200bna", "\u202eanna",
		"ann\xff", "an\u0301\u0301\u0301na", "anna!", "a\u0000b", "аnna" /* Cyrillic a */, "αnna", "😀😀😀", "x²y",
		"anna\u3164", "\u115fanna", "ann\uffa0a" /* letters that show nothing */, "annaʼ", "aːb", "aˌb", /* letters that look like signs */
		"aㅣice", "annaסa", "bⵔb" /* of another script */, "ᎪᏞᏆᏟᎬ", "ꓮꓠꓠꓮ", "𐐄𐐄𐐄", /* look like Latin capitals */
	} {
		if n, err := ParseName(text); err == nil {
			t.Errorf("%q: taken as %q", text, n.Folded)
		}
	}
}

func TestLookAlikes(t *testing.T) {
	key := func(text string) any {
		n, err := ParseName(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return n.Key
	}
	for _, same := range [][]string{
		{"anna", "ANNA", "Anna", "ａｎｎａ", "𝐚𝐧𝐧𝐚"},
		{"bob", "b0b", "B0B", "b٠b"},
		{"peace", "реасе" /* Cyrillic */},
		{"alice", "a1ice", "alıce", "ALICE", "ALİCE"},
		{"morn", "rnorn", "mom"},
		{"wave", "vvave"},
		{"josé", "JOSÉ", "jose\u0301"},
	} {
		for _, name := range same[1:] {
			if key(name) != key(same[0]) {
				t.Errorf("%q is not taken for %q", name, same[0])
			}
		}
	}
	different := []string{"anna", "hanna", "anne", "bob", "bobby", "maria", "marla", "josé", "jose", "a.b", "a-b", "a_b", "李小龍", "李小蛇", "ольга"}
	seen := map[any]string{}
	for _, name := range different {
		if was, found := seen[key(name)]; found {
			t.Errorf("%q is taken for %q", name, was)
		}
		seen[key(name)] = name
	}
}

// FuzzParseName: a name that is taken has the same key however it is written.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{"anna", "Straße", "李小龍", "Jose\u0301", "b٠b", "ﬀoo", "ǅungla", "ΐxx", "\xff", "rnorn", "İnci", strings.Repeat("ß", 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseName(text)
		if err != nil {
			return
		}
		for _, again := range []string{n.Text, n.Folded, strings.ToLower(n.Text)} {
			m, err := ParseName(again)
			if err == nil && again == n.Text && m != n {
				t.Errorf("%q is %v, then %v", text, n, m)
			}
			if again == n.Folded && (err != nil || m.Folded != n.Folded) { // as it is shown to others
				t.Errorf("%q is %q, which is %q, %v", text, n.Folded, m.Folded, err)
			}
			if err == nil && m.Folded == n.Folded && m.Key != n.Key {
				t.Errorf("%q and %q have two keys", text, again)
			}
		}
		if c := utf8.RuneCountInString(n.Text); c < minName || c > maxName || len(n.Folded) > 255 {
			t.Errorf("%q: %d characters, %d bytes folded", text, c, len(n.Folded))
		}
	})
}
