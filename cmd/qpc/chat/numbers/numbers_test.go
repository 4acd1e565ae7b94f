package numbers

import (
	"strconv"
	"testing"
)

func TestNumbers(t *testing.T) {
	var n Numbers
	if n.Has("first") {
		t.Error("there is a number before any was given")
	}
	if one, again, two := n.Give("first", "bob"), n.Give("first", "bob"), n.Give("second", "all"); one != 1 || again != 1 || two != 2 {
		t.Errorf("got %d, %d and %d, want 1, 1 and 2", one, again, two)
	}
	if id, with, ok := n.At(2); id != "second" || with != "all" || !ok {
		t.Errorf("got %q of %q, %v", id, with, ok)
	}
	for i := range kept - 1 {
		n.Give(strconv.Itoa(i), "bob")
	}
	if _, _, ok := n.At(1); ok || n.Has("first") || !n.Has("second") {
		t.Error("not the oldest one alone is forgotten")
	}
	if got := n.Give("first", "bob"); got != kept+2 {
		t.Errorf("got %d, want a new number, %d", got, kept+2)
	}
}
