package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"quicnprotochat/node/localapi/openapi"
)

// The bodies of requests.
type (
	addRequest struct {
		Link string `json:"link"`
		Name string `json:"name"`
	}
	sendRequest struct {
		Contact string `json:"contact"`
		Text    string `json:"text"`
		Wait    State  `json:"wait"`
		Timeout string `json:"timeout"`
	}
	relayRequest struct {
		URL string `json:"url"`
	}
)

// nothing is an answer without content.
type nothing struct{}

// table lists the whole API.
func (s *Server) table() []route {
	all := slices.Concat(s.accountTable(), s.reasonTable(), s.copiesTable(), s.lineTable(), s.trustTable(), []route{
		{method: "GET", path: "/v1/id", about: "Who the node is.", answer: Identity{}, handle: s.answer(s.id)},
		{method: "POST", path: "/v1/invite", about: "Make a contact link.", answer: Invite{}, handle: s.answer(s.invite)},
		{method: "GET", path: "/v1/status", about: "What the node is connected to and what waits.", answer: Status{}, handle: s.answer(s.status)},
		{
			method: "GET", path: "/v1/log", about: "The last 1,000 lines of the log, oldest first.", answer: []LogLine{},
			handle: s.answer(func(_ http.ResponseWriter, r *http.Request) (any, error) {
				lines, err := s.cfg.Self.Log(r.Context())
				return present(lines), err
			}),
		},
		{method: "GET", path: "/v1/contacts", about: "All contacts, by name.", answer: []Contact{}, handle: s.answer(s.contacts)},
		{method: "POST", path: "/v1/contacts", about: "Take a link, or NAME@RELAY.", body: addRequest{}, answer: AddedContact{}, handle: s.answer(s.addContact)},
		{method: "GET", path: "/v1/contact", about: "Find a contact by identity, exact name or unique beginning.", query: []string{"contact"}, answer: Contact{}, handle: s.answer(s.contact)},
		{method: "GET", path: "/v1/lan", about: "Whom the node heard on the LAN in the last minutes.", answer: []Nearby{}, handle: s.answer(s.nearby)},
		{method: "POST", path: "/v1/messages", about: "Send a message to a contact or group; returns when it is persisted, or with a state to wait for when that is reached or the timeout is over.", body: sendRequest{}, answer: Delivery{}, handle: s.answer(s.send)},
		{method: "GET", path: "/v1/messages", about: "A conversation, oldest first: the newest of them up to a limit, or those behind an id.", query: []string{"contact", "limit?", "after?"}, answer: Message{}, stream: "application/x-ndjson", handle: s.history},
		{method: "GET", path: "/v1/search", about: "Messages that have all of some words, the newest first; case and accents do not count.", query: []string{"words", "contact?", "limit?"}, answer: []Message{}, handle: s.answer(s.search)},
		{method: "GET", path: "/v1/messages/{id}", about: "How far a message of our own came.", query: []string{"wait?", "timeout?"}, answer: Delivery{}, handle: s.answer(s.await)},
		{method: "GET", path: "/v1/groups", about: "All groups, oldest first.", answer: []Group{}, handle: s.answer(s.groups)},
		{method: "POST", path: "/v1/groups", about: "Make a group and invite people.", body: createRequest{}, answer: Group{}, handle: s.answer(s.createGroup)},
		{method: "GET", path: "/v1/group", about: "What a group is now.", query: []string{"group"}, answer: GroupInfo{}, handle: s.answer(s.group)},
		{method: "POST", path: "/v1/group", about: "Change a group.", body: GroupChange{}, answer: Group{}, handle: s.answer(s.changeGroup)},
		{method: "POST", path: "/v1/relays", about: "Add and remember a home relay.", body: relayRequest{}, answer: relayRequest{}, handle: s.answer(s.addRelay)},
		{method: "DELETE", path: "/v1/relays", about: "Forget a home relay.", body: relayRequest{}, answer: relayRequest{}, handle: s.answer(s.forgetRelay)},
		{method: "GET", path: "/v1/events", about: "What happens, until one side ends; with Last-Event-ID all after that id first.", answer: Event{}, stream: openapi.EventStream, handle: s.events},
		{method: "POST", path: "/v1/stop", about: "Ask the node to end.", answer: nothing{}, handle: s.answer(s.stop)},
	})
	return all
}

// routes serves the table and its description.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	table := s.table()
	for _, r := range table {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
	}
	mux.HandleFunc("GET /v1/openapi.json", s.answer(func(http.ResponseWriter, *http.Request) (any, error) {
		return describe(table), nil
	}))
	mux.HandleFunc("/", s.answer(func(_ http.ResponseWriter, r *http.Request) (any, error) {
		return nil, usage("the local API has no "+r.Method+" "+r.URL.Path, "is the daemon older than this program?")
	}))
	return mux
}

// answer writes what h returns as JSON.
func (s *Server) answer(h func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(w, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, v)
	}
}

// fail answers with an *Error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := AsError(s.cfg.Words(err))
	if e.Exit == ExitOther {
		s.cfg.Log.Warn("local request failed", "method", r.Method, "url", r.URL.Path, "err", err)
	}
	writeJSON(w, e.status(), e)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	setWriteDeadline(w, answerTimeout)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// setWriteDeadline bounds the writes that follow. A connection keeps its
