package usage

import (
	"slices"
	"testing"
)

func TestArity(t *testing.T) {
	for usage, want := range map[Line][2]int{
		"": {0, 0}, "NAME": {1, 1}, "[N]": {0, 1}, "LINK [NAME]": {1, 2},
		"GROUP CONTACT...": {2, Most}, "NAME [CONTACT...]": {1, Most},
	} {
		if least, limit := usage.Arity(); least != want[0] || limit != want[1] {
			t.Errorf("%q: got %d to %d, want %v", usage, least, limit, want)
		}
	}
	if got := Line("NAME [CONTACT...]").At(7); got != "CONTACT" {
		t.Errorf("got %q, want CONTACT", got)
	}
	if got := Line("LINK [NAME]").At(2); got != "" {
		t.Errorf("got %q, want none", got)
	}
	if got := Choices("yes|no|NUMBER"); !slices.Equal(got, []string{"yes", "no"}) {
		t.Errorf("got %q, want yes and no", got)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		usage Line
		typed string
		want  []string
	}{
		{"", "", nil},
		{"", "more", []string{"more"}},
		{"NAME", " Anna  Smith ", []string{"Anna  Smith"}},
		{"NAME", `"Anna" Smith`, []string{`"Anna" Smith`}},
		{"NAME", " ", nil},
		{"LINK [NAME]", "qpc:A Anna Smith", []string{"qpc:A", "Anna Smith"}},
		{"CONTACT...", "a  b c", []string{"a", "b", "c"}},
		{"NAME [CONTACT...]", `"our family" "Zoë O'Hara" bob`, []string{"our family", "Zoë O'Hara", "bob"}},
		{"CONTACT...", `"not closed bob`, []string{`"not`, "closed", "bob"}},
		{"CONTACT...", `"a"b ""`, []string{`"a"b`, `""`}},
		{"[N]", "", nil},
	} {
		if got := c.usage.Split(c.typed); !slices.Equal(got, c.want) {
			t.Errorf("%q of %q: got %q, want %q", c.typed, c.usage, got, c.want)
		}
	}
	for _, word := range []string{"Anna", "Anna Smith", `Anna "Ann" Smith`} {
		got := Line("NAME...").Split(Quote(word))
		if whole := len(got) == 1 && got[0] == word; whole != (word != `Anna "Ann" Smith`) {
			t.Errorf("%q: got %q", word, got)
		}
	}
}
