package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"quicnprotochat/node/localapi"
)

// Print writes one result to stdout: v as a line of JSON, or text for people.
// Parts of text that other people wrote went through Defuse.
func (a *App) Print(v any, text string) error {
	line := []byte(text + "\n")
	if a.JSON {
		var err error
		if line, err = JSONLine(v); err != nil {
			return err
		}
	}
	if _, err := a.Stdout.Write(line); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// Fail writes an error to stderr and returns its exit code.
func (a *App) Fail(err error) int {
	e := localapi.AsError(err)
	if a.JSON {
		if line, err := JSONLine(e); err == nil {
			_, _ = a.Stderr.Write(line)
		}
		return e.Exit
	}
	text := "qpc: " + Defuse(e.Message) + "\n"
	if e.Hint != "" {
		text += Defuse(e.Hint) + "\n"
	}
	_, _ = io.WriteString(a.Stderr, text)
	return e.Exit
}

// Note writes a remark for people to stderr; scripts get none.
func (a *App) Note(format string, args ...any) {
	if !a.JSON {
		fmt.Fprintf(a.Stderr, format+"\n", args...)
	}
}

// JSONLine returns v as a line of JSON in which every character that could act
// on a terminal is an escape.
func JSONLine(v any) ([]byte, error) {
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

// Defuse returns what others wrote so that it cannot act on a terminal or
// pretend to be another line: control and format characters (colours, cursor,
// bidirectional overrides) appear as escapes, and a line after the first is
// indented.
func Defuse(text string) string {
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

// Shown returns the time for people: theirs, to the minute.
func Shown(t localapi.Time) string { return t.Local().Format("2006-01-02 15:04") }

// OnOff is a switch as it is typed and shown.
func OnOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// HelpLine is how something is typed beside what it does.
func HelpLine(usage, about string) string {
	const column = 30
	if len(usage) > column {
		return fmt.Sprintf("  %s\n  %-*s %s", usage, column, "", about)
	}
	return fmt.Sprintf("  %-*s %s", column, usage, about)
}

// HelpObject is help as JSON.
type HelpObject struct {
	Help string `json:"help"`
}
