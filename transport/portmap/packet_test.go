package portmap

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// TestPackets reads the packets of RFC 6886, section 3, and some that are not.
func TestPackets(t *testing.T) {
	if got, want := mapRequest(7000, 2*time.Hour), []byte{0, 1, 0, 0, 0x1b, 0x58, 0x1b, 0x58, 0, 0, 0x1c, 0x20}; !bytes.Equal(got, want) {
		t.Errorf("request: got %x, want %x", got, want)
	}
	if got, want := mapRequest(7000, 0), []byte{0, 1, 0, 0, 0x1b, 0x58, 0, 0, 0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("no more: got %x, want %x", got, want)
	}
	external := []byte{0, 128, 0, 0, 0, 0, 0, 9, 11, 0, 0, 21}
	if got, err := parseExternal(external); err != nil || got != netip.MustParseAddr("11.0.0.21") {
		t.Errorf("got %v, %v", got, err)
	}
	mapped := []byte{0, 129, 0, 0, 0, 0, 0, 9, 0x1b, 0x58, 0x1b, 0x59, 0, 0, 0x0e, 0x10}
	if got, err := parseMapping(mapped, 7000); err != nil || got != (mapping{7001, time.Hour}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, b := range map[string][]byte{
		"empty": {}, "of the other request": external, "cut short": mapped[:15], "longer": append(bytes.Clone(mapped), 0),
	} {
		if _, err := parseMapping(b, 7000); !errors.Is(err, errOther) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := parseMapping(mapped, 7002); !errors.Is(err, errOther) {
		t.Errorf("of another port: got %v", err)
	}
	refused := bytes.Clone(mapped)
	refused[3] = 2
	if _, err := parseMapping(refused, 7000); err == nil || errors.Is(err, errOther) {
		t.Errorf("refused: got %v", err)
	}
	if _, err := parseExternal([]byte{0, 128, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0}); err == nil {
		t.Error("no address outside: got no error")
	}
}

func FuzzPackets(f *testing.F) {
	f.Add([]byte{0, 128, 0, 0, 0, 0, 0, 9, 11, 0, 0, 21})
	f.Add([]byte{0, 129, 0, 0, 0, 0, 0, 9, 0x1b, 0x58, 0x1b, 0x59, 0, 0, 0x0e, 0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		if ip, err := parseExternal(b); err == nil && (!ip.Is4() || ip.IsUnspecified()) {
			t.Errorf("got %v", ip)
		}
		if m, err := parseMapping(b, 7000); err == nil && (m.outside == 0 || m.life <= 0) {
			t.Errorf("got %+v", m)
		}
	})
}
