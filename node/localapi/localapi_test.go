package localapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const testID = "000102030405060708090a0b0c0d0e0f"

// backend is a node in memory: one contact, b, whose messages reach State.
type backend struct {
	events
	mu     sync.Mutex
	texts  []string
	relays []string
	reach  State
}

func (b *backend) Identity(context.Context) (Identity, error) {
	return Identity{"12D3KooA", "anna"}, nil
}

func (b *backend) Invite(context.Context) (Invite, error) {
	return Invite{"qpc:AAAA", Time{time.Unix(1700000000, 5e6)}}, nil
}

func (b *backend) Log(context.Context) ([]LogLine, error) {
	return []LogLine{{Level: "info", Message: "ready"}}, nil
}

func (b *backend) Status(context.Context) (Status, error) {
	return Status{Identity: "12D3KooA", Peers: []Peer{{Name: "b"}}}, nil
}

func (b *backend) Accounts(context.Context) ([]Account, error) { return nil, nil }

func (b *backend) step(r AccountRequest) (AccountStep, error) {
	if string(r.Message) != "first" {
		return AccountStep{}, &Error{Message: "refused", Exit: ExitOther}
	}
	return AccountStep{r.Relay, r.Name, []byte("answer"), []byte{1}}, nil
}

func (b *backend) BeginRegister(_ context.Context, r AccountRequest) (AccountStep, error) {
	return b.step(r)
}

func (b *backend) BeginLogin(_ context.Context, r AccountRequest) (AccountStep, error) {
	return b.step(r)
}

func (b *backend) BeginPassword(_ context.Context, r AccountRequest) (AccountStep, error) {
	return b.step(r)
}

func (b *backend) Register(_ context.Context, r AccountRequest) (Account, error) {
	if string(r.Message) != "second" {
		return Account{}, &Error{Message: "refused", Exit: ExitOther}
	}
	return Account{r.Relay, r.Name, true}, nil
}

func (b *backend) Login(ctx context.Context, r AccountRequest) (Account, error) {
	return b.Register(ctx, r)
}

func (b *backend) Logout(_ context.Context, r AccountRequest) (Account, error) {
	return Account{r.Relay, "anna", false}, nil
}

func (b *backend) ChangePassword(ctx context.Context, r AccountRequest) (Account, error) {
	return b.Register(ctx, r)
}

func (b *backend) DeleteAccount(ctx context.Context, r AccountRequest) (Account, error) {
	return b.Logout(ctx, r)
}

func (b *backend) Backup(_ context.Context, path string, password []byte) (Backup, error) {
	return Backup{Path: path, Messages: len(password)}, nil
}

func (b *backend) Export(_ context.Context, path string) (Backup, error) {
	return Backup{Path: path}, nil
}

func (b *backend) Contacts(context.Context) ([]Contact, error) { return nil, nil }

func (b *backend) Nearby(context.Context) ([]Nearby, error) {
	return []Nearby{{"12D3KooB", "b", ""}, {"12D3KooC", "", "carl"}}, nil
}

func (b *backend) Contact(_ context.Context, contact string) (Contact, error) {
	if contact != "../b" {
		return Contact{}, &Error{Message: "no contact " + contact, Hint: "see: qpc contacts", Exit: ExitContact}
	}
	return Contact{Identity: "12D3KooB", Name: contact, Via: "link"}, nil
}

func (b *backend) AddContact(_ context.Context, link, name string) (AddedContact, error) {
	if link == "qpc:forged" {
		return AddedContact{}, fmt.Errorf("add: %w", &Error{Message: "the link was changed", Hint: "ask for it again", Exit: ExitSignature})
	}
	return AddedContact{Identity: "12D3KooB", Name: name, New: true}, nil
}

