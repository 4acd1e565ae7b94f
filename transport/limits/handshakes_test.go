package limits

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// doorman is a Handshakes over nothing.
type doorman struct {
	*Handshakes
	t *testing.T
}

func newDoorman(t *testing.T, most int, log *bytes.Buffer) doorman {
	return doorman{Limits{handshakes: most}.Handshakes(&network.NullResourceManager{}, slog.New(slog.NewTextHandler(log, nil))), t}
}

// come begins a handshake; nil means that it is refused.
func (d doorman) come(ip string) network.ConnManagementScope {
	d.t.Helper()
	kind := "ip4"
	if strings.Contains(ip, ":") {
		kind = "ip6"
	}
	s, err := d.OpenConnection(network.DirInbound, false, ma.StringCast(fmt.Sprintf("/%s/%s/udp/1/quic-v1", kind, ip)))
	if err != nil {
		return nil
	}
	return s
}

// fill begins as many as are let in.
func (d doorman) fill(ip string) (all []network.ConnManagementScope) {
	for len(all) < 1000 {
		s := d.come(ip)
		if s == nil {
			return all
		}
		all = append(all, s)
	}
	d.t.Fatalf("%s: there is no bound", ip)
	return nil
}

func (d doorman) empty() bool { return d.under == 0 && len(d.lines) == 0 }

// TestHandshakes: who takes all that it gets leaves room for others, up to a bound of all.
func TestHandshakes(t *testing.T) {
	var log bytes.Buffer
	d := newDoorman(t, 64, &log)
	var held []network.ConnManagementScope
	for _, tt := range []struct {
		ip   string
		want int
	}{
		{"1.2.3.4", 32},       // half
		{"::ffff:1.2.3.4", 0}, // the same
		{"1.2.3.5", 16},       // half of the rest
		{"2001:db8:1::1", 8},
		{"2001:db8:1:ff::1", 0}, // of the same line
		{"2001:db8:1:100::1", 4},
		{"127.0.0.1", 4}, // all of the rest
		{"9.9.9.9", 0},
		{"127.0.0.1", 0},
	} {
		got := d.fill(tt.ip)
		if held = append(held, got...); len(got) != tt.want {
			t.Errorf("%s: %d handshakes, want %d", tt.ip, len(got), tt.want)
		}
	}
	for _, to := range []string{"/ip4/9.9.9.9/tcp/1", "/ip4/9.9.9.9/udp/1/quic-v1"} {
		dir := network.DirInbound
		if strings.Contains(to, "quic") {
			dir = network.DirOutbound
		}
		if _, err := d.OpenConnection(dir, false, ma.StringCast(to)); err != nil {
			t.Errorf("%v %s: %v", dir, to, err)
		}
	}
	if _, err := d.OpenConnection(network.DirInbound, false, nil); err != nil {
		t.Errorf("from no address: %v", err)
	}
	for i, s := range held {
		if i%2 == 0 {
			_ = s.SetPeer("p")
		}
		s.Done()
		s.Done()
	}
	if !d.empty() {
		t.Errorf("%d are left, of %v", d.under, d.lines)
	}
	if err := d.Close(); err != nil || strings.Count(log.String(), "too many handshakes") != 2 {
		t.Errorf("closed with %v, and the log has %s", err, log.String())
	}
}

// TestSite: the lines of one site have no more than half.
func TestSite(t *testing.T) {
	d := newDoorman(t, 64, new(bytes.Buffer))
	n := 0
	for i := range 16 {
		n += len(d.fill(fmt.Sprintf("2001:db8:1:%x00::1", i)))
	}
	if n != 32 {
		t.Errorf("a site has %d of 64 handshakes", n)
	}
	if d.come("2001:db8:2::1") == nil {
		t.Error("another site is refused")
	}
}

// TestProof: an address has to be proved when many handshakes are under way, or many of
// its line.
func TestProof(t *testing.T) {
	d := newDoorman(t, 64, new(bytes.Buffer))
	doubts := func(ip string) bool { return d.VerifySourceAddress(&net.UDPAddr{IP: net.ParseIP(ip), Port: 1}) }
	if doubts("1.2.3.4") {
		t.Error("the first one has to prove its address")
	}
	for n := 0; !doubts("1.2.3.4"); n++ {
		if d.come("1.2.3.4") == nil || n > 16 {
			t.Fatalf("%d do not prove their address", n)
		}
	}
	if d.come("1.2.3.4") == nil {
		t.Error("who proves its address is refused")
	}
	if doubts("1.2.3.5") != (d.under >= 64/freely) {
		t.Errorf("with %d under way another address has to be proved: %v", d.under, doubts("1.2.3.5"))
	}
	d = newDoorman(t, 64, new(bytes.Buffer))
	for range 64 / freely {
		d.come("127.0.0.1")
	}
	if !doubts("9.9.9.9") || !doubts("127.0.0.1") {
		t.Error("with many handshakes under way nobody has to prove an address")
	}
}
