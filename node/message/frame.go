package message

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/mls/seal"
)

const (
	// MaxMLSMessages is how many MLS messages one frame holds at most.
	MaxMLSMessages = 8
	// MaxParts is how many frames one bundle holds at most.
	MaxParts = 8

	frameMLS     = 0x01
	frameControl = 0x02
	frameBundle  = 0x03
)

// Part is a frame that is no bundle: MLSMessages, *Control, *GroupTree,
// ContactCards or RatchetTree.
type Part interface {
	// frame returns the frame with its type.
	frame() ([]byte, error)
}

// MLSMessages is 1 to MaxMLSMessages MLSMessages (RFC 9420, §6), not parsed, to
// be taken in this order.
type MLSMessages [][]byte

// EncodeFrame returns the frame of 1 to MaxParts parts: the part itself, or a
// bundle. It is at most seal.MaxFrame bytes.
func EncodeFrame(parts ...Part) ([]byte, error) {
	frames := make([][]byte, len(parts))
	for i, p := range parts {
		var err error
		if frames[i], err = p.frame(); err != nil {
			return nil, fmt.Errorf("encode frame: %w", err)
		}
	}
	if len(frames) == 1 {
		return checkFrame(frames[0])
	}
	bundle, err := encodeList(frameBundle, frames, MaxParts)
	if err != nil {
		return nil, fmt.Errorf("encode bundle: %w", err)
	}
	return checkFrame(bundle)
}

func checkFrame(frame []byte) ([]byte, error) {
	if len(frame) > seal.MaxFrame {
		return nil, fmt.Errorf("encode frame: %d bytes: %w", len(frame), ErrMalformed)
	}
	return frame, nil
}

// ParseFrame returns the parts of a frame, those of a bundle in their order. The
// signature of each control was checked; all parts are refused if one is wrong.
func ParseFrame(b []byte) ([]Part, error) {
	if len(b) == 0 || len(b) > seal.MaxFrame {
		return nil, fmt.Errorf("parse frame of %d bytes: %w", len(b), ErrMalformed)
	}
	if b[0] != frameBundle {
		part, err := parsePart(b)
		if err != nil {
			return nil, fmt.Errorf("parse frame: %w", err)
		}
		return []Part{part}, nil
	}
	frames, ok := parseList(b[1:], MaxParts)
	if !ok || len(frames) == 1 {
		return nil, fmt.Errorf("parse bundle: %w", ErrMalformed)
	}
	parts := make([]Part, len(frames))
	for i, frame := range frames {
		var err error
		if parts[i], err = parsePart(frame); err != nil {
			return nil, fmt.Errorf("parse bundle: %w", err)
		}
	}
	return parts, nil
}

// parsePart parses a frame that must not be a bundle.
func parsePart(frame []byte) (Part, error) {
	switch frame[0] {
	case frameMLS:
		messages, ok := parseList(frame[1:], MaxMLSMessages)
		if !ok {
			return nil, fmt.Errorf("MLS messages: %w", ErrMalformed)
		}
		return MLSMessages(messages), nil
	case frameControl:
		return ParseControl(frame[1:])
	case frameGroupTree:
		return parseGroupTree(frame[1:])
	case frameContactCards:
		return parseContactCards(frame[1:])
	case frameRatchetTree:
		if len(frame) == 1 {
			return nil, fmt.Errorf("ratchet tree: %w", ErrMalformed)
		}
		return RatchetTree(frame[1:]), nil
	default:
		return nil, fmt.Errorf("frame of type 0x%02x: %w", frame[0], ErrMalformed)
	}
}

func (m MLSMessages) frame() ([]byte, error) { return encodeList(frameMLS, m, MaxMLSMessages) }

func (c *Control) frame() ([]byte, error) {
	b, err := c.Encode()
	if err != nil {
		return nil, err
	}
	return append([]byte{frameControl}, b...), nil
}

// encodeList returns type ‖ count u8 ‖ (length u32 ‖ item)… of 1 to most items,
// none of them empty.
func encodeList(frameType byte, items [][]byte, most int) ([]byte, error) {
	if len(items) == 0 || len(items) > most {
		return nil, fmt.Errorf("%d items: %w", len(items), ErrMalformed)
	}
	size := 2
	for _, item := range items {
		if len(item) == 0 || len(item) > seal.MaxFrame {
			return nil, fmt.Errorf("item of %d bytes: %w", len(item), ErrMalformed)
		}
		size += 4 + len(item)
	}
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, size))
	b.AddUint8(frameType)
	b.AddUint8(uint8(len(items)))
	for _, item := range items {
		b.AddUint32(uint32(len(item)))
		b.AddBytes(item)
	}
	return b.Bytes()
}

// parseList parses what encodeList returned, without the type.
func parseList(b []byte, most int) ([][]byte, bool) {
	var (
		s = cryptobyte.String(b)
		n uint8
	)
	if !s.ReadUint8(&n) || n == 0 || int(n) > most {
		return nil, false
	}
	items := make([][]byte, n)
	for i := range items {
		var size uint32
		if !s.ReadUint32(&size) || size == 0 || uint64(size) > uint64(len(s)) || !s.ReadBytes(&items[i], int(size)) {
			return nil, false
		}
	}
	return items, s.Empty()
}
