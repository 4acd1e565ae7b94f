package localapi

import (
	"bytes"
	"context"
	"encoding/json"
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
