package localapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"quicnprotochat/node/localapi/openapi"
)

// history answers with a line of JSON for each message, so that neither side
// holds a long conversation in memory. An error after the first line is a last
// line of its own.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	contact, after := q.Get("contact"), q.Get("after")
	limit, err := parseLimit(q.Get("limit"))
	if err == nil {
		err = checkArgument("the contact", contact, maxContact)
	}
	if err == nil && after != "" {
		err = checkID(after)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	setWriteDeadline(w, answerTimeout)
	enc := json.NewEncoder(w)
	begun := false
	err = s.cfg.Messages.History(r.Context(), contact, limit, after, func(m Message) error {
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
			begun = true
		}
		setWriteDeadline(w, answerTimeout)
		return enc.Encode(m)
	})
	switch {
	case err == nil:
	case begun:
		_ = enc.Encode(AsError(s.cfg.Words(err)))
	default:
		s.fail(w, r, err)
	}
}

// events answers with server-sent events until the client goes. The id that they come
// after goes out at once, when the subscription holds, and a comment every 15 seconds.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.listeners <- struct{}{}:
		defer func() { <-s.listeners }()
	default:
		s.fail(w, r, &Error{Message: "too many listeners", Hint: "close another chat of this home", Exit: ExitOther})
		return
	}
	var after uint64
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			s.fail(w, r, usage("Last-Event-ID is not a number", ""))
			return
		}
		after = n
	}
	ch, from, err := s.cfg.Events.Subscribe(r.Context(), after)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", openapi.EventStream)
	w.Header().Set("Cache-Control", "no-store")
	s.stream(w, r, ch, from)
}

// stream writes events and heartbeats until ch is closed or a write fails.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, ch <-chan Event, from uint64) {
	write := func(format string, args ...any) error {
		setWriteDeadline(w, requestTimeout)
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	// An id without data is no event, and yet what one comes back with.
	err := write(": listening\nid: %d\n\n", from)
	for err == nil {
		select {
		case e, ok := <-ch:
			if !ok {
				return
			}
			var data []byte
			if data, err = json.Marshal(e); err == nil {
				id := ""
				if e.ID > 0 {
					id = fmt.Sprintf("id: %d\n", e.ID)
				}
				err = write("%sevent: %s\ndata: %s\n\n", id, e.Event, data)
			}
		case <-tick.C:
			err = write(": alive\n\n")
		case <-r.Context().Done():
			return
		}
	}
}
