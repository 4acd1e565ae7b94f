package main

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
	"strings"
	"syscall"
	"time"
)

const (
	// readyTime is how long a process may take to be ready.
	readyTime = 60 * time.Second
	// endTime is how long it may take to end when it is asked to.
	endTime = 5 * time.Second
)

// process is one running process of this program.
type process struct {
	cmd *exec.Cmd
	// log is the path of what it writes to stderr.
	log string
	// ended is closed after err is set.
	ended chan struct{}
	err   error
}

// start starts this program and returns when it has printed its ready line,
// which is read into ready.
func (d *demo) start(ctx context.Context, ready any, args ...string) (*process, error) {
	log, err := os.CreateTemp(d.dir, "log-")
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer log.Close()
	p := &process{cmd: exec.Command(d.exe, append(args, "--json")...), log: log.Name(), ended: make(chan struct{})}
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	first := make(chan []byte, 1)
	go func() {
		in := bufio.NewReader(out)
		line, _ := in.ReadBytes('\n')
		first <- line
		_, _ = io.Copy(io.Discard, in)
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case line := <-first:
		if json.Unmarshal(line, ready) == nil && bytes.Contains(line, []byte(`"ready"`)) {
			return p, nil
		}
		err = fmt.Errorf("%s ended before it was ready", args[0])
	case <-time.After(readyTime):
		err = fmt.Errorf("%s was not ready after %s", args[0], readyTime)
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = p.stop()
	return p, err
}

// stop asks the process to end and returns nil if it does so in time and with
// exit code 0. It returns when the process is gone.
func (p *process) stop() error {
	select {
	case <-p.ended:
		return p.err
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop process: %w", err)
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(endTime):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("it did not end in %s", endTime)
	}
}

// lastWords returns the end of what the process wrote to stderr.
func (p *process) lastWords() string {
	b, err := os.ReadFile(p.log)
	if err != nil || len(b) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	lines = lines[max(0, len(lines)-5):]
	return strings.Join(append([]string{filepath.Base(p.cmd.Path) + " " + p.cmd.Args[1] + ":"}, lines...), "\n") + "\n"
}

// call runs one command of this program to its end and reads its last line of
// output into v.
func (d *demo) call(ctx context.Context, v any, args ...string) error {
	cmd := exec.CommandContext(ctx, d.exe, append(args, "--json")...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("qpc %s: %w: %s%s", args[0], err, out.Bytes(), errs.Bytes())
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], v); err != nil {
		return fmt.Errorf("qpc %s: %w", args[0], err)
	}
	return nil
}
