package terminal

import (
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

// errNotTyped is the answer of who did not want to type a secret.
var errNotTyped = cli.UsageError("nothing was typed", "")

// secret is a question whose answer is not shown. It takes the place of the line that
// is being typed, which comes back.
type secret struct {
	question string
	typed    []byte
	answer   chan secretAnswer // has room for one
}

type secretAnswer struct {
	text []byte
	err  error
}

// forgetMsg takes back a question.
type forgetMsg struct{ *secret }

// end answers the question.
func (s *secret) end(err error) {
	a := secretAnswer{s.typed, err}
	if s.typed = nil; err != nil {
		clear(a.text)
		a.text = nil
	}
	s.answer <- a
}

// key takes a key and reports whether it was the last one.
func (s *secret) key(msg tea.KeyPressMsg) (done bool) {
	switch msg.String() {
	case "enter":
		s.end(nil)
		return true
	case "ctrl+c", "ctrl+d", "esc":
		s.end(errNotTyped)
		return true
	case "backspace":
		if len(s.typed) > 0 {
			_, size := utf8.DecodeLastRune(s.typed)
			s.typed = s.typed[:len(s.typed)-size]
		}
	case "ctrl+u":
		clear(s.typed)
		s.typed = s.typed[:0]
	default:
		s.add(msg.Text)
	}
	return false
}

// add appends what was typed or pasted. Its buffer does not grow, so that no copy of a
// secret stays behind; one that is too long is refused by whoever asked.
func (s *secret) add(text string) {
	if s.typed == nil {
		s.typed = make([]byte, 0, localapi.MaxPassword+utf8.UTFMax)
	}
	s.typed = append(s.typed, text[:min(len(text), cap(s.typed)-len(s.typed))]...)
}

// view is the question, with the cursor behind it.
func (s *secret) view(width int) tea.View {
	text := s.question + ": "
	if width > 0 {
		text = ansi.Truncate(text, width-1, ": ")
	}
	v := tea.NewView(text)
	v.Cursor = tea.NewCursor(ansi.StringWidth(text), 0)
	return v
}
