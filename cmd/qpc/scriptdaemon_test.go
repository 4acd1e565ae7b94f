package main

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// daemon is a qpc process that a script started.
type daemon struct {
	process *os.Process
	// ended gets how it ended.
	ended chan error
}

// daemonsKey is where a script keeps its daemons, by name.
type daemonsKey struct{}

func daemonsOf(ts *testscript.TestScript) map[string]*daemon {
	return ts.Value(daemonsKey{}).(map[string]*daemon)
}

// start NAME ARGS starts qpc and returns when it has said that it is ready. Its
// output goes to NAME.out and NAME.err. What still runs when the script is over
// is killed.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS")
	}
	name := args[0]
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer errs.Close()
	cmd := exec.Command("qpc", args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), out, errs
	cmd.Env = os.Environ()
	for _, key := range []string{"HOME", "PATH", "XDG_RUNTIME_DIR", "QPC_HOME", "QPC_RELAY_ANNOUNCE"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	ts.Check(cmd.Start())
	d := &daemon{process: cmd.Process, ended: make(chan error, 1)}
	go func() { d.ended <- cmd.Wait() }()
	daemonsOf(ts)[name] = d
	ts.Defer(func() {
		if daemonsOf(ts)[name] == d {
			_ = d.process.Kill()
			<-d.ended
		}
	})
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if b, _ := os.ReadFile(out.Name()); bytes.Contains(b, []byte("eady")) && bytes.HasSuffix(b, []byte("\n")) {
			return
		}
		select {
		case err := <-d.ended:
			d.ended <- err
			b, _ := os.ReadFile(errs.Name())
			ts.Fatalf("%s ended before it was ready: %v\n%s", name, err, b)
		default:
		}
	}
	ts.Fatalf("%s is not ready after a minute", name)
}

// ended NAME checks that a daemon ends by itself, with 0.
func ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || daemonsOf(ts)[args[0]] == nil {
		ts.Fatalf("usage: ended NAME, of a daemon that was started")
	}
	select {
	case err := <-daemonsOf(ts)[args[0]].ended:
		delete(daemonsOf(ts), args[0])
		ts.Check(err)
	case <-time.After(time.Minute):
		ts.Fatalf("%s still runs a minute later", args[0])
	}
}

// end NAME [INT] asks a daemon to end, by SIGTERM or SIGINT, and checks that it
// exits with 0 in 5 seconds.
func end(ts *testscript.TestScript, neg bool, args []string) {
	signal := syscall.SIGTERM
	if len(args) == 2 && args[1] == "INT" {
		signal = syscall.SIGINT
	} else if neg || len(args) != 1 {
		ts.Fatalf("usage: end NAME [INT]")
	}
	d := daemonsOf(ts)[args[0]]
	if d == nil {
		ts.Fatalf("%s does not run", args[0])
	}
	ts.Check(d.process.Signal(signal))
	select {
	case err := <-d.ended:
		delete(daemonsOf(ts), args[0])
		ts.Check(err)
	case <-time.After(5 * time.Second):
		ts.Fatalf("%s still runs 5 seconds later", args[0])
	}
}