func (b *backend) Send(_ context.Context, contact, text string) (Delivery, error) {
	if contact != "b" {
		return Delivery{}, &Error{Message: "no contact " + contact, Hint: "see: qpc contacts", Exit: ExitContact}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.texts = append(b.texts, text)
	return Delivery{ID: testID, State: Queued, Path: PathNone, Why: "just written"}, nil
}

func (b *backend) Await(ctx context.Context, id string, want State) (Delivery, error) {
	if !b.reach.Reaches(want) {
		<-ctx.Done()
	}
	return Delivery{ID: id, State: b.reach, Path: PathMailbox, Why: "a relay has it"}, nil
}

func (b *backend) History(_ context.Context, contact string, limit int, _ string, emit func(Message) error) error {
	if contact == "broken" {
		_ = emit(Message{ID: testID})
		return &Error{Message: "the store is damaged", Hint: "restore it", Exit: ExitHome}
	}
	if contact != "b" {
		return &Error{Message: "no contact " + contact, Hint: "see: qpc contacts", Exit: ExitContact}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, text := range b.texts {
		if limit > 0 && i < len(b.texts)-limit {
			continue
		}
		if err := emit(Message{ID: testID, Text: text, Time: Time{time.Unix(1, 0)}, State: Queued}); err != nil {
			return err
		}
	}
	return nil
}

func (b *backend) Search(_ context.Context, words, contact string, limit int) ([]Message, error) {
	return []Message{{ID: "0", Text: words, To: contact, From: strconv.Itoa(limit)}}, nil
}

func (b *backend) AddRelay(_ context.Context, url string) error {
	b.relays = append(b.relays, url)
	return nil
}

func (b *backend) ForgetRelay(context.Context, string) error {
	return &Error{Message: "no such relay", Hint: "see: qpc status", Exit: ExitUsage}
}

func (b *backend) CreateGroup(_ context.Context, name string, invite []string) (Group, error) {
	return Group{ID: testID, Name: name, Status: "in", Members: 1 + len(invite)}, nil
}

func (b *backend) Groups(context.Context) ([]Group, error) { return nil, nil }

func (b *backend) Group(_ context.Context, group string) (GroupInfo, error) {
	if group != "friends" {
		return GroupInfo{}, &Error{Message: "no group " + group, Hint: "see: qpc group list", Exit: ExitContact}
	}
	return GroupInfo{ID: testID, Name: group, Epoch: 7}, nil
}

func (b *backend) ChangeGroup(_ context.Context, c GroupChange) (Group, error) {
	return Group{ID: testID, Name: c.Name, Members: len(c.Contacts)}, nil
}

// events is an Events that keeps all that happened.
type events struct {
	keeping sync.Mutex
	all     []Event
	subs    []chan Event
}

// Publish keeps an event and hands it out.
func (s *events) Publish(e Event) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	e.ID = uint64(len(s.all)) + 1
	s.all = append(s.all, e)
	s.hand(e)
}

// Show hands out what is not kept.
func (s *events) Show(e Event) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.hand(e)
}

func (s *events) hand(e Event) {
	for _, ch := range s.subs {
		ch <- e
	}
}

func (s *events) Subscribe(_ context.Context, after uint64) (<-chan Event, uint64, error) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	ch := make(chan Event, 100)
	from := after
	if from == 0 {
		from = uint64(len(s.all))
	}
	for _, e := range s.all {
		if after > 0 && e.ID > after {
			ch <- e
		}
	}
	s.subs = append(s.subs, ch)
	return ch, from, nil
}

