package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// screen is a program in a terminal of its own, driven by tmux.
type screen struct {
	t      *testing.T
	socket string
}

// wantProgram skips a test for which a program is missing; in CI it is there.
func wantProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no " + name)
	}
	t.Skip("there is no " + name)
}

// openScreen runs a command line in a terminal of that many columns and rows.
func openScreen(t *testing.T, columns, rows int, command string) *screen {
	t.Helper()
	wantProgram(t, "tmux")
	s := &screen{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	s.tmux("-f", "/dev/null", "start-server", ";", "set-option", "-g", "history-limit", "20000", ";", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), command)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", s.socket, "-u"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

// keys types; names like Enter and C-c are keys.
func (s *screen) keys(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, keys...)...)
}

// paste pastes a text as a terminal does that can say so.
func (s *screen) paste(text string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "paste")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.tmux("load-buffer", file)
	s.tmux("paste-buffer", "-p")
}

// text is all that is and was on the screen; wrapped lines are joined.
func (s *screen) text() string {
	s.t.Helper()
	return s.tmux("capture-pane", "-p", "-J", "-S", "-20000")
}

// await waits until a pattern is on the screen and returns its first match.
func (s *screen) await(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text := s.text()
		if found := re.FindString(text); found != "" {
			return found
		}
		if time.Now().After(end) {
			s.t.Fatalf("%q never came:\n%s", pattern, text)
		}
	}
}

// link waits for the link that /invite shows, until all of it is drawn.
func (s *screen) link() string {
	s.t.Helper()
	s.await("^It can be used until")
	return s.await("qpc:[A-Za-z0-9_-]+")
}

// column waits until the cursor rests in a column, from 0, that is good: while the
// screen is drawn it is anywhere.
func (s *screen) column(good func(string) bool) (at string) {
	s.t.Helper()
	const looks = 5 // of which all say the same
	same := 0
	for end := time.Now().Add(2 * time.Minute); same < looks; time.Sleep(20 * time.Millisecond) {
		now := strings.TrimSpace(s.tmux("display-message", "-p", "#{cursor_x}"))
		if now != at || !good(now) {
			at, same = now, 0
		}
		same++
		if time.Now().After(end) {
			s.t.Fatalf("the cursor stays in column %s", at)
		}
	}
	return at
}

// chatScreen is a chat with a home, whose owner has the name of that folder, in a terminal
// of that many columns.
func chatScreen(t *testing.T, home string, columns int) *screen {
	t.Helper()
	program, err := exec.LookPath("qpc") // where testscript.Main has put it
	if err != nil {
		t.Fatal(err)
	}
	return openScreen(t, columns, 24, fmt.Sprintf("HOME=%s %s chat --home %s --name %s --lan off --listen /ip4/127.0.0.1/udp/0/quic-v1; echo ended; sleep 300",
		t.TempDir(), program, home, filepath.Base(home)))
}

// chatScreens are two people in chats of their own, who know each other: anna's
// terminal has 80 columns, bob's 50.
func chatScreens(t *testing.T) (anna, bob *screen) {
	t.Helper()
	anna = chatScreen(t, filepath.Join(t.TempDir(), "anna"), 80)
	bob = chatScreen(t, filepath.Join(t.TempDir(), "bob"), 50)
	anna.await("^> *$")
	anna.keys("/invi", "Tab", "Enter")
	link := anna.link()
	bob.await("^> *$")
	bob.keys("/add "+link, "Enter")
	bob.await("^Writing to anna")
	bob.keys("hello", "Enter")
	anna.await("bob: hello$")
	anna.await("^bob> *$")
	bob.await(`^  #\d+ \(delivered, path direct\) hello`)
	return anna, bob
}

// TestTypedEarly types a command before the chat has taken the terminal over.
func TestTypedEarly(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	anna := chatScreen(t, filepath.Join(t.TempDir(), "anna"), 100)
	anna.keys("/whoami", "Enter")
	anna.await(`^12D3Koo\S+  anna$`)
}

// TestFirstChat is what a newcomer sees: a question, a link with its QR code, and
// on the other side one command with the link.
func TestFirstChat(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	program, err := exec.LookPath("qpc") // where testscript.Main has put it
	if err != nil {
		t.Fatal(err)
	}
	command := func(home, args string) string {
		return fmt.Sprintf("HOME=%s QPC_HOME=%s NO_COLOR=1 %s chat --lan off --listen /ip4/127.0.0.1/udp/0/quic-v1 %s; sleep 300", t.TempDir(), home, program, args)
	}
	annaHome := filepath.Join(t.TempDir(), "anna")
	anna := openScreen(t, 100, 60, command(annaHome, ""))
	anna.await(`^What shall people call you\? \[.+\] *$`)
	anna.keys("Anna Ö", "Enter")
	anna.await("^You are Anna Ö, 12D3Koo")
	anna.keys("/invite", "Enter")
	link := anna.link()
	anna.await("^█{20}")
	if colours := regexp.MustCompile("\x1b\\[[0-9;]*3[0-9]").FindString(anna.tmux("capture-pane", "-p", "-e")); colours != "" {
		t.Errorf("got colours (%q), want none", colours)
	}

	bob := openScreen(t, 60, 24, command(filepath.Join(t.TempDir(), "bob"), link))
	bob.await(`^What shall people call you\?`)
	bob.keys("Enter") // the name of the login
	bob.await("^Writing to Anna Ö")
	bob.keys("/invite", "Enter")
	bob.await("^.a QR code of it needs [0-9]+ columns, here are 60")
	bob.keys("hello", "Enter")
	anna.await(": hello$")
	anna.keys("/quit", "Enter")
	anna.await(`^\S*> /quit`)
}

