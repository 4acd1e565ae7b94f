package convo

import (
	"context"

	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
)

// Index puts what was said since the last time into the index of the search.
func (e *Engine) Index(ctx context.Context) error {
	for more := true; more; {
		any := false
		err := e.cfg.Store.Glance(ctx, func(tx *store.Tx) error {
			left, err := tx.Unindexed(1)
			any = len(left) > 0
			return err
		})
		if err != nil || !any {
			return err
		}
		err = e.cfg.Store.UpdateLazily(ctx, func(tx *store.Tx) (err error) {
			more, err = timeline.Index(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