// serve runs a server over b until the test ends.
func serve(t *testing.T, socket string, b *backend) *Client {
	t.Helper()
	ready := make(chan struct{})
	s, err := New(Config{
		Socket: socket, Self: b, Contacts: b, Messages: b, Conversations: b, Trust: b, Groups: b, Relays: b, Reasons: b, Accounts: b, AccountMaker: b, AccountOwner: b, Copies: b, Events: b,
		Ready: func() { close(ready) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	c := NewClient(socket)
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: got %v, want nil", err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	return c
}

func exitOf(err error) int {
	if err == nil {
		return ExitOK
	}
	return AsError(err).Exit
}

func TestCalls(t *testing.T) {
	b := &backend{reach: Stored}
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), b)
	ctx := t.Context()

	inv, err := c.Invite(ctx)
	if err != nil || inv.Link != "qpc:AAAA" || inv.Expires.String() != "2023-11-14T22:13:20.005Z" {
		t.Errorf("invite: got %+v, %v", inv, err)
	}
	if list, err := c.Nearby(ctx); err != nil || len(list) != 2 || list[0].Name != "b" || list[1] != (Nearby{"12D3KooC", "", "carl"}) {
		t.Errorf("nearby: got %+v, %v", list, err)
	}
	if list, err := c.Contacts(ctx); err != nil || list == nil || len(list) != 0 {
		t.Errorf("contacts: got %v, %v, want an empty list", list, err)
	}
	if found, err := c.Contact(ctx, "../b"); err != nil || found.Name != "../b" {
		t.Errorf("contact: got %+v, %v", found, err)
	}
	if _, err := c.Contact(ctx, "nobody"); exitOf(err) != ExitContact {
		t.Errorf("contact nobody: got %v, want exit 4", err)
	}
	if added, err := c.AddContact(ctx, "qpc:AAAA", "bob"); err != nil || added != (AddedContact{Identity: "12D3KooB", Name: "bob", New: true}) {
		t.Errorf("add: got %+v, %v", added, err)
	}
	_, err = c.AddContact(ctx, "qpc:forged", "")
	var e *Error
	if !errors.As(err, &e) || *e != (Error{Message: "the link was changed", Hint: "ask for it again", Exit: ExitSignature}) {
		t.Errorf("add forged: got %v, want the error of the backend", err)
	}
	if err := c.AddRelay(ctx, "qpc-relay://x"); err != nil || len(b.relays) != 1 {
		t.Errorf("add relay: got %v, relays %v", err, b.relays)
	}
	if err := c.ForgetRelay(ctx, "qpc-relay://x"); exitOf(err) != ExitUsage {
		t.Errorf("forget relay: got %v, want exit 2", err)
	}
	st, err := c.Status(ctx)
	if err != nil || st.Addrs == nil || st.Relays == nil || len(st.Peers) != 1 || st.Peers[0].Tried == nil {
		t.Errorf("status: got %+v, %v, want no null lists", st, err)
	}
}

func TestSendAndWait(t *testing.T) {
	b := &backend{reach: Stored}
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), b)
	for _, tt := range []struct {
		wait    State
		timeout time.Duration
		want    State
	}{
		{"", 0, Queued},
		{Stored, time.Minute, Stored},
		{Delivered, time.Millisecond, Stored},
		{Delivered, 0, Stored},
	} {
		d, err := c.Send(t.Context(), "b", "hello", tt.wait, tt.timeout)
		if err != nil || d.State != tt.want || d.Why == "" {
			t.Errorf("wait %q: got %+v, %v, want state %s", tt.wait, d, err, tt.want)
		}
	}
	if d, err := c.Await(t.Context(), testID, Stored, time.Minute); err != nil || d.State != Stored {
		t.Errorf("await: got %+v, %v", d, err)
	}
	for _, tt := range []struct {
		contact, text string
		wait          State
		timeout       time.Duration
		exit          int
	}{
		{"b", "", "", 0, ExitUsage},
		{"b", strings.Repeat("x", MaxText+1), "", 0, ExitUsage},
		{"", "hello", "", 0, ExitUsage},
		{strings.Repeat("b", maxContact+1), "hello", "", 0, ExitUsage},
		{"nobody", "hello", "", 0, ExitContact},
		{"b", "hello", Queued, 0, ExitUsage},
		{"b", "hello", Read, 0, ExitUsage},
		{"b", "hello", Stored, -time.Second, ExitUsage},
		{"b", "hello", Stored, 25 * time.Hour, ExitUsage},
	} {
		if _, err := c.Send(t.Context(), tt.contact, tt.text, tt.wait, tt.timeout); exitOf(err) != tt.exit {
			t.Errorf("send %.10q %.10q %q: got %v, want exit %d", tt.contact, tt.text, tt.wait, err, tt.exit)
		}
	}
}

