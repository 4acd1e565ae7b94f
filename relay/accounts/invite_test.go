package accounts

import (
	"strings"
	"testing"
	"time"
)

// FuzzParseInvite: a code that is taken is taken also as people write it.
func FuzzParseInvite(f *testing.F) {
	code, _ := NewInvite(time.Unix(0, 0), time.Hour, "")
	for _, s := range []string{"", code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), "ooooo-iiiii-lllll-00000", "\xff", "İİİİİ", strings.Repeat("-", 1<<10)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, code string) {
		id, ok := parseInvite(code)
		if !ok {
			return
		}
		for _, again := range []string{strings.ToUpper(code), " " + code + "-", strings.ReplaceAll(code, "-", " ")} {
			if other, ok := parseInvite(again); !ok || other != id {
				t.Errorf("%q is another one than %q", again, code)
			}
		}
	})
}
