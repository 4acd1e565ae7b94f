package localapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"quicnprotochat/node/localapi/openapi"
)

// samples are requests that are answered, by route: the query and the body.
var samples = map[string][2]string{
	"GET /v1/id":                      {},
	"POST /v1/invite":                 {},
	"GET /v1/status":                  {},
	"GET /v1/contacts":                {},
	"POST /v1/contacts":               {"", `{"link":"qpc:A","name":"b"}`},
	"GET /v1/contact":                 {"?contact=../b", ""},
	"GET /v1/search":                  {"?words=the+lake", ""},
	"GET /v1/log":                     {},
	"GET /v1/lan":                     {},
	"POST /v1/messages":               {"", `{"contact":"b","text":"hi"}`},
	"GET /v1/messages":                {"?contact=b&limit=1", ""},
	"GET /v1/messages/{id}":           {"?wait=stored&timeout=1s", ""},
	"GET /v1/messages/{id}/why":       {},
	"POST /v1/ping":                   {"", `{"contact":"b"}`},
	"POST /v1/netcheck":               {},
	"POST /v1/mark":                   {"", `{"contact":"b","message":"last","action":"react","text":"+"}`},
	"GET /v1/safety":                  {"?contact=b", ""},
	"GET /v1/requests":                {},
	"POST /v1/trust":                  {"", `{"contact":"b","action":"verify","number":"1"}`},
	"POST /v1/read":                   {"", `{"contact":"b","message":"","tell":true}`},
	"POST /v1/typing":                 {"", `{"contact":"b","message":"","tell":false}`},
	"GET /v1/conversation":            {"?contact=b", ""},
	"GET /v1/unread":                  {},
	"POST /v1/conversation":           {"", `{"contact":"b","timer":"1h","muted":true}`},
	"GET /v1/groups":                  {},
	"POST /v1/groups":                 {"", `{"name":"g","contacts":["b"]}`},
	"GET /v1/group":                   {"?group=friends", ""},
	"POST /v1/group":                  {"", `{"group":"g","action":"leave"}`},
	"POST /v1/relays":                 {"", `{"url":"qpc-relay://x"}`},
	"DELETE /v1/relays":               {"", `{"url":"qpc-relay://x"}`},
	"GET /v1/events":                  {},
	"POST /v1/stop":                   {},
	"POST /v1/backup":                 {"", `{"path":"/b","password":"c2VjcmV0"}`},
	"POST /v1/export":                 {"", `{"path":"/b"}`},
	"GET /v1/accounts":                {},
	"POST /v1/account/register/start": {"", `{"relay":"r","name":"a","message":"Zmlyc3Q="}`},
	"POST /v1/account/register":       {"", `{"relay":"r","name":"a","message":"c2Vjb25k"}`},
	"POST /v1/account/login/start":    {"", `{"relay":"r","name":"a","message":"Zmlyc3Q="}`},
	"POST /v1/account/login":          {"", `{"relay":"r","name":"a","message":"c2Vjb25k"}`},
	"POST /v1/account/logout":         {"", `{"relay":"r"}`},
	"POST /v1/account/password/start": {"", `{"relay":"r","message":"Zmlyc3Q="}`},
	"POST /v1/account/password":       {"", `{"relay":"r","message":"c2Vjb25k"}`},
	"POST /v1/account/delete":         {"", `{"relay":"r"}`},
}

// document is what the test reads of an OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema schema }
	}
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Items      *schema
	Properties map[string]schema
	Required   []string
	Enum       []string
}

// TestOpenAPI holds the description against what is served: each route is called,
// and each answer, error and request body must be as its schema says.
func TestOpenAPI(t *testing.T) {
	b := &backend{reach: Stored, texts: []string{"one"}}
	socket := filepath.Join(t.TempDir(), "qpc.sock")
	serve(t, socket, b)
	var d document
	if err := json.Unmarshal(request(t, socket, "GET", "/v1/openapi.json", "", nil), &d); err != nil {
		t.Fatal(err)
	}
	routes := 0
	for path, operations := range d.Paths {
		for method, op := range operations {
			routes++
			name := strings.ToUpper(method) + " " + path
			sample, ok := samples[name]
			if !ok {
				t.Errorf("%s: the test has no sample of it", name)
				continue
			}
			if op.RequestBody != nil {
				d.check(t, name+" request", op.RequestBody.Content["application/json"].Schema, []byte(sample[1]))
			} else if sample[1] != "" {
				t.Errorf("%s takes a body, and the document says nothing of it", name)
			}
			var contentType string
			answer := request(t, socket, strings.ToUpper(method), strings.Replace(path, "{id}", testID, 1)+sample[0], sample[1], func(status int, header http.Header) {
				contentType = header.Get("Content-Type")
				if status != http.StatusOK {
					t.Logf("%s: status %d", name, status)
				}
				if status == http.StatusOK != (name != "DELETE /v1/relays" && name != "POST /v1/stop") {
					t.Errorf("%s: status %d", name, status)
				}
			}, func() { b.Publish(Event{Event: EventContact, Contact: &Contact{Name: "b"}}) })
			if name == "DELETE /v1/relays" || name == "POST /v1/stop" { // the backend refuses them
				d.check(t, name+" error", op.Responses["default"].Content["application/json"].Schema, answer)
				continue
			}
			said, ok := op.Responses["200"].Content[contentType]
			if !ok {
				t.Errorf("%s answers with %s", name, contentType)
			}
			d.check(t, name, said.Schema, answer)
		}
	}
	if routes != len(samples) {
		t.Errorf("got %d routes, want %d", routes, len(samples))
	}
}

// request makes one request and returns what was answered: of a stream of events the
// data of the first.
func request(t *testing.T, socket, method, target, body string, look func(int, http.Header), listening ...func()) []byte {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", socket) },
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequest(method, "http://qpc"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if look != nil {
		look(resp.StatusCode, resp.Header)
	}
	if resp.Header.Get("Content-Type") != openapi.EventStream {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	listening[0]()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return []byte(data)
		}
	}
	t.Fatalf("%s %s: no event came", method, target)
	return nil
}

// check decodes JSON and holds it against a schema.
func (d document) check(t *testing.T, what string, s schema, b []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Errorf("%s: %v: %s", what, err, b)
		return
	}
	if err := d.fits(s, v); err != nil {
		t.Errorf("%s: %v: %s", what, err, b)
	}
}

func (d document) fits(s schema, v any) error {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s, ok = d.Components.Schemas[name]
		if !ok {
			return fmt.Errorf("there is no schema %s", name)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range s.Required {
			if _, ok := v[key]; !ok {
				return fmt.Errorf("%s is missing", key)
			}
		}
		for key, value := range v {
			property, ok := s.Properties[key]
			if !ok {
				return fmt.Errorf("%s is not in the schema", key)
			}
			if err := d.fits(property, value); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return typed(s, "object")
	case []any:
		for _, value := range v {
			if err := d.fits(*s.Items, value); err != nil {
				return err
			}
		}
		return typed(s, "array")
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			return fmt.Errorf("%q is none of %q", v, s.Enum)
		}
		return typed(s, "string")
	case float64:
		return typed(s, "integer")
	case bool:
		return typed(s, "boolean")
	default:
		return fmt.Errorf("got %v", v)
	}
}

func typed(s schema, want string) error {
	if s.Type != want {
		return fmt.Errorf("got %s, want %s", want, s.Type)
	}
	return nil
}
