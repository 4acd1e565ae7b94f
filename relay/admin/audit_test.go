package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"quicnprotochat/rpc"
)

// audited writes calls to an audit log of its own and reads it.
func audited(t *testing.T, calls ...rpc.Call) (lines []auditLine) {
	t.Helper()
	a, err := newAudit(filepath.Join(t.TempDir(), "audit"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		a.call(c)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.run(ended); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(a.path)
	if err != nil {
		t.Fatal(err)
	}
	for text := range bytes.Lines(written) {
		var line auditLine
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestAudit: a caller is the same within one run and nobody in another, and who shows
// a deposit pass is nobody.
func TestAudit(t *testing.T) {
	alice := rpc.Caller{Kind: rpc.TokenTLS, Identity: rpc.Identity{1}, Proven: true, Remote: "192.0.2.1"}
	bob, pass, named := alice, alice, alice
	bob.Identity = rpc.Identity{2}
	pass.Kind = rpc.TokenPass
	named.Kind, named.Proven = rpc.TokenSession, false
	var calls []rpc.Call
	for _, c := range []rpc.Caller{alice, alice, bob, pass, named} {
		calls = append(calls, rpc.Call{Method: "enqueue", Code: rpc.CodeBusy, Caller: c})
	}
	l := audited(t, calls...)
	if len(l) != len(calls) || l[0].Method != "enqueue" || l[0].Code != rpc.CodeBusy || l[0].Time == "" {
		t.Fatalf("got %+v", l)
	}
	switch {
	case len(l[0].Who) != 16 || len(l[0].From) != 16 || l[0].Who == l[0].From:
		t.Errorf("no two hashes: %+v", l[0])
	case l[1].Who != l[0].Who || l[2].Who == l[0].Who || l[2].From != l[0].From:
		t.Errorf("two callers at one address: %+v", l)
	case l[3].Who != "" || l[3].From != "":
		t.Errorf("who shows a pass: %+v", l[3])
	case l[4].Who != "" || l[4].From != l[0].From:
		t.Errorf("who just names a key: %+v", l[4])
	}
	if again := audited(t, calls...); again[0].Who == l[0].Who || again[0].From == l[0].From {
		t.Error("the hashes of two runs are the same")
	}
}

// TestAuditLost: what is too much at once is counted.
func TestAuditLost(t *testing.T) {
	l := audited(t, make([]rpc.Call, maxAudit+7)...)
	lost := int64(0)
	for _, line := range l {
		lost += line.Lost
	}
	if len(l) != maxAudit || lost != 7 {
		t.Errorf("got %d lines, and %d lost", len(l), lost)
	}
}
