package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"quicnprotochat/node/localapi"
	"quicnprotochat/node/localapi/socket"
)

// process is a running qpc.
type process struct {
	cmd   *exec.Cmd
	home  string
	ready struct {
		Identity string   `json:"identity"`
		URL      string   `json:"url"`
		Addrs    []string `json:"addrs"`
	}
	took time.Duration // from start to its ready line
}

// begin runs qpc with a home of that name and waits for its ready line.
func (m *measurement) begin(ctx context.Context, home string, args ...string) (*process, error) {
	return m.beginIn(ctx, nil, home, args...)
}

// beginIn is begin by another command.
func (m *measurement) beginIn(ctx context.Context, wrap []string, home string, args ...string) (*process, error) {
	p := &process{home: filepath.Join(m.dir, home)}
	command := slices.Concat(wrap, []string{m.bin}, args, []string{"--json", "--home", p.home})
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	p.took = time.Since(began)
	if err == nil {
		err = json.Unmarshal(line, &p.ready)
	}
	if err != nil {
		p.end()
		return nil, fmt.Errorf("start %s: %w", strings.Join(args, " "), err)
	}
	return p, nil
}

// node starts a node that listens on loopback alone.
func (m *measurement) node(ctx context.Context, home string, args ...string) (*process, error) {
	return m.begin(ctx, home, append([]string{
		"up", "--name", home, "--lan", "off", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1",
	}, args...)...)
}

func (p *process) api() *localapi.Client { return localapi.NewClient(socket.Path(p.home)) }

func (p *process) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// kill ends a process without a word.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// memory is the resident memory of a process in bytes.
func (p *process) memory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", p.cmd.Process.Pid)
}
