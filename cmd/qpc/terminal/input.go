package terminal

import (
	"strings"
	"sync"
	"time"

	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"quicnprotochat/cmd/qpc/cli"
	"quicnprotochat/node/localapi"
)

const (
	// inputRows is how many rows of a long input are seen at once.
	inputRows = 6
	// inputBacklog bounds the lines that were typed and not taken yet.
	inputBacklog = 10_000
	// recalled bounds the lines that the arrow keys bring back.
	recalled = 500
	// firstFrames is how long nothing is shown at first: until the library has drawn a
	// frame it does not know how wide the terminal is, and would let the next line
	// overwrite the end of a long one.
	firstFrames = 100 * time.Millisecond
)

// The messages to the input.
type (
	showMsg   string   // a text to show
	promptMsg struct { // a new prompt, and what is noted beside it
		name, note string
	}
	shownMsg struct{} // the lines under way are seen
	closeMsg struct{} // end when all lines are seen
)

// inputModel is the state of a terminal. The methods of tea.Model are called by
// one goroutine.
type inputModel struct {
	input     textarea.Model
	lines     chan Line
	typed     chan struct{}
	endOnce   sync.Once
	over      bool // no more input
	complete  func(string) []string
	interrupt func()

	// secret is what is asked for instead of a line, nil for nothing.
	secret *secret

	// prompt says to whom a line goes. What is noted beside it passes, and does not stay
	// with the lines that were typed.
	prompt, note  string
	width, height int
	// waiting are lines to be shown when those under way are seen.
	waiting []string
	// showing is true at first too, until the terminal is sized and drawn.
	showing bool
	sized   bool
	// joins is whether the terminal says that it draws emoji of several parts as one.
	joins   bool
	closing bool
	// drawn is true when the first frames were: before that keys come that were typed
	// when the terminal was not ours yet.
	drawn bool
	// redraw changes when lines were shown, which moves the cursor away: only a
	// view that differs from the last one puts it back.
	redraw bool

	// past are the lines of before; at is which of them is seen, and draft what
	// was typed before they were looked through.
	past  []string
	at    int
	draft string
}

// newInput returns an empty line without decoration.
func newInput() textarea.Model {
	input := textarea.New()
	plain := textarea.StyleState{
		Base: lipgloss.NewStyle(), Text: lipgloss.NewStyle(), CursorLine: lipgloss.NewStyle(), Prompt: lipgloss.NewStyle(),
		EndOfBuffer: lipgloss.NewStyle(), Placeholder: lipgloss.NewStyle(), Selection: lipgloss.NewStyle().Reverse(true),
	}
	input.SetStyles(textarea.Styles{Focused: plain, Blurred: plain})
	input.SetVirtualCursor(false)
	input.ShowLineNumbers = false
	input.CharLimit = localapi.MaxText
	input.DynamicHeight, input.MaxHeight, input.MaxContentHeight = true, inputRows, localapi.MaxText
	input.MaxWidth = 0
	input.KeyMap.InsertNewline.SetKeys("alt+enter", "shift+enter", "ctrl+j")
	input.Focus()
	return input
}

func (m *inputModel) endLines() {
	m.endOnce.Do(func() { close(m.lines) })
	m.over = true
}

// Init asks for nothing.
func (m *inputModel) Init() tea.Cmd { return nil }

// View is the line of input, or nothing when the input is over.
func (m *inputModel) View() tea.View {
	if m.over {
		return tea.NewView("")
	}
	if m.secret != nil {
		return m.secret.view(m.width)
	}
	text := m.input.View()
	if !m.joins {
		text = steady(text)
	}
	if m.redraw {
		text += " "
	}
	v := tea.NewView(text)
	v.Cursor = m.input.Cursor()
	return v
}

// Update takes one message.
func (m *inputModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.setPrompt(m.prompt, m.note)
		if !m.sized {
			m.sized = true
			return m, tea.Tick(firstFrames, func(time.Time) tea.Msg { return shownMsg{} })
		}
	case tea.ModeReportMsg:
		m.joins = m.joins || msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeReset || msg.Value.IsSet())
	case promptMsg:
		m.setPrompt(msg.name, msg.note)
	case showMsg:
		return m, m.show(string(msg))
	case shownMsg:
		m.showing, m.drawn, m.redraw = false, true, !m.redraw
		return m, m.showNext()
	case closeMsg:
		m.closing = true
		m.forget(m.secret)
		m.endLines()
		return m, m.showNext()
	case *secret:
		m.forget(m.secret)
		if m.secret = msg; m.over {
			m.forget(msg)
		}
	case forgetMsg:
		m.forget(msg.secret)
	case tea.PasteMsg:
		// Terminals send what Enter sends for the end of a line, and other systems both.
		msg.Content = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(msg.Content)
		if m.secret == nil {
			return m, m.edit(msg)
		}
		line, _, _ := strings.Cut(msg.Content, "\n")
		m.secret.add(line)
	case tea.KeyPressMsg:
		if m.secret == nil {
			return m, m.key(msg)
		}
		if m.secret.key(msg) {
			m.secret = nil
		}
	default:
		return m, m.edit(msg)
	}
	return m, nil
}

