package relay

import (
	"context"
	"crypto/rand"

	"quicnprotochat/rpc"
)

// CreateChannel implements rpc.Channels.
func (s *service) CreateChannel(ctx context.Context, c rpc.Caller, peer rpc.Identity) (rpc.Channel, error) {
	leave, err := s.enterOwner(c, c.Identity)
	if err != nil {
		return rpc.Channel{}, err
	}
	defer leave()
	if peer == c.Identity {
		return rpc.Channel{}, rpc.ErrChannel.With("a channel has two members")
	}
	ch, err := s.store.ChannelOf(ctx, c.Identity, peer, newChannel())
	return ch, wireError(err)
}

// newChannel returns a random UUID (RFC 9562, section 5.4).
func newChannel() (ch rpc.Channel) {
	_, _ = rand.Read(ch[:]) // never fails
	ch[6] = ch[6]&0x0f | 0x40
	ch[8] = ch[8]&0x3f | 0x80
	return ch
}

// hasMailbox returns those who may have a mailbox here.
func (s *service) hasMailbox(ctx context.Context, to []rpc.Identity) ([]rpc.Identity, error) {
	if s.cfg.Access == AccessOpen {
		return to, nil
	}
	members, err := s.store.Members(ctx, to)
	if err != nil {
		return nil, wireError(err)
	}
	if len(members) == 0 {
		return nil, rpc.ErrNotRecipient.With("no account here has that key")
	}
	return members, nil
}

// checkChannel refuses a deposit on a channel unless the caller is a member and
// each recipient is the other one.
func (s *service) checkChannel(ctx context.Context, c rpc.Caller, to []rpc.Identity, ch rpc.Channel) error {
	if ch == (rpc.Channel{}) {
		return nil
	}
	if !c.Proven {
		return rpc.ErrChannel
	}
	peer, found, err := s.store.ChannelPeer(ctx, ch, c.Identity)
	if err != nil {
		return wireError(err)
	}
	for _, id := range to {
		if !found || id != peer {
			return rpc.ErrChannel
		}
	}
	return nil
}
