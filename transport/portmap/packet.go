package portmap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// RFC 6886, section 3: a request is version 0, an opcode, and what belongs to it; its
// answer has the opcode and 128, a result, and the seconds since the router started.
const (
	opExternal, opMapUDP, answered = 0, 1, 128
	externalSize, mappingSize      = 12, 16
	// maxPacket is the longest that is read: one that is longer is no answer.
	maxPacket = 64
)

// errOther is that a packet answers something else.
var errOther = errors.New("not an answer to this")

// mapping is a port that the router forwards.
type mapping struct {
	outside uint16
	life    time.Duration
}

// externalRequest asks for the router's address outside (section 3.2).
func externalRequest() []byte { return []byte{0, opExternal} }

// mapRequest asks to forward the same port outside, or another, to a UDP port of ours,
// or, with life 0, not to (section 3.3).
func mapRequest(port uint16, life time.Duration) []byte {
	b := []byte{0, opMapUDP, 0, 0}
	b = binary.BigEndian.AppendUint16(b, port)
	if life == 0 {
		port = 0
	}
	b = binary.BigEndian.AppendUint16(b, port)
	return binary.BigEndian.AppendUint32(b, uint32(life/time.Second))
}

// parseExternal reads the answer to externalRequest.
func parseExternal(b []byte) (netip.Addr, error) {
	if err := check(b, opExternal, externalSize); err != nil {
		return netip.Addr{}, err
	}
	ip := netip.AddrFrom4([4]byte(b[8:]))
	if ip.IsUnspecified() {
		return netip.Addr{}, errors.New("the router has no address outside")
	}
	return ip, nil
}

// parseMapping reads the answer to mapRequest of a port.
func parseMapping(b []byte, port uint16) (mapping, error) {
	if err := check(b, opMapUDP, mappingSize); err != nil {
		return mapping{}, err
	}
	m := mapping{binary.BigEndian.Uint16(b[10:]), time.Duration(binary.BigEndian.Uint32(b[12:])) * time.Second}
	switch {
	case binary.BigEndian.Uint16(b[8:]) != port:
		return mapping{}, errOther
	case m.outside == 0 || m.life == 0:
		return mapping{}, errors.New("the router forwards nothing")
	}
	return m, nil
}

// check reads what each answer begins with.
func check(b []byte, op byte, size int) error {
	if len(b) < 4 || b[0] != 0 || b[1] != op+answered {
		return errOther
	}
	if result := binary.BigEndian.Uint16(b[2:]); result != 0 { // section 3.5
		return fmt.Errorf("the router refuses: result %d", result)
	}
	if len(b) != size {
		return errOther
	}
	return nil
}
