package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"quicnprotochat/node/localapi"
)

// print writes one result to stdout: v as a line of JSON, or text for people.
// Parts of text that other people wrote went through defuse.
func (a *app) print(v any, text string) error {
	line := []byte(text + "\n")
	if a.json {
		var err error
		if line, err = jsonLine(v); err != nil {
			return err
		}
	}
	if _, err := a.stdout.Write(line); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// fail writes an error to stderr and returns its exit code.
func (a *app) fail(err error) int {
	e := localapi.AsError(err)
	if a.json {
		if line, err := jsonLine(e); err == nil {
			_, _ = a.stderr.Write(line)
		}
		return e.Exit
	}
	text := "qpc: " + defuse(e.Message) + "\n"
	if e.Hint != "" {
		text += defuse(e.Hint) + "\n"
	}
	_, _ = io.WriteString(a.stderr, text)
	return e.Exit
}

// note writes a remark for people to stderr; scripts get none.
func (a *app) note(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// jsonLine returns v as a line of JSON in which every character that could act
// on a terminal is an escape.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	var out bytes.Buffer
	for _, r := range b.String() {
		switch {
		case r == '\n' || harmless(r):
			out.WriteRune(r)
		case r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes(), nil
}

// defuse returns what others wrote so that it cannot act on a terminal or
// pretend to be another line: control and format characters (colours, cursor,
// bidirectional overrides) appear as escapes, and a line after the first is
// indented.
func defuse(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		switch {
		case r == '\n':
			b.WriteString("\n    ")
		case r == '\t':
			b.WriteString("    ")
		case harmless(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
	}
	return b.String()
}

// harmless reports whether a terminal only draws r. The joiners are format
// characters that scripts and emoji need.
func harmless(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = 0x200c, 0x200d
	return unicode.IsGraphic(r) || r == zeroWidthNonJoiner || r == zeroWidthJoiner
}

// shown returns the time for people: theirs, to the minute.
func shown(t localapi.Time) string { return t.Local().Format("2006-01-02 15:04") }
