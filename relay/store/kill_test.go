package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// killDir tells a copy of the test program to be the one that is killed.
const killDir = "QPC_STORE_KILL_DIR"

// A process that is killed at any time loses nothing of what it acknowledged.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		appendForEver(t, dir)
	}
	dir := t.TempDir()
	for round := range 4 {
		acked := appendAndKill(t, dir, time.Duration(40+30*round)*time.Millisecond)
		s := start(t, Config{Path: filepath.Join(dir, "relay.db"), MaxDepth: 1 << 30})
		for producer, seq := range acked {
			wantSeq(t, s, box(producer), seq)
		}
		s.stop()
	}
}

func wantSeq(t *testing.T, s *running, in Inbox, seq uint64) {
	t.Helper()
	got, err := s.Peek(context.Background(), in, 0, 0, 1<<30)
	if err != nil || uint64(len(got)) < seq {
		t.Fatalf("%d payloads, %v; %d were acknowledged", len(got), err, seq)
	}
	for i, e := range got {
		if e.Seq != uint64(i+1) {
			t.Fatalf("payload %d has seq %d", i, e.Seq)
		}
	}
}

// appendForEver writes what was acknowledged to standard output.
func appendForEver(t *testing.T, dir string) {
	s := start(t, Config{Path: filepath.Join(dir, "relay.db"), MaxDepth: 1 << 30})
	for p := range 8 {
		go func() {
			for {
				seqs, err := s.Append(context.Background(), Depositor{}, []Inbox{{Owner: rpc.Identity{byte(p)}}}, make([]byte, 700*p))
				if err != nil {
					os.Exit(1)
				}
				fmt.Printf("acked %d %d\n", p, seqs[0])
			}
		}()
	}
	time.Sleep(time.Minute)
	os.Exit(1)
}

// appendAndKill returns the last acknowledged sequence of each producer.
func appendAndKill(t *testing.T, dir string, after time.Duration) map[byte]uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := map[byte]uint64{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var p byte
		var seq uint64
		if n, _ := fmt.Sscanf(lines.Text(), "acked %d %d", &p, &seq); n != 2 {
			continue
		}
		if len(acked) == 0 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		acked[p] = max(acked[p], seq)
	}
	_ = cmd.Wait() // killed
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	return acked
}