func TestLongestTextOfEscapes(t *testing.T) {
	b := &backend{}
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), b)
	text := strings.Repeat("\x01", MaxText)
	if _, err := c.Send(t.Context(), "b", text, "", 0); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := c.History(t.Context(), "b", 0, "", func(m Message) error {
		got = append(got, m.Text)
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != text {
		t.Errorf("got %d messages, %v, want the text as it was", len(got), err)
	}
}

func TestHistory(t *testing.T) {
	b := &backend{texts: []string{"one", "two", "three"}}
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), b)
	read := func(contact string, limit int, after string) (texts []string, err error) {
		err = c.History(t.Context(), contact, limit, after, func(m Message) error {
			texts = append(texts, m.Text)
			return nil
		})
		return texts, err
	}
	if got, err := read("b", 2, ""); err != nil || fmt.Sprint(got) != "[two three]" {
		t.Errorf("got %v, %v, want the newest two", got, err)
	}
	if got, err := read("broken", 0, ""); len(got) != 1 || exitOf(err) != ExitHome {
		t.Errorf("broken: got %v, %v, want one message, then exit 8", got, err)
	}
	if _, err := read("nobody", 0, ""); exitOf(err) != ExitContact {
		t.Errorf("nobody: got %v, want exit 4", err)
	}
	if _, err := read("b", 0, "xyz"); exitOf(err) != ExitUsage {
		t.Errorf("after xyz: got %v, want exit 2", err)
	}
}

