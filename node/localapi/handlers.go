package localapi

import (
	"context"
	"net/http"
	"slices"
	"time"

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

// table lists the whole API.
func (s *Server) table() []route {
	return slices.Concat(s.selfTable(), s.contactTable(), s.messageTable(), s.groupTable(), s.accountTable(), s.reasonTable(), s.copiesTable(), s.conversationTable(), s.trustTable())
}

func (s *Server) selfTable() []route {
	add := post(s, "/v1/relays", "Add and remember a home relay.", s.relay(s.cfg.Relays.AddRelay))
	forget := post(s, "/v1/relays", "Forget a home relay.", s.relay(s.cfg.Relays.ForgetRelay))
	forget.Method = http.MethodDelete
	return []route{
		get(s, "/v1/id", "Who the node is.", s.cfg.Self.Identity),
		order(s, "/v1/invite", "Make a contact link.", s.cfg.Self.Invite),
		get(s, "/v1/status", "What the node is connected to and what waits.", s.status),
		list(s, "/v1/log", "The last 1,000 lines of the log, oldest first.", s.cfg.Self.Log),
		add, forget,
		{openapi.Call{Method: "GET", Path: "/v1/events", About: "What happens, until one side ends; with Last-Event-ID all after that id first.", Answer: Event{}, Stream: openapi.EventStream}, s.events},
		order(s, "/v1/stop", "Ask the node to end.", s.stop),
	}
}

func (s *Server) contactTable() []route {
	return []route{
		list(s, "/v1/contacts", "All contacts, by name.", s.cfg.Contacts.Contacts),
		post(s, "/v1/contacts", "Take a link, or NAME@RELAY.", func(ctx context.Context, r addRequest) (AddedContact, error) {
			return s.cfg.Contacts.AddContact(ctx, r.Link, r.Name)
		}),
		find(s, "/v1/contact", "Find a contact by identity, exact name or unique beginning.", "contact", s.cfg.Contacts.Contact),
		list(s, "/v1/lan", "Whom the node heard on the LAN in the last minutes.", s.cfg.Contacts.Nearby),
	}
}

func (s *Server) messageTable() []route {
	return []route{
		post(s, "/v1/messages", "Send a message to a contact or group; returns when it is persisted, or with a state to wait for when that is reached or the timeout is over.", s.send),
		{openapi.Call{Method: "GET", Path: "/v1/messages", About: "A conversation, oldest first: the newest of them up to a limit, or those behind an id.", Query: []string{"contact", "limit?", "after?"}, Answer: Message{}, Stream: "application/x-ndjson"}, s.history},
		{openapi.Call{Method: "GET", Path: "/v1/search", About: "Messages that have all of some words, the newest first; case and accents do not count.", Query: []string{"words", "contact?", "limit?"}, Answer: []Message{}}, s.answer(s.search)},
		{openapi.Call{Method: "GET", Path: "/v1/messages/{id}", About: "How far a message of our own came.", Query: []string{"wait?", "timeout?"}, Answer: Delivery{}}, s.answer(s.await)},
	}
}

// routes serves the table and its description.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	table := s.table()
	for _, r := range table {
		mux.HandleFunc(r.Method+" "+r.Path, r.handle)
	}
	mux.HandleFunc("GET /v1/openapi.json", s.answer(func(http.ResponseWriter, *http.Request) (any, error) {
		return describe(table), nil
	}))
	mux.HandleFunc("/", s.answer(func(_ http.ResponseWriter, r *http.Request) (any, error) {
		return nil, usage("the local API has no "+r.Method+" "+r.URL.Path, "is the daemon older than this program?")
	}))
	return mux
}

// stop answers before the daemon ends: Run lets requests finish.
func (s *Server) stop(context.Context) (nothing, error) {
	if s.cfg.Stop == nil {
		return nothing{}, usage("this daemon can't be stopped from here", "end the program that runs it")
	}
	s.cfg.Stop()
	return nothing{}, nil
}

func (s *Server) status(ctx context.Context) (Status, error) {
	st, err := s.cfg.Self.Status(ctx)
	if err != nil {
		return st, err
	}
	st.Addrs = present(st.Addrs)
	st.Relays = present(st.Relays)
	st.Peers = present(st.Peers)
	for i := range st.Peers {
		st.Peers[i].Tried = present(st.Peers[i].Tried)
	}
	return st, nil
}

func (r addRequest) check() error {
	if len(r.Name) > maxName {
		return usage("the name is too long", "")
	}
	return checkArgument("the link", r.Link, maxLink)
}

func (r sendRequest) check() error {
	if err := checkArgument("the contact", r.Contact, maxContact); err != nil {
		return err
	}
	return CheckText(r.Text)
}

func (s *Server) send(ctx context.Context, req sendRequest) (Delivery, error) {
	timeout, err := parseWait(req.Wait, req.Timeout)
	if err != nil {
		return Delivery{}, err
	}
	d, err := s.cfg.Messages.Send(ctx, req.Contact, req.Text)
	if err != nil || req.Wait == "" || d.State.Reaches(req.Wait) {
		return d, err
	}
	later, err := s.awaitFor(ctx, d.ID, req.Wait, timeout)
	if err != nil {
		// The message is persisted: that is the answer, whatever became of the wait.
		s.cfg.Log.Warn("wait for message failed", "message", d.ID, "err", err)
		return d, nil
	}
	later.NewRelay = d.NewRelay
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

func (r relayRequest) check() error { return checkArgument("the relay's URL", r.URL, maxURL) }

// relay does something with a home relay and says with which.
func (s *Server) relay(do func(context.Context, string) error) func(context.Context, relayRequest) (relayRequest, error) {
	return func(ctx context.Context, r relayRequest) (relayRequest, error) { return r, do(ctx, r.URL) }
}
