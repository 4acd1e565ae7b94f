package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
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

// routes lists the whole API.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/id", s.answer(s.id))
	mux.HandleFunc("POST /v1/invite", s.answer(s.invite))
	mux.HandleFunc("GET /v1/status", s.answer(s.status))
	mux.HandleFunc("GET /v1/contacts", s.answer(s.contacts))
	mux.HandleFunc("GET /v1/contact", s.answer(s.contact))
	mux.HandleFunc("GET /v1/lan", s.answer(s.nearby))
	mux.HandleFunc("POST /v1/contacts", s.answer(s.addContact))
	mux.HandleFunc("POST /v1/messages", s.answer(s.send))
	mux.HandleFunc("GET /v1/messages", s.history)
	mux.HandleFunc("GET /v1/messages/{id}", s.answer(s.await))
	mux.HandleFunc("GET /v1/groups", s.answer(s.groups))
	mux.HandleFunc("POST /v1/groups", s.answer(s.createGroup))
	mux.HandleFunc("GET /v1/group", s.answer(s.group))
	mux.HandleFunc("POST /v1/group", s.answer(s.changeGroup))
	mux.HandleFunc("POST /v1/relays", s.answer(s.addRelay))
	mux.HandleFunc("DELETE /v1/relays", s.answer(s.forgetRelay))
	s.accountRoutes(mux)
	mux.HandleFunc("GET /v1/events", s.events)
	mux.HandleFunc("POST /v1/stop", s.answer(s.stop))
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
	e := AsError(err)
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
	return struct{}{}, nil
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
