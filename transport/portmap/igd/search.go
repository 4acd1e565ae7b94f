package igd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	// searches is how often the search is sent, searchPause the time between, and
	// searchTime how long answers are waited for: a router may take a second (MX).
	searches    = 2
	searchPause = 500 * time.Millisecond
	searchTime  = 2 * time.Second
	// maxAnswer is the longest answer that is read: a packet is no longer.
	maxAnswer = 2048
)

// group is where devices listen for searches.
var group = net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 1900}

// search is what is asked: who is a gateway of version 1, which later ones are too.
const search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n" +
	"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"

// locate asks the network of an address of ours where the router describes itself.
func locate(ctx context.Context, own, router netip.Addr) (*url.URL, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	p := ipv4.NewPacketConn(conn)
	if ifi := interfaceOf(own); ifi != nil {
		if err := p.SetMulticastInterface(ifi); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(p.SetMulticastTTL(1), p.SetMulticastLoopback(false)); err != nil {
		return nil, err
	}
	end, b := time.Now().Add(searchTime), make([]byte, maxAnswer)
	for try := range searches {
		if _, err := conn.WriteToUDP([]byte(search), &group); err != nil {
			return nil, err
		}
		until := end
		if try < searches-1 {
			until = time.Now().Add(searchPause)
		}
		_ = conn.SetReadDeadline(until)
		for ctx.Err() == nil {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				break // its time is over
			}
			if from.Addr().Unmap() != router {
				continue
			}
			if u, err := parseAnswer(b[:n], router); err == nil {
				return u, nil
			}
		}
	}
	return nil, errors.Join(errNone, ctx.Err())
}

// interfaceOf returns the interface that has an address, nil if none has.
func interfaceOf(own netip.Addr) *net.Interface {
	all, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, ifi := range all {
		addrs, err := ifi.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(own.AsSlice()) {
				return &ifi
			}
		}
	}
	return nil
}

// parseAnswer reads the answer to a search.
func parseAnswer(b []byte, router netip.Addr) (*url.URL, error) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return atRouter(new(url.URL), res.Header.Get("Location"), router)
}

// maxURL bounds a URL, in bytes.
const maxURL = 1024

// atRouter reads a URL, which may leave out what is in base, and is of the router itself.
func atRouter(base *url.URL, text string, router netip.Addr) (*url.URL, error) {
	if len(text) > maxURL {
		return nil, errors.New("a URL is too long")
	}
	u, err := base.Parse(text)
	if err != nil {
		return nil, err
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil || host != router || u.Scheme != "http" || u.User != nil {
		return nil, fmt.Errorf("%q is not at the router", text)
	}
	return u, nil
}
