package integration

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// idleFor makes TestIdleProcesses the long form: `go test ./integration -run
// TestIdleProcesses -idle 5m -timeout 30m` counts for five minutes after ten quiet
// ones.
var idleFor = flag.Duration("idle", 0, "count packets for so long, after ten quiet minutes")

// TestIdleProcesses counts what real processes send and compute when nothing
// happens, in network namespaces: packets on a bridge, and the processor's time. In
// its short form the two people have never talked: after that a connection is
// looked after for two minutes.
func TestIdleProcesses(t *testing.T) {
	t.Parallel() // it waits
	l := newLab(t)
	relay := newWrapped(t, l.host("r", "192.168.77.9/24"), "relay", "relay", "run", "--listen", "/ip4/192.168.77.9/udp/7000/quic-v1")
	up := func(ns, addr, name string) *process {
		return newWrapped(t, l.host(ns, addr), name, "up", "--name", name, "--relay", relay.line().URL)
	}
	alice, bob := up("a", "192.168.77.1/24", "alice"), up("b", "192.168.77.2/24", "bob")
	quiet, window, connections := 15*time.Second, 40*time.Second, 2
	if *idleFor > 0 {
		quiet, window, connections = 10*time.Minute, *idleFor, 3
		befriend(t, alice, bob)
		if _, err := alice.send("bob", "hello", "--wait", "delivered", "--timeout", "2m"); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []*process{alice, bob} {
		eventually(t, p.name+" is in touch with the relay", func() bool {
			return p.status(t).Relays[0].Reached
		})
	}
	time.Sleep(quiet)
	capture := l.capture()
	busy := map[*process]time.Duration{}
	for _, p := range []*process{relay, alice, bob} {
		busy[p] = p.processor(t)
	}
	time.Sleep(window)
	for p, before := range busy {
		share := 100 * float64(p.processor(t)-before) / float64(window)
		t.Logf("%s took %.2f %% of a core", p.name, share)
		if share >= 0.5 {
			t.Errorf("%s takes %.2f %% of a core for nothing", p.name, share)
		}
	}
	packets, multicast := map[string]int{}, 0
	total := 0
	for _, f := range capture.frames() {
		switch {
		case f.proto != syscall.IPPROTO_UDP:
		case f.multicast():
			multicast++
		default:
			packets[fmt.Sprint(f.src, " to ", f.dst)]++
			total++
		}
	}
	// A machine that is late makes QUIC send a packet twice.
	most := connections*2*(int(window/idlePair)+1) + 8
	t.Logf("%d packets and %d of multicast DNS in %v, at most %d are allowed: %v", total, multicast, window, most, packets)
	if total > most {
		t.Errorf("got %d packets, want at most %d", total, most)
	}
	if least := connections; total < least {
		t.Errorf("got %d packets: nothing was captured", total)
	}
}

// processor is how long the process has computed.
func (p *process) processor(t *testing.T) time.Duration {
	t.Helper()
	p.mu.Lock()
	pid := p.run.cmd.Process.Pid
	p.mu.Unlock()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(t, err)
	// Behind the name, which may hold spaces: user and system time in 1/100 s.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	ticks := 0
	for _, i := range []int{11, 12} {
		n, err := strconv.Atoi(fields[i])
		must(t, err)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
