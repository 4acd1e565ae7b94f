package punch

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// minDial is how long a dial lasts at least that does not end by itself.
const minDial = 50 * time.Millisecond

// DialDirect makes a connection to p that is no circuit, with the addresses that the
// host has of p. reason is for logs.
//
// It outlasts ctx by up to minDial: libp2p looks at the addresses in a goroutine that
// nothing waits for, and that panics if the host is closed meanwhile. So whoever waits
// for DialDirect can close the host.
func DialDirect(ctx context.Context, h host.Host, p peer.ID, reason string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	begun := time.Now()
	dialling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(minDial-time.Since(begun), stop) })()
	_, err := h.Network().DialPeer(network.WithForceDirectDial(dialling, reason), p)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
