package deliver

import (
	"context"

	"quicnprotochat/node/deliver/links"
	"quicnprotochat/rpc"
)

// Fleeting hands a payload to a person's machine if that is connected now. It is
// neither kept nor tried again.
func (d *Deliverer) Fleeting(to rpc.Identity, payload []byte) {
	if !d.running() {
		return
	}
	p, ok := d.people.Of(to)
	if !ok {
		return
	}
	ln := d.links.Now(p.Host)
	if ln == nil {
		return
	}
	d.tasks.Run(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, links.CallTime)
		defer cancel()
		if d.asked.Wait(ctx, p.Host) != nil {
			return
		}
		if _, err := ln.Client().Enqueue(ctx, to, rpc.Channel{}, payload); err != nil {
			d.cfg.Log.Debug("say something for a moment", "peer", p.Host, "err", err)
		}
	})
}
