package store

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocTellsTables: the package comment has a line for each table, with a file that
// has its statements.
func TestDocTellsTables(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(migrations, "\n")
	for _, m := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(all, -1) {
		line := regexp.MustCompile(`(?m)^//\t` + m[1] + ` +(\w+\.go) +\w`).FindSubmatch(doc)
		if line == nil {
			t.Errorf("doc.go does not say where table %s is", m[1])
			continue
		}
		file, err := os.ReadFile(string(line[1]))
		if err != nil {
			t.Error(err)
		}
		if !regexp.MustCompile(`(FROM|INTO|UPDATE) ` + m[1] + `\b`).Match(file) {
			t.Errorf("%s has no statement of table %s", line[1], m[1])
		}
	}
}
