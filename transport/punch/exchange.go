package punch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch/pb"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"
)

// Protocol is the libp2p protocol of DCUtR.
const Protocol protocol.ID = "/libp2p/dcutr"

const (
	// maxMessage bounds a message, in bytes, MaxAddrs the addresses in it.
	maxMessage = 4 << 10
	// MaxAddrs is how many addresses one side tells, and how many of the other's are
	// looked at.
	MaxAddrs = 16
)

// answer speaks DCUtR on a circuit that the peer asked for, and punches.
func (u *Puncher) answer(p peer.ID, a *attempt, c network.Conn) error {
	u.dropStale(p)
	ctx, cancel := context.WithTimeout(u.ctx, exchangeTime)
	defer cancel()
	raw, err := c.NewStream(network.WithAllowLimitedConn(ctx, "punch"))
	if err != nil {
		return fmt.Errorf("%w: open stream: %w", ErrExchange, err)
	}
	addrs, trip, err := u.lead(raw, p)
	if err != nil {
		_ = raw.Reset()
		return fmt.Errorf("%w: %w", ErrExchange, err)
	}
	_ = raw.Close()
	u.setPunching(a)
	select {
	case <-time.After(trip / 2):
	case <-a.alone.Done():
	}
	if u.dial(p, a, addrs, false, min(max(openTime, 3*trip), openTimeMost)) == nil {
		return nil
	}
	return u.dial(p, a, addrs, true, punchTime)
}

// lead sends our addresses and SYNC, and returns the peer's addresses and the
// time of a round trip over the circuit.
func (u *Puncher) lead(raw network.Stream, p peer.ID) (addrs []ma.Multiaddr, trip time.Duration, err error) {
	if err := raw.SetDeadline(time.Now().Add(exchangeTime)); err != nil {
		return nil, 0, err
	}
	if err := raw.SetProtocol(Protocol); err != nil {
		return nil, 0, err
	}
	// One protocol is offered, so it is agreed upon with the first message.
	s := multistream.NewMSSelect(raw, Protocol)
	began := time.Now()
	if err := u.tell(s); err != nil {
		return nil, 0, err
	}
	r := util.NewDelimitedReader(s, maxMessage)
	defer r.Close()
	if addrs, err = u.hear(r, p); err != nil {
		return nil, 0, err
	}
	trip = time.Since(began)
	return addrs, trip, util.NewDelimitedWriter(s).WriteMsg(&pb.HolePunch{Type: pb.HolePunch_SYNC.Enum()})
}

// handle speaks DCUtR on a circuit that we asked for, and punches.
func (u *Puncher) handle(s network.Stream) {
	c := s.Conn()
	p := c.RemotePeer()
	a := u.asking(p)
	if a == nil || !c.Stat().Limited || c.Stat().Direction != network.DirOutbound || !u.enter() {
		_ = s.Reset()
		return
	}
	defer u.wg.Done()
	addrs, err := u.follow(s, p)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrExchange, err)
		_ = s.Reset()
	} else {
		_ = s.Close()
		u.setPunching(a)
		err = u.dial(p, a, addrs, true, punchTime)
	}
	if err != nil {
		a.fail(err)
	}
}

// follow exchanges addresses and returns the peer's when SYNC has come.
func (u *Puncher) follow(s network.Stream, p peer.ID) ([]ma.Multiaddr, error) {
	if err := s.SetDeadline(time.Now().Add(exchangeTime)); err != nil {
		return nil, err
	}
	r := util.NewDelimitedReader(s, maxMessage)
	defer r.Close()
	addrs, err := u.hear(r, p)
	if err != nil {
		return nil, err
	}
	if err := u.tell(s); err != nil {
		return nil, err
	}
	var msg pb.HolePunch
	if err := r.ReadMsg(&msg); err != nil {
		return nil, fmt.Errorf("read SYNC: %w", err)
	}
	if msg.GetType() != pb.HolePunch_SYNC {
		return nil, errors.New("no SYNC came")
	}
	return addrs, nil
}

// tell sends CONNECT with our addresses.
func (u *Puncher) tell(w io.Writer) error {
	addrs := u.cfg.Addrs()
	if len(addrs) == 0 {
		return errors.New("this machine knows no address of its own")
	}
	msg := &pb.HolePunch{Type: pb.HolePunch_CONNECT.Enum()}
	for _, a := range addrs[:min(len(addrs), MaxAddrs)] {
		msg.ObsAddrs = append(msg.ObsAddrs, a.Bytes())
	}
	if err := util.NewDelimitedWriter(w).WriteMsg(msg); err != nil {
		return fmt.Errorf("send CONNECT: %w", err)
	}
	return nil
}

// hear reads CONNECT and returns those of the peer's addresses that may be dialled.
func (u *Puncher) hear(r *util.DelimitedReader, p peer.ID) ([]ma.Multiaddr, error) {
	var msg pb.HolePunch
	if err := r.ReadMsg(&msg); err != nil {
		return nil, fmt.Errorf("read CONNECT: %w", err)
	}
	if msg.GetType() != pb.HolePunch_CONNECT {
		return nil, errors.New("no CONNECT came")
	}
	var addrs []ma.Multiaddr
	for _, b := range msg.ObsAddrs[:min(len(msg.ObsAddrs), MaxAddrs)] {
		if a, err := ma.NewMultiaddrBytes(b); err == nil {
			addrs = append(addrs, a)
		}
	}
	if addrs = u.cfg.Take(p, addrs); len(addrs) == 0 {
		return nil, errors.New("the peer told no address that may be dialled")
	}
	return addrs, nil
}

// dial makes a direct connection, or waits for that of the other side. Who does
// not lead only opens the NAT for the one who does.
func (u *Puncher) dial(p peer.ID, a *attempt, addrs []ma.Multiaddr, leads bool, most time.Duration) error {
	ctx, cancel := context.WithTimeout(a.alone, most)
	defer cancel()
	u.cfg.Offer(p, addrs)
	ctx = network.WithSimultaneousConnect(ctx, leads, "punch")
	err := DialDirect(network.WithDialPeerTimeout(ctx, most), u.cfg.Host, p, "punch")
	if err == nil || u.isDirect(p) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrFailed, err)
}
