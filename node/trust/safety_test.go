package trust

import (
	"regexp"
	"testing"

	"quicnprotochat/rpc"
)

func TestSafetyNumber(t *testing.T) {
	a, b, c := rpc.Identity{1}, rpc.Identity{2}, rpc.Identity{2, 1}
	number := SafetyNumber(a, b)
	if !regexp.MustCompile(`^(\d{5} ){11}\d{5}$`).MatchString(number) {
		t.Errorf("got %q", number)
	}
	// It is part of what people have compared: it must never change.
	if want := "47393 10689 43958 05749 82448 53737 55944 53239 38747 34867 13137 97483"; number != want {
		t.Errorf("got %q, want %q", number, want)
	}
	if SafetyNumber(b, a) != number {
		t.Error("the two sides differ")
	}
	if SafetyNumber(a, c) == number || SafetyNumber(c, b) == number {
		t.Error("others have the same")
	}
	for _, typed := range []string{number, " " + SafetyCode(number) + "\n", digits(number), number[:17] + "  " + number[18:]} {
		if !SameNumber(number, typed) {
			t.Errorf("%q is not taken", typed)
		}
	}
	for _, typed := range []string{"", number[1:], SafetyNumber(a, c)} {
		if SameNumber(number, typed) {
			t.Errorf("%q is taken", typed)
		}
	}
}
