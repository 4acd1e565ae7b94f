package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityNamesTests: each test that SECURITY.md names exists.
func TestSecurityNamesTests(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Fatalf("SECURITY.md names %d tests, want each line of its table to name one", len(named))
	}
	exists := allTests(t)
	for _, m := range named {
		if !exists[m[1]] {
			t.Errorf("SECURITY.md names %s, which is no test", m[1])
		}
	}
}

// TestSecurityNamesAll: each thing that the table of SECURITY.md says somebody cannot do
// names a test.
func TestSecurityNamesAll(t *testing.T) {
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| \*\*(.+?)\*\*.*\|([^|]+)\|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) != 6 {
		t.Fatalf("SECURITY.md has a table of %d rows, want 6", len(rows))
	}
	for _, row := range rows {
		for claim := range strings.SplitSeq(row[2], ";") {
			if !strings.Contains(claim, "`Test") {
				t.Errorf("%s cannot %s: no test is named", row[1], strings.TrimSpace(claim))
			}
		}
	}
}

// TestGroupRuleNamesTests: so does the doc of the model, for what would refute the rule
// of groups.
func TestGroupRuleNamesTests(t *testing.T) {
	text, err := os.ReadFile("headmodel/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	exists := allTests(t)
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(text), -1) {
		if !exists[name] {
			t.Errorf("headmodel/doc.go names %s, which is no test", name)
		}
	}
}

// allTests are the names of all tests.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	exists := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(code, -1) {
			exists[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return exists
}
