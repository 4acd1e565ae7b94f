package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

const (
	diskSize    = 24 << 20
	ballastSize = 12 << 20
)

// fillDisk lets the disk of a relay run full. Deposits are refused with a code,
// nothing that was acknowledged is lost, also when the relay starts anew there,
// mail can be taken out, and when there is room again the relay takes more.
func fillDisk(t *testing.T) {
	t.Parallel()
	relay := notStarted(t, nil, "relay", relayArgs()...)
	disk := mountDisk(t, relay.home)
	relay.wrap = []string{"nsenter", "--mount=/proc/" + disk.pid + "/ns/mnt", "--"}
	ballast := filepath.Join("/proc", disk.pid, "root", relay.home, "ballast")
	if err := os.WriteFile(ballast, make([]byte, ballastSize), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := relay.start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	boxes := newMailboxes(t, 6)
	look := func(when string, empty int) {
		t.Helper()
		for i, b := range boxes {
			if err := b.visit(ctx, relay.line().URL, i < empty); err != nil {
				t.Fatalf("%s, inbox %d: %v", when, i, err)
			}
		}
	}
	n, refusal := depositUntil(ctx, t, relay, boxes, func(err error) bool { return err != nil })
	if !errors.Is(refusal, rpc.ErrBusy) {
		t.Fatalf("deposit on a full disk: got %v, want %v", refusal, rpc.ErrBusy)
	}
	look("disk full", 0)
	relay.kill()
	if err := relay.start(); err != nil {
		t.Fatal(err)
	}
	look("started on a full disk", 3)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	more, _ := depositUntil(ctx, t, relay, boxes, func(err error) bool { return err == nil })
	look("room again", len(boxes))
	t.Logf("%d deposits filled the disk, %d was taken when there was room", n, more)
}

// depositUntil deposits until the answer is as wanted, and returns how many were
// acknowledged and the last answer.
func depositUntil(ctx context.Context, t *testing.T, relay *process, boxes []*mailbox, wanted func(error) bool) (acked int, err error) {
	t.Helper()
	c, err := newClient(ctx, relay.line().URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for i := 0; ; i++ {
		payload := fmt.Sprintf("%d %d %s", time.Now().UnixNano(), i, strings.Repeat("x", 64<<10))
		err := boxes[i%len(boxes)].deposit(ctx, c, payload)
		if err == nil {
			acked++
		}
		switch {
		case wanted(err):
			return acked, err
		case err != nil && !errors.Is(err, rpc.ErrBusy):
			t.Fatal(err)
		case err != nil:
			time.Sleep(pollPause)
		}
	}
}

// disk is a small file system in a mount namespace of its own. It is gone with
// the process that holds it.
type disk struct{ pid string }

func mountDisk(t *testing.T, at string) disk {
	t.Helper()
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`mount -t tmpfs -o size=%d,mode=700 none "$0" && echo mounted && exec cat`, diskSize)
	cmd := exec.Command("unshare", "--mount", "sh", "-c", script, at)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	needs(t, "a mount namespace", cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	said := make([]byte, len("mounted\n"))
	_, err = io.ReadFull(out, said)
	needs(t, "mount in a namespace", err)
	return disk{pid: strconv.Itoa(cmd.Process.Pid)}
}
