package mls

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mustSections are the subsections of RFC 9420, §7, §12 and §13, with rules for
// a client.
var mustSections = strings.Fields(`7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9
	12.1.1 12.1.2 12.1.3 12.1.4 12.1.5 12.1.6 12.1.7 12.1.8 12.2 12.3
	12.4 12.4.1 12.4.2 12.4.3.1 12.4.3.2 12.4.3.3
	13.1 13.2 13.3 13.4 13.5`)

// TestTable: each test that the table of the package's doc names is there, every
// line names one, and the table leaves no subsection out.
func TestTable(t *testing.T) {
	tests := testNames(t)
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	must(t, err)
	_, table, found := strings.Cut(f.Doc.Text(), "Which test holds which MUST")
	if !found {
		t.Fatal("the doc has no table")
	}
	name := regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w*(/\w+)?|\bvectors [\w-]+`)
	section := regexp.MustCompile(`^\t§([\d., ]*\d)`)
	var sections []string
	open := "" // the section that has no test yet
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "\t") {
			continue // prose, which may name tests of other packages
		}
		if m := section.FindStringSubmatch(line); m != nil {
			if open != "" {
				t.Errorf("no test for §%s", open)
			}
			open = m[1]
			sections = append(sections, strings.Split(open, ", ")...)
		}
		for _, n := range name.FindAllString(line, -1) {
			open = ""
			if !slices.ContainsFunc(tests, func(have string) bool { return have == n || strings.HasPrefix(have, n+"_") }) {
				t.Errorf("there is no %s", n)
			}
		}
	}
	if open != "" {
		t.Errorf("no test for §%s", open)
	}
	for _, want := range mustSections {
		if !slices.Contains(sections, want) {
			t.Errorf("the table has no line for §%s", want)
		}
	}
}

// testNames returns the tests of this package, the subtests of TestNever and the
// files of vectors.
func testNames(t *testing.T) []string {
	t.Helper()
	var names []string
	files, err := os.ReadDir(".")
	must(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		must(t, err)
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		}
	}
	for _, c := range neverCases {
		names = append(names, "TestNever/"+c.name)
	}
	for _, f := range vectorFiles {
		names = append(names, "vectors "+f.name)
	}
	return names
}
