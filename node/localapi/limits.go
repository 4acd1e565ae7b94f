package localapi

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// MaxText is the longest text of a message, in bytes.
const MaxText = 65_535

// The other bounds of the door, in bytes unless they say otherwise.
const (
	maxContact = 256
	maxName    = 1024
	maxLink    = 16 << 10
	maxURL     = 1024
	// maxBody is a text whose every byte is written as an escape, and the rest.
	maxBody        = 6*MaxText + 4<<10
	maxHeader      = 16 << 10
	maxConns       = 256
	maxSubscribers = 32
	maxWait        = 24 * time.Hour

	requestTimeout = 10 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	heartbeat      = 15 * time.Second
	stopTimeout    = time.Second
)

// CheckText refuses a text that cannot be sent: exit 2.
func CheckText(text string) error {
	switch {
	case text == "":
		return usage("the text is empty", "give at least one byte of text")
	case len(text) > MaxText:
		return usage(fmt.Sprintf("the text has %d bytes, %d is the most", len(text), MaxText), "send it in parts")
	case !utf8.ValidString(text):
		return usage("the text is not UTF-8", "convert it, for example with iconv")
	default:
		return nil
	}
}

// MinPassword is the least length of a new password, in bytes.
const MinPassword = 8

// CheckNewPassword refuses a new password that is too short: exit 2.
func CheckNewPassword(b []byte) error {
	if len(b) < MinPassword {
		return usage(fmt.Sprintf("a new password has at least %d characters", MinPassword), "several words are easy to keep in mind and hard to guess")
	}
	return nil
}

// checkArgument refuses an argument that is empty, too long or not UTF-8.
func checkArgument(what, value string, most int) error {
	switch {
	case value == "":
		return usage(what+" is missing", "")
	case len(value) > most:
		return usage(fmt.Sprintf("%s has %d bytes, %d is the most", what, len(value), most), "")
	case !utf8.ValidString(value):
		return usage(what+" is not UTF-8", "")
	default:
		return nil
	}
}

// parseLimit reads the number of messages asked for; empty means 0, all.
func parseLimit(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, usage("the limit "+strconv.Quote(text)+" is not a number of messages", "")
	}
	return int(n), nil
}

// checkID refuses what is not the id of a message.
func checkID(id string) error {
	if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
		return usage("a message id has 32 hex digits, "+strconv.Quote(id)+" is none", "see: qpc history --json")
	}
	return nil
}

// parseWait reads the state to wait for and how long; an empty state means not
// to wait.
func parseWait(want State, timeout string) (time.Duration, error) {
	if want == "" {
		return 0, nil
	}
	if !want.Awaitable() {
		return 0, usage("there is no waiting for "+strconv.Quote(string(want)), "wait for stored, direct or delivered")
	}
	d, err := time.ParseDuration(timeout)
	if err != nil || d < 0 || d > maxWait {
		return 0, usage("the timeout "+strconv.Quote(timeout)+" is not a duration up to 24h", "write it like 10s")
	}
	return d, nil
}

func usage(message, hint string) *Error {
	return &Error{Message: message, Hint: hint, Exit: ExitUsage}
}
