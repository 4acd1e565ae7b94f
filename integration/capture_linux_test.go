package integration

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func init() { servers["capture"] = serveCapture }

// frame is a packet that crossed the wire.
type frame struct {
	at       time.Time
	src, dst netip.Addr // zero for what is neither IPv4 nor IPv6
	proto    byte
	port     uint16 // of UDP: the destination's
	hops     byte   // that it may take
	bytes    []byte
}

// multicast reports whether a packet is for many.
func (f frame) multicast() bool { return f.dst.IsMulticast() }

// leaves reports whether a router would send a packet on, beyond its segment: it is for
// somebody there, or for many and not for those of the segment alone.
func (f frame) leaves(segment netip.Prefix) bool {
	switch {
	case !f.dst.IsValid() || f.dst.IsLinkLocalUnicast() || f.dst.IsLinkLocalMulticast():
		return false
	case f.multicast():
		return f.hops > 1
	}
	return !segment.Contains(f.dst)
}

// capture writes the packets of all interfaces of a network namespace to a file.
type capture struct {
	t    *testing.T
	file string
	*child
}

// capture begins to write what crosses the bridge.
func (l *lab) capture() *capture {
	l.t.Helper()
	dir := l.t.TempDir()
	c := &capture{t: l.t, file: filepath.Join(dir, "frames")}
	c.child = startWrapped(l.t, []string{"ip", "netns", "exec", l.ns("lan")}, "capture", dir)
	return c
}

// frames returns what was captured, until now or the end.
func (c *capture) frames() (all []frame) {
	c.t.Helper()
	b, err := os.ReadFile(c.file)
	must(c.t, err)
	for len(b) >= 12 {
		n := int(binary.BigEndian.Uint32(b[8:]))
		if len(b) < 12+n {
			break // being written
		}
		f := parseFrame(b[12 : 12+n])
		f.at = time.Unix(0, int64(binary.BigEndian.Uint64(b)))
		all, b = append(all, f), b[12+n:]
	}
	return all
}

// parseFrame reads the headers of an Ethernet frame.
func parseFrame(b []byte) frame {
	f := frame{bytes: b}
	if len(b) < 14 {
		return f
	}
	switch kind, ip := binary.BigEndian.Uint16(b[12:]), b[14:]; {
	case kind == 0x0800 && len(ip) >= 20:
		f.src, f.dst, f.proto = netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:])), ip[9]
		f.hops = ip[8]
		f.udp(ip[min(len(ip), int(ip[0]&15)*4):])
	case kind == 0x86dd && len(ip) >= 40:
		f.src, f.dst, f.proto = netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:])), ip[6]
		f.hops = ip[7]
		f.udp(ip[40:])
	}
	return f
}

func (f *frame) udp(b []byte) {
	if f.proto == syscall.IPPROTO_UDP && len(b) >= 8 {
		f.port = binary.BigEndian.Uint16(b[2:])
	}
}

// serveCapture writes each packet that crosses an interface of this namespace to the
// file "frames": its time in nanoseconds, its length, and its bytes.
func serveCapture(dir string) (string, error) {
	const all = 0x0300 // ETH_P_ALL in the byte order of the network
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, all)
	if err != nil {
		return "", fmt.Errorf("packet socket: %w", err)
	}
	out, err := os.Create(filepath.Join(dir, "frames"))
	if err != nil {
		return "", err
	}
	go func() {
		defer out.Close()
		buf := make([]byte, 1<<16)
		for {
			n, from, err := syscall.Recvfrom(fd, buf, 0)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil {
				return
			}
			// Each packet goes into the bridge by one port; the copies are left out.
			if ll, ok := from.(*syscall.SockaddrLinklayer); !ok || ll.Pkttype == syscall.PACKET_OUTGOING {
				continue
			}
			head := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
			head = binary.BigEndian.AppendUint32(head, uint32(n))
			if _, err := out.Write(append(head, buf[:n]...)); err != nil {
				return
			}
		}
	}()
	return "capture", nil
}
