package contact

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// LinkScheme begins a contact link.
const LinkScheme = "qpc:"

// linkEncoding refuses bits behind the last byte, so that each card has one link.
var linkEncoding = base64.RawURLEncoding.Strict()

// Link returns the card as a link: LinkScheme and base64url of what Encode
// returns.
func (c Card) Link(sign func(domain string, msg []byte) []byte) (string, error) {
	raw, err := c.Encode(sign)
	if err != nil {
		return "", err
	}
	return LinkScheme + linkEncoding.EncodeToString(raw), nil
}

// ParseLink parses a link, with white space around it ignored, and returns its
// card and the card's encoding. The error is ErrMalformed or ErrSignature.
func ParseLink(text string) (c Card, raw []byte, err error) {
	digits, ok := strings.CutPrefix(strings.TrimSpace(text), LinkScheme)
	if !ok {
		return Card{}, nil, fmt.Errorf("parse link: it does not begin with %s: %w", LinkScheme, ErrMalformed)
	}
	// The decoder skips line ends.
	if len(digits) > linkEncoding.EncodedLen(MaxCard) || strings.ContainsAny(digits, "\r\n") {
		return Card{}, nil, fmt.Errorf("parse link: %w", ErrMalformed)
	}
	raw, err = linkEncoding.DecodeString(digits)
	if err != nil {
		return Card{}, nil, fmt.Errorf("parse link: %w", ErrMalformed)
	}
	c, err = ParseCard(raw)
	if err != nil {
		return Card{}, nil, fmt.Errorf("parse link: %w", err)
	}
	return c, raw, nil
}
