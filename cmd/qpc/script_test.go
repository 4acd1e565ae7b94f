package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"qpc": main})
}

// TestScripts runs the commands as a user does, in real processes. The
// functions below are commands that the scripts have more than testscript has.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_RUNTIME_DIR", env.WorkDir)
			env.Setenv("LOOPBACK", "/ip4/127.0.0.1/udp/0/quic-v1")
			env.Values[daemonsKey{}] = map[string]*daemon{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "end": end, "ended": ended, "exits": exits, "eventually": eventually, "field": field, "free": free, "text": text, "alter": alter,
			"fill": fill, "killed": killed, "refuses": refuses, "lacks": lacks, "fields": fields,
		},
	})
}

// killed PROGRAM ARGS runs a program and kills it, again and again and later each
// time, until it comes to its end before that, with exit 0, or 2 or 8 if the last kill
// came when it had just done its work.
func killed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: killed PROGRAM ARGS")
	}
	kills := 0
	for after := 2 * time.Millisecond; after < time.Minute; after = after*3/2 + time.Millisecond {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "HOME="+ts.Getenv("HOME"))
		ts.Check(cmd.Start())
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
		if code := cmd.ProcessState.ExitCode(); code >= 0 {
			ts.Logf("killed %d times, then exit %d", kills, code)
			if code != 0 && code != 2 && code != 8 {
				ts.Fatalf("exit %d after %d kills", code, kills)
			}
			return
		}
		kills++
	}
	ts.Fatalf("it never came to its end")
}

// fill HOME N puts N MiB of messages into the store of a relay that is stopped.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fill HOME N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	s, err := store.Open(store.Config{Path: filepath.Join(ts.MkAbs(args[0]), relay.StoreFile)})
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for i := range n {
		_, err := s.Append(ctx, store.Depositor{}, []store.Inbox{{Owner: [32]byte{byte(i)}}}, bytes.Repeat([]byte{byte(i)}, 1<<20))
		ts.Check(err)
	}
	cancel()
	ts.Check(<-done)
	ts.Check(s.Close())
}

// exits N PROGRAM ARGS runs a program and checks its exit code; N|M is either.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N[|M] PROGRAM ARGS")
	}
	got := exitCode(ts, args[1:])
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(got)) {
		ts.Fatalf("got exit %d, want %s", got, args[0])
	}
}

func exitCode(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// eventually PATTERN PROGRAM ARGS runs a program until it exits with 0 and its
// output matches, or with ! does not match any more.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN PROGRAM ARGS")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if exitCode(ts, args[1:]) == 0 && pattern.MatchString(ts.ReadFile("stdout")) != neg {
			return
		}
	}
	ts.Fatalf("not in a minute: %s", args[0])
}

// field NAME KEY FILE sets a variable to a field of the first line of JSON in a
// file or in stdout.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: field NAME KEY FILE")
	}
	line, _, _ := strings.Cut(ts.ReadFile(args[2]), "\n")
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(line), &object))
	value, ok := object[args[1]]
	if !ok {
		ts.Fatalf("no field %s in %s", args[1], line)
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// free NAME sets a variable to a UDP port that nobody uses.
func free(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free NAME")
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	ts.Check(err)
	defer conn.Close()
	ts.Setenv(args[0], strconv.Itoa(conn.LocalAddr().(*net.UDPAddr).Port))
}

// text FILE N writes a text of N bytes.
func text(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: text FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat("x", n)), 0o600))
}

// alter NAME cut|change PERCENT sets ALTERED to the variable's value without
// what is behind that place, or with another character there.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: alter NAME cut|change PERCENT")
	}
	value := []byte(ts.Getenv(args[0]))
	percent, err := strconv.Atoi(args[2])
	ts.Check(err)
	at := (len(value) - 1) * percent / 100
	switch {
	case args[1] == "cut":
		value = value[:at]
	case value[at] == 'A':
		value[at] = 'B'
	default:
		value[at] = 'A'
	}
	ts.Setenv("ALTERED", string(value))
}
