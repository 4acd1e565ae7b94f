package igd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

var here = netip.MustParseAddr("127.0.0.1")

// description is what a router says of itself; of its three services that forward ports
// the first is elsewhere, and the second has no address outside.
const description = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/layer3</controlURL></service></serviceList>
<deviceList><device><deviceList><device><serviceList>
<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>http://127.0.0.2/away</controlURL></service>
<service><serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1</serviceType><controlURL>/down</controlURL></service>
<service><serviceType> urn:schemas-upnp-org:service:WANIPConnection:1 </serviceType><controlURL>control</controlURL></service>
</serviceList></device></deviceList></device></deviceList>
</device></root>`

// fakeRouter answers as routers do.
type fakeRouter struct {
	mu     sync.Mutex
	calls  []string
	taken  map[string]bool // ports outside that are another's
	forgot bool            // it forwards for ever only
}

func (f *fakeRouter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	values := parseValues(bytes.NewReader(body), "NewExternalPort", "NewInternalPort", "NewInternalClient", "NewLeaseDuration", "NewProtocol")
	_, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPAction"), `"`), "#")
	f.mu.Lock()
	defer f.mu.Unlock()
	port := values["NewExternalPort"]
	f.calls = append(f.calls, strings.Join([]string{r.URL.Path, action, values["NewProtocol"], port, values["NewInternalPort"], values["NewInternalClient"], values["NewLeaseDuration"]}, " "))
	fail := func(code int) {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `<s:Envelope xmlns:s="x"><s:Body><s:Fault><detail><UPnPError><errorCode>%d</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code)
	}
	switch {
	case r.URL.Path == "/description":
		fmt.Fprint(w, description)
	case r.URL.Path == "/moved":
		http.Redirect(w, r, "/description", http.StatusFound)
	case r.URL.Path != "/control":
		fmt.Fprint(w, "<r><NewExternalIPAddress>0.0.0.0</NewExternalIPAddress></r>")
	case action == "GetExternalIPAddress":
		fmt.Fprint(w, "<r><NewExternalIPAddress> 11.0.0.21 </NewExternalIPAddress></r>")
	case f.taken[port]:
		fail(codeConflict)
	case f.forgot && values["NewLeaseDuration"] != "0" && action == "AddPortMapping":
		fail(codePermanentOnly)
	}
}

// told returns the calls, and begins anew.
func (f *fakeRouter) told() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// TestGateway asks a router in the ways that routers differ in.
func TestGateway(t *testing.T) {
	f := &fakeRouter{taken: map[string]bool{"7000": true}}
	server := httptest.NewServer(f)
	defer server.Close()
	at := func(path string) *url.URL {
		u, err := url.Parse(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if _, _, err := find(t.Context(), here, here, at("/moved")); !errors.Is(err, errNone) {
		t.Errorf("a redirect: got %v, want %v", err, errNone)
	}
	f.told()
	g, outside, err := find(t.Context(), here, here, at("/description"))
	if err != nil || outside != netip.MustParseAddr("11.0.0.21") {
		t.Fatalf("got %v, %v", outside, err)
	}
	want := "[/description       /down GetExternalIPAddress      /control GetExternalIPAddress     ]"
	if got := fmt.Sprint(f.told()); got != want {
		t.Errorf("got the calls %q, want %q", got, want)
	}
	if port, err := g.Map(t.Context(), 7001, 0, time.Hour); err != nil || port != 7001 {
		t.Errorf("got %d, %v, want the same port", port, err)
	}
	if got := fmt.Sprint(f.told()); got != "[/control AddPortMapping UDP 7001 7001 127.0.0.1 3600]" {
		t.Errorf("got the calls %q", got)
	}
	f.forgot = true
	port, err := g.Map(t.Context(), 7000, 0, time.Hour)
	if calls := f.told(); err != nil || port == 7000 || port < firstPort || len(calls) != 3 || !strings.HasSuffix(calls[2], " 7000 127.0.0.1 0") {
		t.Errorf("got %d, %v by %q, want another port, for ever", port, err, calls)
	}
	if again, err := g.Map(t.Context(), 7000, port, time.Hour); err != nil || again != port {
		t.Errorf("got %d, %v, want %d again", again, err, port)
	}
	f.told()
	if err := g.Unmap(t.Context(), port); err != nil || fmt.Sprint(f.told()) != fmt.Sprintf("[/control DeletePortMapping UDP %d   ]", port) {
		t.Errorf("got %v", err)
	}
	if err := g.Unmap(t.Context(), 7000); !errors.Is(err, refusal(codeConflict)) {
		t.Errorf("got %v, want what the router said", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := g.External(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestAnswers takes from a search only what leads to the router itself.
func TestAnswers(t *testing.T) {
	answer := func(location string) []byte {
		return []byte("HTTP/1.1 200 OK\r\nST: x\r\nLOCATION: " + location + "\r\nEXT:\r\n\r\n")
	}
	if u, err := parseAnswer(answer("http://127.0.0.1:5000/root.xml"), here); err != nil || u.String() != "http://127.0.0.1:5000/root.xml" {
		t.Errorf("got %v, %v", u, err)
	}
	for _, b := range [][]byte{
		nil, []byte("nonsense"), answer(""), answer("/root.xml"), answer("http://127.0.0.2/"), answer("https://127.0.0.1/"),
		answer("http://localhost/"), answer("http://a:b@127.0.0.1/"), answer("http://127.0.0.1/" + strings.Repeat("x", maxURL)),
		bytes.Replace(answer("http://127.0.0.1/"), []byte("200"), []byte("404"), 1),
	} {
		if u, err := parseAnswer(b, here); err == nil {
			t.Errorf("%q: got %v", b, u)
		}
	}
}

// FuzzRouter reads what a router may say.
func FuzzRouter(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://127.0.0.1:5000/root.xml\r\n\r\n"))
	f.Add([]byte(description))
	f.Add([]byte("<URLBase>http://127.0.0.1/x/</URLBase><service><serviceType>" + services[1] + "</serviceType><controlURL>y</controlURL></service>"))
	f.Add([]byte("<r><errorCode>725</errorCode></r>"))
	base, err := url.Parse("http://127.0.0.1:5000/root.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, err := parseAnswer(b, here); err == nil && u.Hostname() != "127.0.0.1" {
			t.Errorf("got %v", u)
		}
		found := parseDescription(bytes.NewReader(b), base, here)
		for _, s := range found {
			if s.control.Hostname() != "127.0.0.1" || s.control.Scheme != "http" {
				t.Errorf("got %v", s.control)
			}
		}
		if len(found) > maxServices || len(parseValues(bytes.NewReader(b), "errorCode")) > 1 || refused(500, bytes.NewReader(b)) == nil {
			t.Error("too much was read")
		}
	})
}
