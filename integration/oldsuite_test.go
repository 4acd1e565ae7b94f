package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/localapi"
)

// classicalProgram builds the program as it would be without the post-quantum suite:
// its key packages and leaves are of suite 0x0001, and name no other. All else is the
// program under test.
func classicalProgram(t *testing.T) (bin string) {
	t.Helper()
	const file = "../node/keys/keypackage.go"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for old, instead := range map[string]string{
		"Suite = mls.MLKEM768X25519_AES128GCM_SHA256_Ed25519\n": "Suite = mls.X25519_AES128GCM_SHA256_Ed25519\n",
		"mls.Capabilities{": "mls.Capabilities{Suites: []uint16{uint16(Suite)}, ",
	} {
		if n := strings.Count(string(source), old); n != 1 {
			t.Fatalf("%q is %d times in %s, want once", old, n, file)
		}
		source = []byte(strings.Replace(string(source), old, instead, 1))
	}
	dir := t.TempDir()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	changed, overlay := filepath.Join(dir, "keypackage.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{changed: source, overlay: list} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin = filepath.Join(dir, "qpc")
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", bin, "quicnprotochat/cmd/qpc").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return bin
}

// groupInfo is `qpc group info`; the zero value before the group is there.
func (p *process) groupInfo(name string) (info localapi.GroupInfo) {
	_ = p.call(func(b []byte) error { return json.Unmarshal(b, &info) }, "group", "info", name)
	return info
}

// suiteWith is the suite of the conversation with somebody, by `qpc status`.
func (p *process) suiteWith(name string) string {
	var s localapi.Status
	_ = p.call(func(b []byte) error { return json.Unmarshal(b, &s) }, "status")
	for _, peer := range s.Peers {
		if peer.Name == name {
			return fmt.Sprint(peer.Suite, ", post-quantum ", peer.PostQuantum)
		}
	}
	return ""
}

// wait waits until something holds.
func (p *process) wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(pollPause) {
		if time.Now().After(end) {
			t.Fatalf("%s: %s: not after %v", p.name, what, patience)
		}
	}
}

// TestOldProgramDecidesSuite: a group, and a conversation of two, is post-quantum
// when the programs of all who begin it are; with somebody whose program knows suite
// 0x0001 alone it is of that one. The programs say which. Whom a group that has begun
// does not fit cannot come in, and who invites is told what to do.
func TestOldProgramDecidesSuite(t *testing.T) {
	old := classicalProgram(t)
	relay := relayProcess(t)
	anna, bert := nodeProcess(t, "anna", relay), nodeProcess(t, "bert", relay)
	dora := notStarted(t, nil, "dora", nodeArgs("dora", relay)...)
	dora.bin = old
	if err := dora.start(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*process{bert, dora} {
		link, err := p.invite()
		if err == nil {
			err = anna.add(link)
		}
		if err == nil {
			_, err = anna.send(p.name, "hello", "--wait", "delivered", "--timeout", "5m")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(p *process, args ...string) {
		t.Helper()
		if err := p.call(func([]byte) error { return nil }, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(anna, "group", "create", "new", "bert")
	run(anna, "group", "create", "mixed", "bert", "dora")
	const hybrid, classical = mls.MLKEM768X25519_AES128GCM_SHA256_Ed25519, mls.X25519_AES128GCM_SHA256_Ed25519
	for _, c := range []struct {
		group   string
		suite   mls.Suite
		members []*process
	}{
		{"new", hybrid, []*process{anna, bert}},
		{"mixed", classical, []*process{anna, bert, dora}},
	} {
		for _, p := range c.members {
			var info localapi.GroupInfo
			p.wait(t, "all are in "+c.group, func() bool {
				info = p.groupInfo(c.group)
				return info.Status == "in" && len(info.Members) == len(c.members)
			})
			// What dora's program calls post-quantum is not to be asked: it is the
			// suite that the program was given in place of that one.
			if info.Suite != c.suite.String() || p != dora && info.PostQuantum != (c.suite == hybrid) {
				t.Errorf("%s says of the group %s: %s, post-quantum %v, want %v", p.name, c.group, info.Suite, info.PostQuantum, c.suite)
			}
			if _, err := p.send(c.group, "from "+p.name, "--wait", "delivered", "--timeout", "5m"); err != nil {
				t.Error(err)
			}
		}
	}
	for with, suite := range map[string]mls.Suite{"bert": hybrid, "dora": classical} {
		if got, want := anna.suiteWith(with), fmt.Sprint(suite, ", post-quantum ", suite == hybrid); got != want {
			t.Errorf("anna says of the conversation with %s: %s, want %s", with, got, want)
		}
	}
	run(anna, "group", "invite", "new", "dora")
	anna.wait(t, "dora is said not to fit", func() bool {
		return slices.ContainsFunc(anna.groupInfo("new").Invited, func(i localapi.GroupInvited) bool {
			return i.Name == "dora" && strings.Contains(i.Waits, "start a new group")
		})
	})
	if info := anna.groupInfo("new"); len(info.Members) != 2 || info.Suite != hybrid.String() {
		t.Errorf("the group has %d members now, and suite %s", len(info.Members), info.Suite)
	}
}
