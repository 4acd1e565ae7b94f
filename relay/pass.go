package relay

import (
	"context"
	"errors"

	"quicnprotochat/rpc"
	"quicnprotochat/rpc/pass"
)

// A hello pass is in a link, and a link may be anywhere: it is good for a first
// message.
const (
	// hellosByCaller is how many payloads one address may leave with the hello
	// passes of one recipient in an hour.
	hellosByCaller = 8
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
// here, or its word was lost, and with it what it cancelled.
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
	err = p.Check(s.cfg.Now(), p.Recipient, s.self, generation)
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
		return rpc.ErrBusy.With("too much with that pass, try again later")
	}
	return nil
}
