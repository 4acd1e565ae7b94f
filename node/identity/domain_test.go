package identity

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// libp2pContexts is how everything begins that libp2p signs with a host key:
// the TLS and noise handshakes, pubsub, and the signed records, whose domain
// stands behind its length.
func libp2pContexts() []string {
	contexts := []string{"libp2p-tls-handshake:", "noise-libp2p-static-key:", "libp2p-pubsub:"}
	for _, domain := range []string{"libp2p-peer-record", "libp2p-relay-rsvp", "libp2p-testing"} {
		contexts = append(contexts, string(rune(len(domain)))+domain)
	}
	return contexts
}

func TestDomainsPrefixFree(t *testing.T) {
	all := append(libp2pContexts(), Domains...)
	for i, a := range all {
		if a == "" {
			t.Error("empty domain")
		}
		for j, b := range all {
			if i != j && strings.HasPrefix(a, b) {
				t.Errorf("%q begins with %q", a, b)
			}
		}
	}
	if !slices.IsSorted(Domains) {
		t.Error("the table is not sorted")
	}
}

// TestDomainsApartFromMLS shows that no SignContent begins with a domain: for
// each width of the length before its label, the length or the first bytes of
// the label differ from what the domain has in their place.
func TestDomainsApartFromMLS(t *testing.T) {
	for _, context := range append(libp2pContexts(), Domains...) {
		for bits, width := range map[byte]int{0: 1, 1: 2, 2: 4} {
			rest := context[width:]
			n := min(len(rest), len(mlsLabel))
			if context[0]>>6 == bits && rest[:n] == mlsLabel[:n] {
				t.Errorf("%q could begin a SignContent with a length of %d bytes", context, width)
			}
		}
	}
}

// TestDomainsApartFromRecords shows the same for libp2p's signed records, which
// begin with the length of their domain as a varint: the domain would have to
// go on like ours.
func TestDomainsApartFromRecords(t *testing.T) {
	for _, d := range Domains {
		if d[0] >= 0x80 {
			t.Errorf("%q: length of two bytes not looked at", d)
		}
		if strings.HasPrefix(d[1:], "libp2p") || len(d) < 10 {
			t.Errorf("%q could begin a signed record", d)
		}
	}
}

// TestDomainsComplete reads the source of the module: each constant that is
// named a domain is in the table, and nobody signs under a literal.
func TestDomainsComplete(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "testdata" || len(name) > 2 && (name[0] == '.' || name[0] == '_') {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, domain := range domainsOf(f) {
			if !knownDomain(domain) {
				t.Errorf("%s: domain %q is not in the table", path, domain)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// domainsOf returns the values of the domain constants of a file and the
// literals that its calls of sign and verify functions pass as a domain.
func domainsOf(f *ast.File) []string {
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if !strings.HasSuffix(strings.ToLower(name.Name), "domain") || i >= len(n.Values) {
					continue
				}
				if s, ok := literal(n.Values[i]); ok {
					found = append(found, s)
				}
			}
		case *ast.CallExpr:
			for _, arg := range n.Args {
				if s, ok := literal(arg); ok && signs(n.Fun) && strings.HasPrefix(s, "quicnprotochat ") {
					found = append(found, s)
				}
			}
		}
		return true
	})
	return found
}

// signs reports whether a called function is named like one that signs.
func signs(fun ast.Expr) bool {
	name := ""
	switch fun := fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	name = strings.ToLower(name)
	return strings.Contains(name, "sign") || strings.Contains(name, "verify")
}

// literal returns the value of a string literal.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
