package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

const (
	// patience bounds each wait for real processes. A wait ends when what it is
	// for is there: the bound is only for what never comes.
	patience = 8 * time.Minute
	// pollPause is the time between two looks.
	pollPause = 100 * time.Millisecond

	anyLocalPort = "/ip4/127.0.0.1/udp/0/quic-v1"
)

// program builds the program under test, once for all tests, and returns the
// path of the binary.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "qpc-test-")
	if err != nil {
		return "", err
	}
	programDir = dir
	bin := filepath.Join(dir, "qpc")
	if out, err := exec.Command("go", "build", "-o", bin, "quicnprotochat/cmd/qpc").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return bin, nil
})

// programDir is where program put the binary, empty if no test wanted it.
var programDir string

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		if err := beChild(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if programDir != "" {
		_ = os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// process is a node or a relay in a process of its own, which can be killed and
// started again on the same home. Its methods may be called by many goroutines.
type process struct {
	bin  string
	name string
	home string
	args []string
	wrap []string // a command that runs the program, as in a network namespace

	// mu guards the fields below.
	mu  sync.Mutex
	run *run // nil if it does not run
}

// run is one life of a process.
type run struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when line is there
	line  readyLine
	ended chan struct{} // closed when the process is gone
}

// readyLine is what a node or a relay prints when it is ready.
type readyLine struct {
	Event    string   `json:"event"`
	Identity string   `json:"identity"`
	URL      string   `json:"url"`
	Addrs    []string `json:"addrs"`
	// Of a relay, for other programs.
	QUIC        []string `json:"quic"`
	Certificate string   `json:"certificate"`
	Metrics     string   `json:"metrics"`
}

// relayProcess starts a relay.
func relayProcess(t *testing.T) *process {
	t.Helper()
	return newProcess(t, "relay", relayArgs()...)
}

func relayArgs() []string { return []string{"relay", "run", "--listen", anyLocalPort} }

// nodeProcess starts a node with a home relay, or none. Each of its lives listens
// on another port.
func nodeProcess(t *testing.T, name string, relay *process) *process {
	t.Helper()
	return newProcess(t, name, nodeArgs(name, relay)...)
}

func nodeArgs(name string, relay *process) []string {
	args := []string{"up", "--name", name, "--lan", "off", "--listen", anyLocalPort}
	if relay != nil {
		args = append(args, "--relay", relay.line().URL)
	}
	return args
}

func newProcess(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return newWrapped(t, nil, name, args...)
}

// newWrapped starts a process by another command.
func newWrapped(t *testing.T, wrap []string, name string, args ...string) *process {
	t.Helper()
	p := notStarted(t, wrap, name, args...)
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func notStarted(t *testing.T, wrap []string, name string, args ...string) *process {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{bin: bin, name: name, home: filepath.Join(t.TempDir(), name), args: args, wrap: wrap}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the log of %s ends with:\n%s", p.name, p.lastWords())
		}
	})
	return p
}

// spawn starts the process and does not wait until it is ready.
func (p *process) spawn() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		return nil
	}
	log, err := os.OpenFile(p.home+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	r := &run{ready: make(chan struct{}), ended: make(chan struct{})}
	command := slices.Concat(p.wrap, []string{p.bin}, p.args, []string{"--json", "--home", p.home})
	r.cmd = exec.Command(command[0], command[1:]...)
	r.cmd.Stderr = log
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	p.run = r
	go r.watch(out)
	return nil
}

// watch reads the ready line and waits for the end.
func (r *run) watch(out io.Reader) {
	defer close(r.ended)
	in := bufio.NewReader(out)
	line, _ := in.ReadBytes('\n')
	if json.Unmarshal(line, &r.line) == nil && r.line.Event == "ready" {
		close(r.ready)
	}
	_, _ = io.Copy(io.Discard, in)
	_ = r.cmd.Wait()
}

// start starts the process, if it does not run, and waits until it is ready. The
// port of a relay may be taken while the relay is away: it is tried again.
func (p *process) start() error {
	for end := time.Now().Add(patience); ; time.Sleep(pollPause) {
		if err := p.spawn(); err != nil {
			return err
		}
		err := p.waitReady(time.Until(end))
		if err == nil {
			return nil
		}
		const taken = "address already in use"
		if time.Now().After(end) || !strings.Contains(p.lastWords(), taken) {
			return err
		}
	}
}

// waitReady waits for the ready line of the present life.
func (p *process) waitReady(most time.Duration) error {
	p.mu.Lock()
	r := p.run
	p.mu.Unlock()
	if r == nil {
		return fmt.Errorf("%s does not run", p.name)
	}
	select {
	case <-r.ready:
		return nil
	case <-r.ended:
		p.kill()
		return fmt.Errorf("%s ended before it was ready: %v", p.name, r.cmd.ProcessState)
	case <-time.After(most):
		return fmt.Errorf("%s is not ready after %v", p.name, most)
	}
}

// isReady reports whether the present life has printed its ready line.
func (p *process) isReady() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.run.ready:
		return true
	default:
		return false
	}
}

// line is the ready line of the present life, which is ready.
func (p *process) line() readyLine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run.line
}

// kill is kill -9, and returns when the process is gone.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return
	}
	_ = p.run.cmd.Process.Kill()
	<-p.run.ended
	p.run = nil
}

// lastWords is the end of what the process logged.
func (p *process) lastWords() string {
	b, err := os.ReadFile(p.home + ".log")
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// call runs one command on the home of the process and reads the lines of JSON
// that it prints, each with a call of line. The error is a *localapi.Error if the
// command printed one.
func (p *process) call(line func([]byte) error, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := slices.Concat(p.wrap, []string{p.bin, "--json", "--home", p.home}, args)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	failure := cmd.Run()
	for _, b := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		if len(b) == 0 {
			continue
		}
		if err := line(b); err != nil {
			return fmt.Errorf("qpc %s: %w in %q", args[0], err, b)
		}
	}
	if failure == nil {
		return nil
	}
	var e localapi.Error
	if json.Unmarshal(bytes.TrimSpace(errs.Bytes()), &e) == nil && e.Exit != 0 {
		return &e
	}
	return fmt.Errorf("qpc %s: %w: %s", args[0], failure, errs.Bytes())
}

// send is `qpc send`; it returns when the command has printed its line.
func (p *process) send(to, text string, more ...string) (d localapi.Delivery, err error) {
	err = p.call(func(b []byte) error { return json.Unmarshal(b, &d) }, append([]string{"send", to, text}, more...)...)
	return d, err
}

// history is `qpc history`, oldest first; nobody is there before the contact is.
func (p *process) history(with string) (all []localapi.Message, err error) {
	err = p.call(func(b []byte) error {
		var m localapi.Message
		err := json.Unmarshal(b, &m)
		all = append(all, m)
		return err
	}, "history", with)
	if exitCode(err) == localapi.ExitContact {
		return nil, nil
	}
	return all, err
}

// invite is `qpc invite`.
func (p *process) invite() (link string, err error) {
	var invite localapi.Invite
	err = p.call(func(b []byte) error { return json.Unmarshal(b, &invite) }, "invite")
	return invite.Link, err
}

// add is `qpc contact add`.
func (p *process) add(link string) error {
	return p.call(func([]byte) error { return nil }, "contact", "add", link)
}

// exitCode is the exit code that an error of call tells, 0 if none.
func exitCode(err error) int {
	var e *localapi.Error
	if errors.As(err, &e) {
		return e.Exit
	}
	return 0
}
