package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestDocPlaces: each file and folder of the tree that the README or a doc.go names is
// there. A file without a folder is beside the doc.go.
func TestDocPlaces(t *testing.T) {
	place := regexp.MustCompile(`\b(?:cmd|integration|mls|node|relay|rpc|schema|transport)/[\w/.-]*\w`)
	file := regexp.MustCompile(`[^\w/.*](\w+\.go)\b`)
	need := func(path, in, name string) {
		t.Helper()
		if _, err := os.Stat(filepath.Join(in, filepath.FromSlash(name))); err != nil {
			t.Errorf("%s names %s: %v", path, name, err)
		}
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		doc := d != nil && d.Name() == "doc.go"
		if err != nil || !doc && path != filepath.Join("..", "README.md") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range place.FindAllString(string(text), -1) {
			need(path, "..", name)
		}
		if !doc {
			return err
		}
		for _, m := range file.FindAllStringSubmatch(string(text), -1) {
			need(path, filepath.Dir(path), m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
