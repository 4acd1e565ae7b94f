package names

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		all, who, want string
	}{
		{"Bob anna", "", ""},
		{"Bob anna", "bob", "Bob"},
		{"Bob anna", "BOB", "Bob"},
		{"Bob bob", "bob", "bob"},
		{"Bob bob", "Bob", "Bob"},
		{"Bob bob", "BOB", "Bob bob"},
		{"Bob Bobby", "bob", "Bob"},
		{"Bob bobby", "bob", "Bob bobby"}, // it is how bobby begins: as before, but for Bob
		{"Bob bobby", "Bob", "Bob"},
		{"Bobby bonnie", "bo", "bonnie"},
		{"Bobby Bonnie", "bo", "Bobby Bonnie"},
		{"Bobby Bonnie", "bob", "Bobby"},
		{"ÄNNE", "änn", "ÄNNE"},
		{"Ä", "än", ""},
		{"id-7 Id", "id", "id-7 Id"},
		{"\xff", "a", ""},
	} {
		all := strings.Fields(c.all)
		name := func(s string) string { return s }
		if got := strings.Join(Match(all, c.who, name, nil), " "); got != c.want {
			t.Errorf("%q among %q: got %q, want %q", c.who, c.all, got, c.want)
		}
	}
	begins := func(s string) bool { return s == "x" }
	if got := Match([]string{"Bo", "x"}, "bo", func(s string) string { return s }, begins); !slices.Equal(got, []string{"Bo", "x"}) {
		t.Errorf("got %q, want both: the id of one begins so", got)
	}
}

func TestNamed(t *testing.T) {
	for _, c := range []struct{ all, who, want string }{
		{"Bob bob", "bob", "bob"},
		{"Bob bobby", "bob", "Bob"},
		{"Bob bob", "BOB", "Bob bob"},
		{"Bob", "bo", ""},
		{"Bob", "", ""},
	} {
		if got := strings.Join(Named(strings.Fields(c.all), c.who, func(s string) string { return s }), " "); got != c.want {
			t.Errorf("%q among %q: got %q, want %q", c.who, c.all, got, c.want)
		}
	}
}
