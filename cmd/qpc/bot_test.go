package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quicnprotochat/cmd/qpc/cli"
)

// nodeProcess runs qpc up for a home until it is killed.
func nodeProcess(t *testing.T, home, name, listen string) *exec.Cmd {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command("qpc", "up", "--home", home, "--name", name, "--lan", "off", "--listen", listen, "--log", "error")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	await(t, func() bool {
		b, _ := os.ReadFile(out.Name())
		return bytes.Contains(b, []byte("Ready."))
	})
	return cmd
}

// kill ends a process at once, as a power cut would.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in two minutes")
		}
	}
}

// qpc runs one command and returns its output.
func qpc(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("qpc", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("qpc %q: %v: %s", args, err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestBot runs the bot of the documentation. It answers what came while it was
// down, and while its node was killed and started again, and answers it once.
func TestBot(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	for _, program := range []string{"curl", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	anna, bot, seen := filepath.Join(t.TempDir(), "anna"), filepath.Join(t.TempDir(), "bot"), filepath.Join(t.TempDir(), "seen")
	nodeProcess(t, anna, "anna", "/ip4/127.0.0.1/udp/0/quic-v1")
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", conn.LocalAddr().(*net.UDPAddr).Port)
	conn.Close()
	botNode := nodeProcess(t, bot, "bot", listen)
	var paths cli.PathsObject
	if err := json.Unmarshal([]byte(qpc(t, "paths", "--home", bot, "--json")), &paths); err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command("python3", "../../node/localapi/examples/echo.py", paths.Socket, seen)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kill(cmd) })
		return cmd
	}
	answers := func(text string) int {
		return strings.Count(qpc(t, "history", "bot", "--home", anna), "< you said: "+text+"\n")
	}
	say := func(text string) {
		qpc(t, "send", "bot", text, "--home", anna, "--wait", "delivered", "--timeout", "1m")
	}

	link := strings.TrimSpace(qpc(t, "invite", "--home", bot))
	qpc(t, "contact", "add", link, "--home", anna)
	process := start()
	// Until it listens, it is told nothing: it has no id to go on from yet.
	await(t, func() bool { say("hello"); return answers("hello") > 0 })
	await(t, func() bool { b, _ := os.ReadFile(seen); return len(b) > 0 })
	kill(process)
	say("while you are down")
	kill(botNode)
	botNode = nodeProcess(t, bot, "bot", listen)
	start()
	say("now")
	await(t, func() bool { return answers("while you are down") > 0 && answers("now") > 0 })
	kill(botNode) // beside the running bot
	nodeProcess(t, bot, "bot", listen)
	say("the last")
	await(t, func() bool { return answers("the last") > 0 })
	for _, text := range []string{"while you are down", "now", "the last"} {
		if n := answers(text); n != 1 {
			t.Errorf("got %d answers to %q, want 1", n, text)
		}
	}
}
