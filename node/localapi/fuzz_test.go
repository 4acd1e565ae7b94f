package localapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzRequest makes requests of the whole API: whatever they are, the answer is
// a JSON object, and an error has an exit code and its status.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ method, target, body string }{
		{"GET", "/v1/id", ""},
		{"GET", "/v1/contact?contact=bob", ""},
		{"POST", "/v1/invite", ""},
		{"POST", "/v1/contacts", `{"link":"qpc:AAAA","name":"bob"}`},
		{"POST", "/v1/messages", `{"contact":"bob","text":"hello"}`},
		{"POST", "/v1/messages", `{"contact":"bob","text":"hello","wait":"stored","timeout":"1ms"}`},
		{"POST", "/v1/messages", `{"contact":"bob","text":"\ud800"}{}`},
		{"GET", "/v1/messages?contact=bob&limit=3&after=00112233445566778899aabbccddeeff", ""},
		{"GET", "/v1/messages/00112233445566778899aabbccddeeff?wait=read&timeout=1ms", ""},
		{"POST", "/v1/relays", `{"url":"qpc-relay://x"}`},
		{"DELETE", "/v1/relays", `{"url":1}`},
		{"PUT", "/v1/%2e%2e/id", "{"},
	} {
		f.Add(seed.method, seed.target, []byte(seed.body))
	}
	b := new(backend)
	s, err := New(Config{Socket: "unused", Self: b, Contacts: b, Messages: b, Conversations: b, Trust: b, Groups: b, Relays: b, Reasons: b, Accounts: b, AccountMaker: b, AccountOwner: b, Copies: b, Events: b})
	if err != nil {
		f.Fatal(err)
	}
	routes := s.routes()
	f.Fuzz(func(t *testing.T, method, target string, body []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond) // some wait
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, "http://local"+target, bytes.NewReader(body))
		if err != nil || !strings.HasPrefix(target, "/") {
			return // does not come over HTTP
		}
		r.RequestURI = target
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, r)
		if w.Code >= 300 && w.Code < 400 || method == "HEAD" || w.Header().Get("Content-Type") == "text/event-stream" {
			return // http.ServeMux cleans the path
		}
		for dec := json.NewDecoder(w.Body); dec.More(); {
			var answer any
			if err := dec.Decode(&answer); err != nil {
				t.Fatalf("%s %s: %d, %v", method, target, w.Code, err)
			}
			if e, ok := answer.(map[string]any); ok && w.Code >= 400 && (e["error"] == "" || e["exit"] == 0.0) {
				t.Errorf("%s %s: %d, %v", method, target, w.Code, answer)
			}
		}
	})
}

// answerer answers every request with the same bytes.
type answerer struct {
	status int
	body   []byte
}

func (a answerer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Status: "x", Body: io.NopCloser(bytes.NewReader(a.body))}, nil
}

// FuzzClient reads what something at the socket may answer: events, lines and objects.
// Whatever it is, each call ends, with an *Error that has an exit code if with any.
func FuzzClient(f *testing.F) {
	f.Add(200, []byte("id: 7\n\ndata: {\"event\":\"message\",\"id\":8,\"message\":{\"id\":\"00\",\"text\":\"hello\"}}\n\n"))
	f.Add(200, []byte("data: {\"event\":1}\n\n: \n\nid: -1\n\n"))
	f.Add(200, []byte(`{"id":"00","from":"x","text":"hello","time":"2026-01-02T03:04:05.000Z","state":"received"}`+"\n"+`{"error":"gone","exit":4}`))
	f.Add(200, []byte(`{"identity":"x","peers":[{"tried":[{}]}],"queue":{"outbox":-1}}`))
	f.Add(409, []byte(`{"error":"in use","hint":"","exit":8}`))
	f.Add(500, []byte(`{"exit":-1}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		c := &Client{&http.Client{Transport: answerer{status, body}}}
		ready := 0
		events := c.Events(t.Context(), 0, func(uint64) { ready++ }, func(Event) error { return nil })
		if events == nil || ready > 1 {
			t.Errorf("events end with %v and began %d times", events, ready)
		}
		_, of := c.Status(t.Context())
		for _, err := range []error{events, of, c.History(t.Context(), "bob", 0, "", func(Message) error { return nil })} {
			var e *Error
			if err != nil && (!errors.As(err, &e) || e.Exit == ExitOK) {
				t.Errorf("got %v", err)
			}
		}
	})
}
