package relay

import (
	"context"
	"errors"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
)

// A hello pass is in a link, and a link may be anywhere: it is good to be introduced
// and for a few messages.
const (
	// hellosByCaller is how many payloads one address may leave with the hello
	// passes of one recipient in an hour.
	hellosByCaller = 16
	// maxHello is the largest of them, in bytes.
	maxHello = 64 << 10
)

// enterAbout is enter for calls about some identities, for which a deposit pass of
// the one that it is about will do as well; p is that pass, else zero. Such a call
// is counted by its address: all who have a pass have the same.
func (s *service) enterAbout(ctx context.Context, c rpc.Caller, about ...rpc.Identity) (p pass.Pass, leave func(), err error) {
	if c.Kind != rpc.TokenPass {
		leave, err = s.enter(c)
		return p, leave, err
	}
	if !s.cfg.AllowSealedSender {
		return p, nil, rpc.ErrUnauthenticated
	}
	if leave, err = s.enterAny(c); err != nil {
		return p, nil, err
	}
	if p, err = s.checkPass(ctx, c.Pass, about); err != nil {
		leave()
		return p, nil, err
	}
	return p, leave, nil
}

// checkPass refuses what is not a good pass, here and now, of the only one that a
// call is about. One who never told its generation here has given out no passes for
// here, or its word was lost, and with it what it cancelled. The hello pass of a link
// names the recipient's own key instead of a relay's: it is good wherever the
// recipient is at home.
func (s *service) checkPass(ctx context.Context, encoded []byte, about []rpc.Identity) (pass.Pass, error) {
	p, err := pass.Parse(encoded)
	if err != nil {
		return p, rpc.ErrPass
	}
	if len(about) != 1 || about[0] != p.Recipient {
		return p, rpc.ErrPass.With("deposit pass of another recipient")
	}
	generation, found, err := s.store.Generation(ctx, p.Recipient)
	if err != nil {
		return p, wireError(err)
	}
	at := [32]byte(s.self)
	if p.Kind == pass.Hello && p.Relay == p.Recipient {
		at = p.Relay
	}
	err = p.Check(s.cfg.Now(), p.Recipient, at, generation)
	switch {
	case errors.Is(err, pass.ErrOther):
		return p, rpc.ErrPass.With("deposit pass for another relay")
	case errors.Is(err, pass.ErrExpired):
		return p, rpc.ErrPass.With("deposit pass expired")
	case err != nil || !found:
		return p, rpc.ErrPass.With("deposit pass cancelled")
	}
	return p, nil
}

// checkHello bounds what comes with a hello pass; other calls have a zero p.
func (s *service) checkHello(c rpc.Caller, p pass.Pass, payload []byte) error {
	switch {
	case p.Kind != pass.Hello:
		return nil
	case len(payload) > maxHello:
		return rpc.ErrTooLarge
	case !s.hellos.reserve(callerOf(c), p.Recipient):
		return rpc.ErrPass.With("that pass is used up for an hour")
	}
	return nil
}
