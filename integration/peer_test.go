package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// lines is a process that answers each line of JSON with a line of JSON: another
// implementation of something that ours must get on with.
type lines struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// startLines starts a process; the end of the test ends it.
func startLines(t *testing.T, command []string) *lines {
	t.Helper()
	p := &lines{t: t, cmd: exec.Command(command[0], command[1:]...)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	must(t, err)
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	p.in, p.out = in, bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<26)
	t.Cleanup(p.end)
	return p
}

// end closes the input of the process and waits for it.
func (p *lines) end() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the peer: %v", err)
	}
}

func (p *lines) ask(question, answer any) {
	p.t.Helper()
	must(p.t, json.NewEncoder(p.in).Encode(question))
	if !p.out.Scan() {
		p.t.Fatalf("the peer is gone: %v", p.out.Err())
	}
	must(p.t, json.Unmarshal(p.out.Bytes(), answer))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lacking skips a test whose means are missing; where CI is set it fails.
func lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// peerDir returns a folder for what a peer needs: in $QPC_PEERS, or in the user's
// cache, so that it is downloaded and built once.
func peerDir(t *testing.T, name string) string {
	t.Helper()
	parent := os.Getenv("QPC_PEERS")
	if parent == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = t.TempDir()
		}
		parent = filepath.Join(cache, "quicnprotochat-test-peers")
	}
	dir := filepath.Join(parent, name)
	must(t, os.MkdirAll(dir, 0o700))
	return dir
}

// npmPeer installs testdata/NAME with npm and returns the command that runs it.
func npmPeer(t *testing.T, name string) []string {
	t.Helper()
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, "no %s to run the peer with: install Node.js 20 or newer", tool)
		}
	}
	dir := peerDir(t, name)
	for _, file := range []string{"package.json", "package-lock.json", "peer.mjs"} {
		b, err := os.ReadFile(filepath.Join("testdata", name, file))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, file), b, 0o600))
	}
	c := exec.CommandContext(t.Context(), "npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		lacking(t, "the peer cannot be installed: %v\n%s", err, out)
	}
	return []string{"node", filepath.Join(dir, "peer.mjs")}
}

// cargoPeer builds testdata/NAME with cargo and returns the command that runs it.
func cargoPeer(t *testing.T, name string) []string {
	t.Helper()
	if _, err := exec.LookPath("cargo"); err != nil {
		lacking(t, "no cargo to build the peer with: install Rust 1.91 or newer")
	}
	dir := peerDir(t, name)
	ctx := t.Context()
	if end, ok := t.Deadline(); ok {
		// The first build takes a minute or two of one core's time, or more; the rest
		// of the tests must have theirs.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	cargo := func(args ...string) ([]byte, error) {
		c := exec.CommandContext(ctx, "cargo", append(args, "--locked", "--manifest-path", filepath.Join("testdata", name, "Cargo.toml"))...)
		c.Env = append(os.Environ(), "CARGO_TARGET_DIR="+dir)
		c.WaitDelay = 5 * time.Second
		return c.CombinedOutput()
	}
	if out, err := cargo("fetch"); err != nil {
		lacking(t, "the peer cannot be downloaded: %v\n%s", err, out)
	}
	out, err := cargo("build", "--offline")
	if ctx.Err() != nil {
		lacking(t, "the peer is not built yet: begin again, what is done is kept, or give more time by -timeout")
	}
	if err != nil {
		t.Fatalf("build the peer: %v\n%s", err, out)
	}
	return []string{filepath.Join(dir, "debug", "peer")}
}