func TestEvents(t *testing.T) {
	b := &backend{}
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), b)
	stop := errors.New("enough")
	var last uint64
	publish := func(uint64) {
		for _, text := range []string{"one", "two\nlines", "three"} {
			b.Publish(Event{Event: EventMessage, Contact: &Contact{Name: "b"}, Message: &Message{Text: text}})
		}
	}
	var got []string
	err := c.Events(t.Context(), 0, publish, func(e Event) error {
		got = append(got, e.Message.Text)
		last = e.ID
		if len(got) == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || fmt.Sprintf("%q", got) != `["one" "two\nlines"]` {
		t.Errorf("got %q, %v", got, err)
	}
	err = c.Events(t.Context(), last, nil, func(e Event) error {
		got = append(got, e.Message.Text)
		return stop
	})
	if !errors.Is(err, stop) || got[2] != "three" {
		t.Errorf("resumed: got %q, %v, want what was missed", got, err)
	}
	// Who was cut off before anything came has an id to come back with all the same.
	ctx, cancel := context.WithCancel(t.Context())
	_ = c.Events(ctx, 0, func(from uint64) { last = from; cancel() }, func(Event) error { return nil })
	publish(0)
	err = c.Events(t.Context(), last, nil, func(e Event) error {
		got = append(got, e.Message.Text)
		return stop
	})
	if !errors.Is(err, stop) || last != 3 || len(got) != 4 || got[3] != "one" {
		t.Errorf("resumed behind %d: got %q, %v, want what came while nobody listened", last, got, err)
	}
}

func TestTooManyListeners(t *testing.T) {
	c := serve(t, filepath.Join(t.TempDir(), "qpc.sock"), &backend{})
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for range maxSubscribers {
		ready := make(chan struct{})
		done.Go(func() { _ = c.Events(ctx, 0, func(uint64) { close(ready) }, func(Event) error { return nil }) })
		<-ready
	}
	if err := c.Events(ctx, 0, nil, nil); exitOf(err) != ExitOther || !strings.Contains(err.Error(), "listeners") {
		t.Errorf("got %v, want a refusal", err)
	}
	cancel()
	done.Wait()
	if _, err := c.Identity(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestHostileRequests sends what the client never would.
func TestHostileRequests(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	b := &backend{}
	c := serve(t, socket, b)
	post := func(body string) string {
		return fmt.Sprintf("POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	}
	get := func(path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	}
	for name, tt := range map[string]struct{ request, status string }{
		"garbage":          {"\x00\x01\x02 hello\r\n\r\n", "400"},
		"no such path":     {get("/etc/passwd"), "400"},
		"other method":     {"PUT /v1/id HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"},
		"not JSON":         {post("contact=b"), "400"},
		"null":             {post("null"), "400"},
		"two objects":      {post(`{"contact":"b","text":"x"}{}`), "400"},
		"unknown field":    {post(`{"contact":"b","text":"x","priority":1}`), "400"},
		"wrong type":       {post(`{"contact":"b","text":5}`), "400"},
		"not UTF-8":        {post("{\"contact\":\"b\",\"text\":\"\xff\"}"), "400"},
		"deep":             {post(strings.Repeat("[", 100_000)), "400"},
		"too large":        {post(`{"contact":"b","text":"` + strings.Repeat("x", maxBody) + `"}`), "400"},
		"long header":      {"GET /v1/id HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		"bad limit":        {get("/v1/messages?contact=b&limit=-1"), "400"},
		"huge limit":       {get("/v1/messages?contact=b&limit=99999999999999999999"), "400"},
		"bad id":           {get("/v1/messages/..%2f..%2fx"), "400"},
		"bad wait":         {get("/v1/messages/" + testID + "?wait=forever&timeout=1s"), "400"},
		"bad timeout":      {get("/v1/messages/" + testID + "?wait=read&timeout=1"), "400"},
		"bad event id":     {"GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: x\r\nConnection: close\r\n\r\n", "400"},
		"contact missing":  {get("/v1/messages"), "400"},
		"unknown contact":  {get("/v1/messages?contact=%00"), "404"},
		"claimed and gone": {"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 62914560\r\n\r\n{", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// The server may answer and hang up before it has read all.
			_, _ = io.WriteString(conn, tt.request)
			if tt.status == "" {
				return
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			answer, _ := io.ReadAll(conn)
			if want := "HTTP/1.1 " + tt.status; !bytes.HasPrefix(answer, []byte(want)) {
				t.Errorf("got %.60q, want %s", answer, want)
			}
		})
	}
	if _, err := c.Identity(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if len(b.texts) != 0 {
		t.Errorf("got %d messages sent, want none", len(b.texts))
	}
}

func TestManyIdleConnections(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	c := serve(t, socket, &backend{})
	for range maxConns / 2 {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if _, err := c.Identity(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestErrorStatus(t *testing.T) {
	for exit, want := range map[int]int{
		ExitOther: http.StatusInternalServerError, ExitUsage: http.StatusBadRequest, ExitContact: http.StatusNotFound,
		ExitSignature: http.StatusUnprocessableEntity, ExitNetwork: http.StatusServiceUnavailable, 99: http.StatusInternalServerError,
	} {
		if got := (&Error{Exit: exit}).status(); got != want {
			t.Errorf("exit %d: got %d, want %d", exit, got, want)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	b := &backend{reach: Queued}
	serving := make(chan struct{})
	s, err := New(Config{
		Socket: socket, Self: b, Contacts: b, Messages: b, Conversations: b, Trust: b, Groups: b, Relays: b, Reasons: b, Accounts: b, AccountMaker: b, AccountOwner: b, Copies: b, Events: b,
		Ready: func() { close(serving) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	c := NewClient(socket)
	ready := make(chan struct{})
	listened := make(chan error, 1)
	<-serving
	go func() {
		listened <- c.Events(t.Context(), 0, func(uint64) { close(ready) }, func(Event) error { return nil })
	}()
	<-ready
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: got %v, want nil", err)
	}
	if err := <-listened; exitOf(err) != ExitOther {
		t.Errorf("events: got %v, want that the daemon broke off", err)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket after the end: got %v, want that it is gone", err)
	}
	if _, err := c.Identity(t.Context()); exitOf(err) != ExitNoDaemon {
		t.Errorf("call after the end: got %v, want exit 3", err)
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30s", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 0: "0s",
	} {
		if got := Brief(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
