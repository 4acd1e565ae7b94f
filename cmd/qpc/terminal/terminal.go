package terminal

import (
	"context"
	"os"
	"strings"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// Terminal is a line of input below a scrolling text. What is written to it
// comes above the line, so that nothing tears what is being typed. The text
// belongs to the terminal's own scrollback.
type Terminal struct {
	program *tea.Program
	out     *os.File
	// lines are what was typed; closed when the typing ends.
	lines chan Line
	// typed has a token when a text is being typed that is no command.
	typed chan struct{}
	// ended is closed when the terminal is as it was before.
	ended chan struct{}
	err   error
}

// Open takes a terminal over until Close. complete returns what a line could become,
// soon, for typing waits; interrupt is called when Ctrl-C comes after the end of the
// input.
func Open(in, out *os.File, complete func(line string) []string, interrupt func()) *Terminal {
	t := &Terminal{out: out, lines: make(chan Line, inputBacklog), typed: make(chan struct{}, 1), ended: make(chan struct{})}
	m := &inputModel{input: newInput(), lines: t.lines, typed: t.typed, complete: complete, interrupt: interrupt, showing: true}
	m.setPrompt("", "")
	t.program = tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	go func() {
		defer close(t.ended)
		_, t.err = t.program.Run()
		m.endLines()
	}()
	return t
}

// Write shows whole lines above the input.
func (t *Terminal) Write(p []byte) (int, error) {
	t.program.Send(showMsg(strings.TrimSuffix(string(p), "\n")))
	return len(p), nil
}

// Lines are what was typed, each when Enter ended it; closed when the typing ends.
func (t *Terminal) Lines() <-chan Line { return t.lines }

// Typed has something to receive while a text is being typed that is no command.
func (t *Terminal) Typed() <-chan struct{} { return t.typed }

// Columns is how wide the terminal is.
func (t *Terminal) Columns() int { return Columns(t.out) }

// Prompt says to whom the typing goes, with a note beside it.
func (t *Terminal) Prompt(name, note string) { t.program.Send(promptMsg{name, note}) }

// Secret asks for something that is not shown while it is typed. The caller wipes it.
func (t *Terminal) Secret(ctx context.Context, question string) ([]byte, error) {
	s := &secret{question: question, answer: make(chan secretAnswer, 1)}
	t.program.Send(s)
	select {
	case a := <-s.answer:
		return a.text, a.err
	case <-t.ended:
	case <-ctx.Done():
		t.program.Send(forgetMsg{s})
	}
	return nil, errNotTyped
}

// Close gives the terminal back when all that was written is seen.
func (t *Terminal) Close() error {
	t.program.Send(closeMsg{})
	<-t.ended
	return t.err
}

// Is reports whether a person types or reads at f.
func Is(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Columns is how many columns a terminal has; 80 if it does not say, 0 for none.
func Columns(f any) int {
	if !Is(f) {
		return 0
	}
	if columns, _, err := term.GetSize(int(f.(*os.File).Fd())); err == nil && columns > 0 {
		return columns
	}
	return 80
}
