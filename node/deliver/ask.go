package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// ask calls a person's machine and, after the hedge or when that fails, its
// relays. The first answer without an error wins.
func ask[T any](ctx context.Context, d *Deliverer, p person, call func(context.Context, *rpc.Client) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime+callTime)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	places := []transport.Key{p.host}
	for _, r := range p.relays {
		places = append(places, r.Key)
	}
	answers := make(chan answer, len(places)) // never blocks: no one is left behind
	begin := func(k transport.Key) {
		go func() {
			var a answer
			ln, err := d.links.get(ctx, k)
			if err == nil {
				a.value, err = call(ctx, ln.conn.Client())
			}
			if err != nil {
				a.err = fmt.Errorf("%s: %w", placeName(p, k), err)
			}
			answers <- a
		}()
	}
	begin(p.host)
	begun, ended := 1, 0
	hedge := time.NewTimer(Hedge)
	defer hedge.Stop()
	var errs []error
	for {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.value, nil
			}
			errs = append(errs, a.err)
			ended++
		case <-hedge.C:
		}
		for ; begun < len(places); begun++ {
			begin(places[begun])
		}
		if ended == begun {
			var zero T
			return zero, errors.Join(errs...)
		}
	}
}

func placeName(p person, k transport.Key) string {
	if k == p.host {
		return "their machine"
	}
	return "relay " + k.String()
}