// forget takes back a question if it is the one that is asked.
func (m *inputModel) forget(s *secret) {
	if s != nil && s == m.secret {
		s.end(errNotTyped)
		m.secret = nil
	}
}

// setPrompt puts the prompt before the first row and as much space before the
// others.
func (m *inputModel) setPrompt(name, note string) {
	m.prompt, m.note = name, note
	text := strings.TrimSpace(name+" "+note) + "> "
	if most := max(m.width/2, 2); m.width > 0 {
		text = ansi.Truncate(text, most, "> ")
	}
	width := ansi.StringWidth(text)
	m.input.SetPromptFunc(width, func(row textarea.PromptInfo) string {
		if row.LineNumber == 0 {
			return text
		}
		return strings.Repeat(" ", width)
	})
	if m.width > 0 {
		m.input.SetWidth(m.width)
	}
}

// show puts a text above the input.
func (m *inputModel) show(text string) tea.Cmd {
	m.waiting = append(m.waiting, strings.Split(text, "\n")...)
	return m.showNext()
}

// pieces cuts a line that fills more than the screen. Shorter ones are left for
// the terminal to wrap, so that a link is copied in one piece.
func (m *inputModel) pieces(line string) []string {
	if line == "" {
		return []string{" "}
	}
	room := m.width * max(m.height-inputRows-1, 1)
	if room == 0 || columns(line) <= room {
		return []string{line}
	}
	return strings.Split(ansi.Hardwrap(line, room, true), "\n")
}

// showNext hands on what waits, in order: the commands of tea run at once, so
// the next lines wait until these are seen.
func (m *inputModel) showNext() tea.Cmd {
	if m.showing {
		return nil
	}
	if len(m.waiting) == 0 {
		if m.closing {
			return tea.Quit
		}
		return nil
	}
	var cmds []tea.Cmd
	for _, line := range m.waiting {
		for _, row := range wrap(line, m.width) {
			for _, piece := range m.pieces(row) {
				cmds = append(cmds, tea.Println(piece))
			}
		}
	}
	m.waiting, m.showing = nil, true
	return tea.Sequence(append(cmds, func() tea.Msg { return shownMsg{} })...)
}

// edit lets the input have a message.
func (m *inputModel) edit(msg tea.Msg) tea.Cmd {
	if m.over {
		return nil
	}
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	return cmd
}

// key does what a key is for; those that are for nothing else are typed.
func (m *inputModel) key(msg tea.KeyPressMsg) tea.Cmd {
	pressed := msg.String()
	if pressed == "ctrl+j" && !m.drawn {
		pressed = "enter" // until then the terminal made that of the key
	}
	switch pressed {
	case "ctrl+c":
		switch {
		case m.over:
			m.interrupt()
		case m.input.Value() != "":
			m.set("")
		default:
			m.endLines()
		}
		return nil
	case "ctrl+d":
		if m.input.Value() == "" {
			m.endLines()
			return nil
		}
	case "enter":
		return m.enter()
	case "tab":
		return m.completeLine()
	case "up":
		if m.input.Line() == 0 && m.at > 0 {
			m.recall(m.at - 1)
			return nil
		}
	case "down":
		if m.input.Line() == m.input.LineCount()-1 && m.at < len(m.past) {
			m.recall(m.at + 1)
			return nil
		}
	}
	cmd := m.edit(msg)
	if text := m.input.Value(); text != "" && !strings.HasPrefix(text, "/") {
		select {
		case m.typed <- struct{}{}:
		default:
		}
	}
	return cmd
}

// enter takes the line.
func (m *inputModel) enter() tea.Cmd {
	// What is copied often ends in a newline, which is no part of what is meant.
	line := strings.TrimRight(m.input.Value(), "\n")
	if m.over {
		return nil
	}
	select {
	case m.lines <- Line{Text: line}:
	default:
		return m.show("Too many lines wait to be taken: try again in a moment.")
	}
	if strings.TrimSpace(line) != "" && (len(m.past) == 0 || m.past[len(m.past)-1] != line) {
		if m.past = append(m.past, line); len(m.past) > recalled {
			m.past = m.past[1:]
		}
	}
	m.at, m.draft = len(m.past), ""
	m.set("")
	return m.show(cli.Defuse(m.prompt + "> " + line))
}

// set replaces what is typed.
func (m *inputModel) set(line string) {
	m.input.SetValue(line)
	m.input.MoveToEnd()
}

// recall shows a line of before; the one after the last is what was typed.
func (m *inputModel) recall(at int) {
	if m.at == len(m.past) {
		m.draft = m.input.Value()
	}
	if m.at = at; at == len(m.past) {
		m.set(m.draft)
	} else {
		m.set(m.past[at])
	}
}

// completeLine completes the line as far as all offers agree, and lists them
// where they part. It is done before the next key counts.
func (m *inputModel) completeLine() tea.Cmd {
	line := m.input.Value()
	offers := m.complete(line)
	if m.over || len(offers) == 0 {
		return nil
	}
	common := offers[0]
	for _, offer := range offers[1:] {
		for !strings.HasPrefix(offer, common) {
			runes := []rune(common)
			common = string(runes[:len(runes)-1])
		}
	}
	if len(common) > len(line) {
		m.set(common)
		return nil
	}
	return m.show(strings.Join(offers, "\n"))
}
