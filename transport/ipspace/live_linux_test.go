package ipspace

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// sayLive tells a copy of the test program to say what is Live where it runs.
const sayLive = "QPC_TEST_SAY_LIVE"

func TestMain(m *testing.M) {
	if os.Getenv(sayLive) != "" {
		fmt.Println(Live())
		return
	}
	os.Exit(m.Run())
}

// TestLive: an interface is live when there is a cable in it, also while the system does
// not call it running yet, as in the first second; and not when there is none. Without the
// means it skips, in CI it fails.
func TestLive(t *testing.T) {
	ns := fmt.Sprintf("qpc%d-live", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
		why := fmt.Sprintf("no network namespaces: %v: %s", err, out)
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	ip := func(args string) {
		t.Helper()
		if out, err := exec.Command("ip", append([]string{"-n", ns}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	const addr = "192.168.83.1/24"
	ip("link add eth0 type veth peer name far")
	ip("addr add " + addr + " dev eth0")
	// A link whose mode is dormant is not called running, whatever it has, until somebody
	// allows it: what is otherwise over in a second stays.
	ip("link set eth0 mode dormant")
	for _, tt := range []struct {
		do   string
		want bool
	}{
		{"link set eth0 up", false},
		{"link set far up", true},
		{"link set far down", false},
		{"link set eth0 mode default", false},
		{"link set far up", true},
		{"link set eth0 down", false},
	} {
		ip(tt.do)
		cmd := exec.Command("ip", "netns", "exec", ns, os.Args[0])
		cmd.Env = append(os.Environ(), sayLive+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := strings.Contains(string(out), addr); got != tt.want {
			t.Errorf("%s: live are %s", tt.do, out)
		}
	}
}
