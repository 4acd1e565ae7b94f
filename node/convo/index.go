package convo

import (
	"context"

	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
)

// Index puts what was said since the last time into the index of the search.
func (e *Engine) Index(ctx context.Context) (err error) {
	for more := true; more && err == nil; {
		more, err = e.indexSome(ctx)
	}
	return err
}

// indexSome does a part of that, and says whether more is left.
func (e *Engine) indexSome(ctx context.Context) (more bool, err error) {
	err = e.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
		left, err := tx.Unindexed(1)
		more = len(left) > 0
		return err
	})
	if err != nil || !more {
		return false, err
	}
	err = e.cfg.Store.UpdateLazily(ctx, func(tx *store.Tx) (err error) {
		more, err = timeline.Index(tx)
		return err
	})
	return more, err
}