// TestAskForAccount is a login that the relay refuses: a person is asked once, in
// words, and the password is not seen.
func TestAskForAccount(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	program, err := exec.LookPath("qpc") // where testscript.Main has put it
	if err != nil {
		t.Fatal(err)
	}
	relay := exec.Command(program, "relay", "run", "--home", filepath.Join(t.TempDir(), "relay"), "--access", "account", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--json")
	out, err := relay.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := relay.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(relay) })
	var ready struct{ URL string }
	if err := json.NewDecoder(out).Decode(&ready); err != nil {
		t.Fatal(err)
	}
	anna := openScreen(t, 200, 24, fmt.Sprintf("HOME=%s QPC_HOME=%s sh -c 'for i in 1 2; do %s chat --name Anna --lan off --listen /ip4/127.0.0.1/udp/0/quic-v1 --relay %s --username anna; echo ended; read next; done'",
		t.TempDir(), filepath.Join(t.TempDir(), "anna"), program, ready.URL))
	for _, answer := range []string{"n", "y"} {
		anna.await("^password: *$")
		anna.keys("a long password", "Enter")
		anna.await(`^The relay knows no anna with that password. Make a new account\? .y/N. *$`)
		anna.keys(answer, "Enter")
		if answer == "n" {
			anna.await("^qpc: the relay refused the user name or the password")
			anna.await("^ended$")
			anna.tmux("send-keys", "-R")
			anna.tmux("clear-history")
			anna.keys("Enter")
		}
	}
	anna.await("^password, again: *$")
	anna.keys("a long password", "Enter")
	anna.await("^Registered as anna at ")
	anna.await("^You are Anna")
	if text := anna.text(); strings.Contains(text, "a long password") {
		t.Errorf("the password is seen:\n%s", text)
	}
	anna.keys("/quit", "Enter")
	// What was not typed is not asked for again.
	bob := openScreen(t, 200, 24, fmt.Sprintf("HOME=%s QPC_PASSWORD='a long password' %s chat --home %s --name Bob --lan off --listen /ip4/127.0.0.1/udp/0/quic-v1 --relay %s --username bob",
		t.TempDir(), program, filepath.Join(t.TempDir(), "bob"), ready.URL))
	bob.await(`^The relay knows no bob with that password. Make a new account\? .y/N. *$`)
	bob.keys("y", "Enter")
	bob.await("^Registered as bob at ")
	bob.keys("/quit", "Enter")
}

// TestManyConversations counts what comes in elsewhere.
func TestManyConversations(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	anna, bob := chatScreens(t)
	bob.keys("/create friends anna", "Enter")
	bob.await("^Writing to the group friends")
	anna.await("^bob added you to the group friends: 2 members")
	bob.keys("to all of us", "Enter")
	anna.await(`\[friends\] bob: to all of us$`)
	anna.await(`^bob \(1 unread\)> *$`)
	anna.keys("/switch", "Enter")
	anna.await("^friends +1 unread$")
	anna.await("^bob> /switch$") // what is only noted beside the prompt does not stay
	anna.keys("/switch fri", "Tab", "Enter")
	anna.await("^friends> *$")
	anna.keys("/members", "Enter")
	anna.await("^admin +bob ")
	anna.keys("/switch bob", "Enter")
	anna.await("^bob> *$")
	anna.keys("/members", "Enter")
	anna.await("/members is about a group, and you write to bob")
	anna.keys("/dm nobody", "Enter")
	anna.await("^/contacts lists them; /add LINK adds one$")
}

// annaUp runs the node of anna until the test ends, and returns the program and her home.
func annaUp(t *testing.T) (program, home string) {
	t.Helper()
	program, err := exec.LookPath("qpc") // where testscript.Main has put it
	if err != nil {
		t.Fatal(err)
	}
	home = filepath.Join(t.TempDir(), "anna")
	nodeUp(t, program, home)
	return program, home
}

// nodeUp runs the node of a home, whose owner has the name of that folder, until the test
// ends.
func nodeUp(t *testing.T, program, home string) {
	t.Helper()
	up := exec.Command(program, "up", "--home", home, "--name", filepath.Base(home), "--lan", "off", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--json")
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(up) })
	if err := json.NewDecoder(out).Decode(&struct{}{}); err != nil {
		t.Fatal(err)
	}
}

