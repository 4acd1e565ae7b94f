package igd

import (
	"encoding/xml"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// services are the types of those that forward ports.
var services = []string{
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANIPConnection:2",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
}

// maxServices is how many of a router are looked at: it has one for each way out.
const maxServices = 4

// service is one of a router that forwards ports.
type service struct {
	kind    string // one of services
	control *url.URL
}

// newDecoder reads XML of a router. What is looked for is ASCII, whatever the rest is.
func newDecoder(r io.Reader) *xml.Decoder {
	dec := xml.NewDecoder(io.LimitReader(r, maxBody))
	dec.Strict = false
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return dec
}

// parseDescription reads what a router says of itself, which was found at a URL, and
// returns its services that forward ports. What cannot be read ends it.
func parseDescription(r io.Reader, at *url.URL, router netip.Addr) (found []service) {
	dec := newDecoder(r)
	for len(found) < maxServices {
		token, err := dec.Token()
		if err != nil {
			break
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "URLBase":
			var base string
			if dec.DecodeElement(&base, &start) == nil {
				if u, err := atRouter(at, strings.TrimSpace(base), router); err == nil {
					at = u
				}
			}
		case start.Name.Local == "service":
			var s struct {
				Type    string `xml:"serviceType"`
				Control string `xml:"controlURL"`
			}
			if dec.DecodeElement(&s, &start) != nil || !slices.Contains(services, strings.TrimSpace(s.Type)) {
				continue
			}
			if u, err := atRouter(at, strings.TrimSpace(s.Control), router); err == nil {
				found = append(found, service{strings.TrimSpace(s.Type), u})
			}
		}
	}
	return found
}

// parseValues reads the answer to a call: the texts of those of its elements that are
// asked for, the first of each name.
func parseValues(r io.Reader, names ...string) map[string]string {
	values := make(map[string]string)
	dec := newDecoder(r)
	for len(values) < len(names) {
		token, err := dec.Token()
		if err != nil {
			break
		}
		start, ok := token.(xml.StartElement)
		if !ok || !slices.Contains(names, start.Name.Local) {
			continue
		}
		var text string
		if _, have := values[start.Name.Local]; !have && dec.DecodeElement(&text, &start) == nil {
			values[start.Name.Local] = strings.TrimSpace(text)
		}
	}
	return values
}