// deadline from one request to the next, so each answer sets its own.
func setWriteDeadline(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// decode reads a body into v: one JSON object of known fields, in UTF-8.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Now().Add(requestTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	defer clear(body) // it may hold a password
	// One that passed while the handler works would end the request's context.
	_ = ctl.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return usage("the request is too large", "")
	case err != nil:
		return usage("the request broke off", "")
	case !utf8.Valid(body):
		// encoding/json would put replacement characters there.
		return usage("the request is not UTF-8", "")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return usage("malformed request: "+err.Error(), "is the daemon older than this program?")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return usage("malformed request: more than one object", "")
	}
	return nil
}

func (s *Server) id(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.cfg.Self.Identity(r.Context())
}

// stop answers before the daemon ends: Run lets requests finish.
func (s *Server) stop(http.ResponseWriter, *http.Request) (any, error) {
	if s.cfg.Stop == nil {
		return nil, usage("this daemon can't be stopped from here", "end the program that runs it")
	}
	s.cfg.Stop()
	return nothing{}, nil
}

func (s *Server) invite(_ http.ResponseWriter, r *http.Request) (any, error) {
	return s.cfg.Self.Invite(r.Context())
}

func (s *Server) status(_ http.ResponseWriter, r *http.Request) (any, error) {
	st, err := s.cfg.Self.Status(r.Context())
	if err != nil {
		return nil, err
	}
	st.Addrs = present(st.Addrs)
	st.Relays = present(st.Relays)
	st.Peers = present(st.Peers)
	for i := range st.Peers {
		st.Peers[i].Tried = present(st.Peers[i].Tried)
	}
	return st, nil
}

// present makes a nil list an empty one, which is [] in JSON.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) contacts(_ http.ResponseWriter, r *http.Request) (any, error) {
	list, err := s.cfg.Contacts.Contacts(r.Context())
	return present(list), err
}

func (s *Server) contact(_ http.ResponseWriter, r *http.Request) (any, error) {
	contact := r.URL.Query().Get("contact")
	if err := checkArgument("the contact", contact, maxContact); err != nil {
		return nil, err
	}
	return s.cfg.Contacts.Contact(r.Context(), contact)
}

func (s *Server) nearby(_ http.ResponseWriter, r *http.Request) (any, error) {
	list, err := s.cfg.Contacts.Nearby(r.Context())
	return present(list), err
}

func (s *Server) addContact(w http.ResponseWriter, r *http.Request) (any, error) {
	var req addRequest
	if err := decode(w, r, &req); err != nil {
		return nil, err
	}
	if err := checkArgument("the link", req.Link, maxLink); err != nil {
		return nil, err
	}
	if len(req.Name) > maxName {
		return nil, usage("the name is too long", "")
	}
	return s.cfg.Contacts.AddContact(r.Context(), req.Link, req.Name)
}

func (s *Server) send(w http.ResponseWriter, r *http.Request) (any, error) {
	var req sendRequest
	if err := decode(w, r, &req); err != nil {
		return nil, err
	}
	if err := checkArgument("the contact", req.Contact, maxContact); err != nil {
		return nil, err
	}
	if err := CheckText(req.Text); err != nil {
		return nil, err
	}
	timeout, err := parseWait(req.Wait, req.Timeout)
	if err != nil {
		return nil, err
	}
	d, err := s.cfg.Messages.Send(r.Context(), req.Contact, req.Text)
	if err != nil || req.Wait == "" || d.State.Reaches(req.Wait) {
		return d, err
	}
	later, err := s.awaitFor(r.Context(), d.ID, req.Wait, timeout)
	if err != nil {
		// The message is persisted: that is the answer, whatever became of the wait.
		s.cfg.Log.Warn("wait for message failed", "message", d.ID, "err", err)
		return d, nil
	}
	return later, nil
}

func (s *Server) await(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, q := r.PathValue("id"), r.URL.Query()
	if err := checkID(id); err != nil {
		return nil, err
	}
	want := State(q.Get("wait"))
	if want == "" {
		return s.awaitFor(r.Context(), id, Read, 0)
	}
	timeout, err := parseWait(want, q.Get("timeout"))
	if err != nil {
		return nil, err
	}
	return s.awaitFor(r.Context(), id, want, timeout)
}

func (s *Server) awaitFor(ctx context.Context, id string, want State, timeout time.Duration) (Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.cfg.Messages.Await(ctx, id, want)
}

func (s *Server) addRelay(w http.ResponseWriter, r *http.Request) (any, error) {
	return s.relay(w, r, s.cfg.Relays.AddRelay)
}

func (s *Server) forgetRelay(w http.ResponseWriter, r *http.Request) (any, error) {
	return s.relay(w, r, s.cfg.Relays.ForgetRelay)
}

func (s *Server) relay(w http.ResponseWriter, r *http.Request, do func(context.Context, string) error) (any, error) {
	var req relayRequest
	if err := decode(w, r, &req); err != nil {
		return nil, err
	}
	if err := checkArgument("the relay's URL", req.URL, maxURL); err != nil {
		return nil, err
	}
	return req, do(r.Context(), req.URL)
}
