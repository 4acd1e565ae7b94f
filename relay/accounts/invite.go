package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"

	"quicnprotochat/relay/store"
)

// An invite code is 20 of these symbols, 100 bits: digits and letters without
// those that are mistaken for others.
const (
	inviteSymbols = "0123456789abcdefghjkmnpqrstvwxyz"
	inviteLength  = 20
	inviteGroup   = 5
)

// NewInvite makes an invite for one account, and the code to give away: only its
// hash is in the invite. note is what the operator wrote to it.
func NewInvite(now time.Time, lasts time.Duration, note string) (code string, i store.Invite) {
	random := make([]byte, inviteLength)
	_, _ = rand.Read(random) // never fails
	var b strings.Builder
	for n, r := range random {
		if n > 0 && n%inviteGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(inviteSymbols[r%32])
	}
	code = b.String()
	id, _ := parseInvite(code)
	return code, store.Invite{ID: id, Created: now, Expires: now.Add(lasts), Note: note}
}

// parseInvite reads a code as people write it: in capitals, without dashes, and
// with the letters that look like digits.
func parseInvite(code string) (id store.InviteID, ok bool) {
	plain := strings.Map(func(r rune) rune {
		switch r {
		case '-', ' ':
			return -1
		case 'o':
			return '0'
		case 'i', 'l':
			return '1'
		}
		return r
	}, strings.ToLower(code))
	if len(plain) != inviteLength || strings.Trim(plain, inviteSymbols) != "" {
		return id, false
	}
	return sha256.Sum256([]byte(plain)), true
}
