package integration

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc"
)

// damageFile flips and zeroes bytes of the file of a stopped relay. Whatever is
// no longer served, `qpc relay check` has named; nothing is served that was not
// stored. Damage of a payload takes that one alone.
func damageFile(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	relay := relayProcess(t)
	boxes := newMailboxes(t, 4)
	c, err := newClient(t.Context(), relay.line().URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for i := range 80 {
		payload := fmt.Sprintf("payload %d %s", i, bytes.Repeat([]byte{byte('a' + i%26)}, 100*(i%20)))
		if err := boxes[i%len(boxes)].deposit(t.Context(), c, payload); err != nil {
			t.Fatal(err)
		}
	}
	relay.kill()
	d := &damaged{t: t, relay: relay, boxes: boxes, path: filepath.Join(relay.home, "relay.db")}
	if d.file, err = os.ReadFile(d.path); err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(d.file, []byte("payload 63 "))
	if at < 0 {
		t.Fatal("a payload is not in the file")
	}
	if missing := d.with("byte of a payload", func(file []byte) { file[at+20] ^= 1 }); missing != 1 {
		t.Errorf("with one byte of one payload changed %d are missing, want 1", missing)
	}
	used := len(bytes.TrimRight(d.file, "\x00")) // the file grows in larger steps
	for i := range inLong(8, 300) {
		at := rng.IntN(used)
		d.with(fmt.Sprintf("bit at %d", at), func(file []byte) { file[at] ^= 1 << rng.IntN(8) })
		length := []int{1, 16, 512, 4096}[i%4]
		at = rng.IntN(used) / length * length
		d.with(fmt.Sprintf("%d bytes zeroed at %d", length, at), func(file []byte) { clear(file[at:min(at+length, len(file))]) })
	}
}

// damaged is the home of a relay whose file is damaged in many ways.
type damaged struct {
	t     *testing.T
	relay *process
	boxes []*mailbox
	path  string
	file  []byte // as it was
}

// with damages the file, has it checked, and looks at what a relay serves of it.
// It returns how many payloads are missing; all of them if it does not start.
func (d *damaged) with(name string, damage func([]byte)) (missing int) {
	d.t.Helper()
	file := slices.Clone(d.file)
	damage(file)
	if err := os.WriteFile(d.path, file, 0o600); err != nil {
		d.t.Fatal(err)
	}
	found := ""
	err := d.relay.call(func(line []byte) error { found += string(line); return nil }, "relay", "check")
	named := exitCode(err) == localapi.ExitHome || exitStatus(err) == localapi.ExitHome
	if err != nil && !named {
		d.t.Errorf("%s: check: %v", name, err)
	}
	if named && found == "" {
		found = err.Error()
	}
	missing, wrong := d.serve()
	if wrong != nil {
		d.t.Errorf("%s: %v", name, wrong)
	}
	if missing > 0 && !(named && strings.Contains(found, "damage")) {
		d.t.Errorf("%s: %d payloads are missing, and check says %q, %v", name, missing, found, err)
	}
	return missing
}

// exitStatus is the exit code of a command that printed no error, 0 if none.
func exitStatus(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// serve starts the relay, if it starts, and compares all that it serves with
// what was deposited.
func (d *damaged) serve() (missing int, wrong error) {
	d.t.Helper()
	defer d.relay.kill()
	all := 0
	for _, b := range d.boxes {
		all += len(b.stored)
	}
	if err := d.relay.start(); err != nil {
		if words := d.relay.lastWords(); !strings.Contains(words, "damaged") {
			return all, fmt.Errorf("does not start, and does not say why: %s", words)
		}
		return all, nil
	}
	served := 0
	for _, b := range d.boxes {
		list, err := d.peek(b)
		if err != nil {
			continue // the store ends when it meets what makes no sense
		}
		for _, e := range list {
			if b.stored[e.Seq] != string(e.Data) {
				return 0, fmt.Errorf("number %d is %.40q, and was %.40q", e.Seq, e.Data, b.stored[e.Seq])
			}
		}
		served += len(list)
	}
	return all - served, nil
}

func (d *damaged) peek(b *mailbox) ([]rpc.Envelope, error) {
	owner, err := dialAs(d.t.Context(), b.key, d.relay.line().URL)
	if err != nil {
		return nil, err
	}
	defer owner.close()
	return peekAll(d.t.Context(), owner)
}
