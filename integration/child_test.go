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
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/budget"
	"quicnprotochat/rpc/order"
	"quicnprotochat/transport"
)

// childMode tells a copy of the test program to be a server. It ends when its
// standard input does.
const childMode = "QPC_TEST_CHILD"

// servers are what a copy of the test program can be. Each returns the URL at
// which it is reached, and serves until the process ends.
var servers = map[string]func(dir string) (url string, err error){
	"relay":        serveRelay,
	"no store":     serveNothing,
	"echo":         serveEcho,
	"nats":         func(dir string) (string, error) { return serveNATS(dir, false) },
	"nats, always": func(dir string) (string, error) { return serveNATS(dir, true) },
}

// childReply is a line that a server prints.
type childReply struct {
	URL      string `json:"url,omitempty"`
	Resident int64  `json:"resident,omitempty"` // bytes, after a garbage collection
	Error    string `json:"error,omitempty"`
}

// beChild serves and answers the commands on standard input, one a line.
func beChild(mode string) error {
	what, dir, _ := strings.Cut(mode, "|")
	serve := servers[what]
	if serve == nil {
		return fmt.Errorf("no server %q", what)
	}
	url, err := serve(dir)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(childReply{URL: url}); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var reply childReply
		if err := obey(in.Text(), &reply); err != nil {
			reply.Error = err.Error()
		}
		if err := out.Encode(reply); err != nil {
			return err
		}
	}
	return nil
}

// obey carries out one command.
func obey(line string, reply *childReply) (err error) {
	command, path, _ := strings.Cut(line, " ")
	switch command {
	case "memory":
		// As in ten idle minutes: a pool is emptied by the second collection, and each
		// one halves the stacks that are large for what is on them.
		for range 4 {
			runtime.GC()
		}
		debug.FreeOSMemory()
		reply.Resident, err = resident(os.Getpid())
		return err
	case "profile":
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	case "heap":
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(pprof.WriteHeapProfile(f), f.Close())
	case "stop":
		pprof.StopCPUProfile()
		return nil
	}
	return fmt.Errorf("no command %q", command)
}

// resident is the resident memory of a process in bytes.
func resident(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmRSS in the status")
}

// cpuOf is how long a process has used the processor. It counts in hundredths of a
// second (proc_pid_stat(5), utime and stime).
func cpuOf(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// child is such a server, seen from the test.
type child struct {
	url string
	pid int
	in  io.Writer
	out *json.Decoder
	end func()
}

// startChild starts a server that ends with the test.
func startChild(tb testing.TB, what, dir string) *child {
	tb.Helper()
	return startWrapped(tb, nil, what, dir)
}

// startWrapped starts a server by another command.
func startWrapped(tb testing.TB, wrap []string, what, dir string) *child {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	command := append(slices.Clone(wrap), self, "-test.run=^$")
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), childMode+"="+what+"|"+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	tb.Cleanup(end)
	c := &child{pid: cmd.Process.Pid, in: in, out: json.NewDecoder(out), end: end}
	c.url = c.reply(tb).URL
	return c
}

// tell gives a command and waits until it is done.
func (c *child) tell(tb testing.TB, command string) childReply {
	tb.Helper()
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		tb.Fatal(err)
	}
	return c.reply(tb)
}

func (c *child) reply(tb testing.TB) (r childReply) {
	tb.Helper()
	if err := c.out.Decode(&r); err != nil {
		tb.Fatal(err)
	}
	if r.Error != "" {
		tb.Fatal(r.Error)
	}
	return r
}

func serveRelay(dir string) (string, error) {
	// One caller makes more calls a second here than a relay lets a person make.
	r, err := relay.New(relay.Config{Dir: dir, Listen: []transport.Addr{anyLocalPort}, CallRate: 1 << 20, MaxCalls: 1 << 10})
	if err != nil {
		return "", err
	}
	go func() { _ = r.Run(context.Background()) }()
	return r.URL().String(), nil
}

// serveNothing answers enqueue without keeping anything.
func serveNothing(string) (string, error) {
	room := budget.New(0)
	service := &rpc.Service{Depositor: new(forgetful)}
	return serveStreams(func(s *transport.Stream) {
		conn := rpc.NewConn(s, rpc.ConnConfig{
			Service: service, Budget: room,
			Peer: rpc.Peer{Identity: rpc.Identity(s.Key()), Proven: true, Remote: s.RemoteHost()},
		})
		<-conn.Done()
	})
}

// serveEcho returns what it gets.
func serveEcho(string) (string, error) {
	return serveStreams(func(s *transport.Stream) { _, _ = io.Copy(s, s) })
}

func serveStreams(serve func(*transport.Stream)) (string, error) {
	_, key, err := newKey()
	if err != nil {
		return "", err
	}
	h, err := transport.New(transport.Config{PrivateKey: key, Listen: []transport.Addr{anyLocalPort}, Server: true, OnStream: serve})
	if err != nil {
		return "", err
	}
	url, err := transport.NewRelayURL(h.Key(), "127.0.0.1", h.ListenPort())
	return url.String(), err
}

// forgetful is a rpc.Depositor that keeps nothing.
type forgetful struct{ seq atomic.Uint64 }

func (f *forgetful) Enqueue(ctx context.Context, _ rpc.Caller, _ rpc.Identity, _ rpc.Channel, _ []byte) (uint64, error) {
	order.Placed(ctx)
	return f.seq.Add(1), nil
}

func (f *forgetful) BatchEnqueue(ctx context.Context, _ rpc.Caller, to []rpc.Identity, _ rpc.Channel, _ []byte) ([]uint64, error) {
	order.Placed(ctx)
	seqs := make([]uint64, len(to))
	for i := range seqs {
		seqs[i] = f.seq.Add(1)
	}
	return seqs, nil
}
