package portmap

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	routerPort = 5351
	// firstTry is how long an answer is waited for before the request is sent again;
	// each time twice as long, tries in all (RFC 6886, section 3.1, has nine).
	firstTry = 250 * time.Millisecond
	tries    = 4
)

// natPMP is a router that speaks NAT-PMP, RFC 6886.
type natPMP struct{ router netip.Addr }

// External implements speaker.
func (r natPMP) External(ctx context.Context) (external netip.Addr, err error) {
	err = r.request(ctx, externalRequest(), func(b []byte) (err error) {
		external, err = parseExternal(b)
		return err
	})
	return external, err
}

// Map implements speaker. The router keeps by itself to the port that it gave before.
func (r natPMP) Map(ctx context.Context, port, _ uint16, life time.Duration) (outside uint16, granted time.Duration, err error) {
	var got mapping
	err = r.request(ctx, mapRequest(port, life), func(b []byte) (err error) {
		got, err = parseMapping(b, port)
		return err
	})
	return got.outside, got.life, err
}

// Unmap implements speaker. Nobody waits for the answer, which forwards nothing.
func (r natPMP) Unmap(ctx context.Context, port, _ uint16) error {
	return r.request(ctx, mapRequest(port, 0), func([]byte) error { return nil })
}

// request sends a request until an answer is of use, or no more are waited for.
func (r natPMP) request(ctx context.Context, packet []byte, use func([]byte) error) error {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.router, routerPort)))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	b := make([]byte, maxPacket)
	for try := range tries {
		if _, err = conn.Write(packet); err != nil {
			return err
		}
		_ = conn.SetReadDeadline(time.Now().Add(firstTry << try))
		for err == nil && ctx.Err() == nil {
			var n int
			if n, err = conn.Read(b); err != nil {
				break
			}
			if err = use(b[:n]); !errors.Is(err, errOther) {
				return err
			}
			err = nil // of an older request
		}
		var late net.Error
		if ctx.Err() != nil || !errors.As(err, &late) || !late.Timeout() {
			return errors.Join(ctx.Err(), err)
		}
	}
	return err
}
