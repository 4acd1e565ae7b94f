package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"quicnprotochat/node/afresh"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/front"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
)

// twin acts on another home of this identity. If it was used before this one, we begin
// afresh. Two that run both end: which one is to go on, the user says by starting it.
func (n *Node) twin(ctx context.Context, t profile.Twin) error {
	switch t {
	case profile.TwinBefore:
		return n.beginAfresh(ctx)
	case profile.Overtaken:
		n.log.Warn("the home that this one was restored from has cancelled its links and addresses since: so does this one")
		return n.engine.Update(ctx, n.cancelOvertaken)
	}
	err := &localapi.Error{
		Message: "another node runs with the identity of this home, from a copy of " + n.cfg.Dir,
		Hint:    "both have stopped, to keep your conversations whole: delete one of the two homes, and start the other",
		Exit:    localapi.ExitHome,
	}
	select {
	case n.fatal <- err:
	default:
	}
	return err
}

// cancelOvertaken cancels our passes and our address key if another home has done so: they
// are of use to those whom it has blocked.
func (n *Node) cancelOvertaken(tx *store.Tx, fx *news.Effects) error {
	overtaken, err := n.profile.Overtaken(tx)
	if err != nil || !overtaken {
		return err
	}
	return n.engine.Cancel(tx, fx)
}

// beginAfresh makes an old copy of the home fit for use.
func (n *Node) beginAfresh(ctx context.Context) error {
	n.log.Warn("this home is an older copy of one that was used since: conversations are entered anew")
	err := n.engine.Update(ctx, func(tx *store.Tx, fx *news.Effects) error {
		n.engine.ForgetAll()
		if err := errors.Join(afresh.Begin(tx), n.cancelOvertaken(tx, fx)); err != nil {
			return err
		}
		return tx.SetMeta(front.MetaOlderCopy, strconv.AppendInt(nil, tx.Now().UnixMilli(), 10))
	})
	if err != nil {
		return fmt.Errorf("begin afresh: %w", err)
	}
	n.deliverer.Present()
	if err := n.groups.WakeAll(ctx); err != nil {
		return err
	}
	n.deliverer.WakePending(ctx)
	return nil
}
