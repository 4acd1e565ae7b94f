package message

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestDocTellsControls: the package comment has a line for each control that is read, and
// for no other.
func TestDocTellsControls(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^//\t(\d+) [a-z]`).FindAllSubmatch(doc, -1) {
		told[string(m[1])] = true
	}
	for n := range 256 {
		_, err := (&Control{Type: ControlType(n)}).OpenBody()
		if read := !errors.Is(err, ErrControlType); read != told[strconv.Itoa(n)] {
			t.Errorf("control %d: read %v, told %v", n, read, !read)
		}
	}
}