// TestNodeIsRestarted ends the node under a chat and starts it again: the chat goes on, with
// the line that was being typed.
func TestNodeIsRestarted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	program, home := annaUp(t)
	anna := openScreen(t, 100, 24, fmt.Sprintf("HOME=%s %s chat anna --home %s; sleep 300", t.TempDir(), program, home))
	anna.await("^anna> *$")
	anna.keys("a note")
	qpc(t, "down", "--home", home)
	anna.await("^The node has ended")
	nodeUp(t, program, home)
	anna.await("^The node runs again")
	anna.await("^anna> a note *$")
	anna.keys(" to myself", "Enter")
	anna.await("^anna> a note to myself$")
	qpc(t, "send", "--home", home, "anna", "from another front end")
	anna.await("  you: from another front end$")
	anna.keys("/history", "Enter")
	anna.await("> a note to myself")
	anna.keys("/quit", "Enter")
}

// TestComeBack is a chat with a node that runs already: what came in while nobody looked
// is counted and shown, what is typed goes to whom the prompt names, and a password is
// asked for without a trace while messages go on coming in.
func TestComeBack(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	program, home := annaUp(t)
	link, err := exec.Command(program, "invite", "--home", home).Output()
	if err != nil {
		t.Fatal(err)
	}
	bob := openScreen(t, 100, 24, fmt.Sprintf("HOME=%s %s chat --home %s --name bob --lan off --listen /ip4/127.0.0.1/udp/0/quic-v1 %s; sleep 300",
		t.TempDir(), program, filepath.Join(t.TempDir(), "bob"), strings.TrimSpace(string(link))))
	bob.await("^anna> *$")
	for _, text := range []string{"one", "two"} {
		bob.keys(text, "Enter")
		bob.await(`^  #\d+ \(delivered, path direct\) ` + text)
	}

	anna := openScreen(t, 150, 24, fmt.Sprintf("HOME=%s %s chat --home %s; sleep 300", t.TempDir(), program, home))
	anna.await("^bob +2 unread; /switch bob shows it$")
	anna.await("< one\n.*< two\n+bob> *$")
	bob.await("^anna> *$")

	qpc(t, "send", "--home", home, "bob", "from another front end")
	anna.await("  you: from another front end$")
	anna.await(`^  #\d+ \(delivered, path direct\) from another front end`)
	anna.await("^bob> *$")

	backup := filepath.Join(t.TempDir(), "backup")
	anna.keys("/backup "+backup, "Enter")
	for _, question := range []string{"password of the backup", "password of the backup, again"} {
		anna.await("^" + question + ": *$")
		anna.keys("not to be seen")
		bob.keys("while asked", "Enter")
		anna.await("bob: while asked\n+" + question + ": *$")
		anna.keys("Enter")
	}
	anna.await(`: 1 contact, 1 conversation, \d messages$`)
	anna.await("^bob> *$")
	if text := anna.text(); strings.Contains(text, "not to be seen") {
		t.Errorf("the password is seen:\n%s", text)
	}
	verify := exec.Command(program, "backup", "verify", backup)
	verify.Env = append(os.Environ(), "QPC_BACKUP_PASSWORD=not to be seen")
	if said, err := verify.CombinedOutput(); err != nil {
		t.Errorf("the backup: %v: %s", err, said)
	}
	anna.keys("/backup "+backup+"2", "Enter")
	anna.await("^password of the backup: *$")
	anna.keys("C-c")
	anna.await("^qpc: nothing was typed$")
	anna.keys("/quit", "Enter")
	bob.keys("/quit", "Enter")
}

// TestTyping is a chat at two terminals: what comes in tears nothing that is
// being typed, wide characters count, many lines pasted are one message.
func TestTyping(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes in terminals")
	}
	anna, bob := chatScreens(t)
	anna.keys("half 日本語 👩‍👩‍👧")
	anna.await("^bob> half 日本語")
	// Five of the prompt, half and a space, six and a space, and two.
	behind := func(at string) bool { return at == "19" }
	anna.column(behind)
	bob.keys("while you type", "Enter")
	anna.await("bob: while you type$")
	anna.await("^bob> half 日本語 👩 *$") // not all terminals draw a family as one
	anna.column(behind)
	anna.keys("Home", "Right", "Right", "Right", "Right", "X", "Enter")
	bob.await("anna: halfX 日本語 👩‍👩‍👧$")

	anna.paste("one\ntwo\nthree\n") // its last newline is no part of the message
	anna.await("^ +three *$")
	anna.keys("Enter")
	bob.await("anna: one\n    two\n    three$")

	anna.keys("Up")
	anna.await("^bob> one\n +two\n +three *$")
	anna.keys("C-c")
	anna.await("^bob> *$")
	anna.tmux("resize-window", "-x", "30", "-y", "8")
	anna.keys("a line that is longer than thirty columns are", "Enter")
	bob.await("anna: a line that is longer\n    than thirty columns are$")
	anna.keys("/quit", "Enter")
	bob.keys("C-d")
}
