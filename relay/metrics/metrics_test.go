package metrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"quicnprotochat/rpc"
)

// TestReasons: each code of package rpc has a word of its own.
func TestReasons(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../../rpc/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words, codes := map[string]bool{"other": true}, 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if typ, _ := v.Type.(*ast.Ident); typ == nil || typ.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes++
		word := reasons[rpc.Code(text)]
		if word == "" || words[word] {
			t.Errorf("%s: the word %q is none of its own", text, word)
		}
		words[word] = true
		return true
	})
	if codes < 20 {
		t.Errorf("only %d codes were found", codes)
	}
}
