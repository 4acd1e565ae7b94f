package igd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBody is how much of an answer is read, in bytes, and callTime how long one call
	// may take.
	maxBody  = 64 << 10
	callTime = 3 * time.Second
	// otherPorts is how many other ports outside are tried where ours is taken.
	otherPorts = 3
	firstPort  = 1024
)

// Codes of errors of WANIPConnection:1, section 2.4.16.
const (
	codeConflict      = 718 // the port outside is another's
	codePermanentOnly = 725 // it forwards for ever or not at all
)

// errNone is that no router answers.
var errNone = errors.New("no router answers UPnP")

// refusal is the error of a router that does not do what it is asked.
type refusal int

func (r refusal) Error() string { return fmt.Sprintf("the router refuses: UPnP error %d", int(r)) }

// Gateway is a router that forwards ports by UPnP, and has an address outside.
type Gateway struct {
	own, router netip.Addr
	http        *http.Client
	service     service
}

// Find asks a router whether it is one, and returns its address outside; own is our
// address that it sees.
func Find(ctx context.Context, own, router netip.Addr) (g *Gateway, outside netip.Addr, err error) {
	at, err := locate(ctx, own, router)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	return find(ctx, own, router, at)
}

// find is Find for a router that describes itself at a URL.
func find(ctx context.Context, own, router netip.Addr, at *url.URL) (g *Gateway, outside netip.Addr, err error) {
	g = &Gateway{own: own, router: router, http: &http.Client{
		Timeout:       callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxBody,
			DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: own.AsSlice()}}).DialContext,
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	res, err := g.http.Do(req)
	if err != nil {
		return nil, netip.Addr{}, err
	}
	defer res.Body.Close()
	err = errNone
	for _, g.service = range parseDescription(res.Body, at, router) {
		if outside, err = g.External(ctx); err == nil {
			return g, outside, nil
		}
	}
	return nil, netip.Addr{}, err
}

// External returns the router's address outside.
func (g *Gateway) External(ctx context.Context) (netip.Addr, error) {
	const name = "NewExternalIPAddress"
	values, err := g.call(ctx, "GetExternalIPAddress", nil, name)
	if err != nil {
		return netip.Addr{}, err
	}
	ip, err := netip.ParseAddr(values[name])
	if err != nil || !ip.Is4() || ip.IsUnspecified() {
		return netip.Addr{}, errors.New("the router has no address outside")
	}
	return ip, nil
}

// Map lets the router forward a UDP port of ours for a time, from the port outside that
// is wanted if it can be had; 0 is the same port.
func (g *Gateway) Map(ctx context.Context, port, wanted uint16, life time.Duration) (outside uint16, err error) {
	if outside = wanted; outside == 0 {
		outside = port
	}
	for try := 0; ; try++ {
		err = g.add(ctx, port, outside, life)
		if errors.Is(err, refusal(codePermanentOnly)) {
			err = g.add(ctx, port, outside, 0)
		}
		if try == otherPorts || !errors.Is(err, refusal(codeConflict)) {
			return outside, err
		}
		outside = firstPort + rand.N[uint16](1<<16-1-firstPort)
	}
}

func (g *Gateway) add(ctx context.Context, port, outside uint16, life time.Duration) error {
	_, err := g.call(ctx, "AddPortMapping", [][2]string{
		{"NewRemoteHost", ""},
		{"NewExternalPort", strconv.Itoa(int(outside))},
		{"NewProtocol", "UDP"},
		{"NewInternalPort", strconv.Itoa(int(port))},
		{"NewInternalClient", g.own.String()},
		{"NewEnabled", "1"},
		{"NewPortMappingDescription", "qpc"},
		{"NewLeaseDuration", strconv.Itoa(int(life / time.Second))},
	})
	return err
}

// Unmap lets the router forward a port outside no more.
func (g *Gateway) Unmap(ctx context.Context, outside uint16) error {
	_, err := g.call(ctx, "DeletePortMapping", [][2]string{
		{"NewRemoteHost", ""}, {"NewExternalPort", strconv.Itoa(int(outside))}, {"NewProtocol", "UDP"},
	})
	return err
}

// call makes a call of the service and returns the results of those names.
func (g *Gateway) call(ctx context.Context, action string, args [][2]string, results ...string) (map[string]string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%s xmlns:u="%s">`, action, g.service.kind)
	for _, a := range args { // of names and texts that need no escapes
		fmt.Fprintf(&b, "<%s>%s</%s>", a[0], a[1], a[0])
	}
	fmt.Fprintf(&b, "</u:%s></s:Body></s:Envelope>", action)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.service.control.String(), strings.NewReader(b.String()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", `text/xml; charset="utf-8"`)
	req.Header["SOAPAction"] = []string{fmt.Sprintf(`"%s#%s"`, g.service.kind, action)} // some routers want it so spelt
	res, err := g.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the router: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return parseValues(res.Body, results...), nil
	}
	return nil, refused(res.StatusCode, res.Body)
}

// refused reads the error of a router.
func refused(status int, body io.Reader) error {
	const name = "errorCode"
	code, err := strconv.ParseUint(parseValues(body, name)[name], 10, 16)
	if err != nil {
		return fmt.Errorf("the router refuses: status %d", status)
	}
	return refusal(code)
}
