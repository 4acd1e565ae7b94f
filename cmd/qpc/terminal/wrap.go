package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// narrowest is the width below which nothing is wrapped.
	narrowest = 20
	// hanging is how far the rows of a line are indented behind its first one, so that
	// no part of a message can look like a line of its own.
	hanging = 4
)

// wrap breaks a line at spaces into rows of at most width columns. A long word of
// ASCII, like a link, stays in one piece: the terminal wraps it, and it is copied whole.
func wrap(line string, width int) []string {
	if width < narrowest || columns(line) <= width {
		return []string{line}
	}
	indent := max(hanging, len(line)-len(strings.TrimLeft(line, " ")))
	if indent > width/2 {
		indent = hanging
	}
	w := wrapper{width: width, margin: strings.Repeat(" ", indent)}
	for line != "" {
		end := strings.IndexFunc(strings.TrimLeftFunc(line, unicode.IsSpace), unicode.IsSpace)
		gap := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
		if end < 0 {
			end = len(line)
		} else {
			end += gap
		}
		w.add(line[:gap], line[gap:end])
		line = line[end:]
	}
	return append(w.rows, w.row)
}

// wrapper gathers rows.
type wrapper struct {
	width  int
	margin string
	rows   []string
	row    string // the last one, begun
}

// add puts a word behind a gap, on the row or on the next one.
func (w *wrapper) add(gap, word string) {
	if columns(w.row+gap+word) <= w.width {
		w.row += gap + word
		return
	}
	if strings.TrimSpace(w.row) != "" {
		w.rows, w.row = append(w.rows, w.row), w.margin
	} else {
		w.row += gap
	}
	switch {
	case columns(w.row+word) <= w.width:
		w.row += word
	case strings.IndexFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) < 0:
		w.row = word
	default:
		for used := columns(w.row); word != ""; {
			cluster, one, parts := first(word)
			if max(one, parts) > w.width-hanging { // anybody can join any number of emoji
				_, size := utf8.DecodeRuneInString(word)
				cluster, one, parts = first(word[:size])
			}
			width := max(one, parts)
			if used+width > w.width {
				w.rows, w.row, used = append(w.rows, w.row), w.margin, len(w.margin)
			}
			w.row, word, used = w.row+cluster, word[len(cluster):], used+width
		}
	}
}
