package rpc

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

// Health asks how the other side is.
func (c *Client) Health(ctx context.Context) (status string, err error) {
	err = c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.Health(ctx, nil)
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			status, err = schema.NodeService_health_Results(st).Status()
			return err
		},
	})
	return status, err
}

// Enqueue deposits a payload for to. A returned seq means that it is durable.
func (c *Client) Enqueue(ctx context.Context, to Identity, ch Channel, payload []byte) (seq uint64, err error) {
	return c.StartEnqueue(ctx, to, ch, payload)()
}

// StartEnqueue sends an Enqueue and returns when it is on its way; wait, which
// must be called, returns its answer. So a sender has many in flight whose order
// the other side sees. A call keeps its place among those in flight until wait
// returns: call that in a goroutine of its own before the next StartEnqueue.
func (c *Client) StartEnqueue(ctx context.Context, to Identity, ch Channel, payload []byte) (wait func() (seq uint64, err error)) {
	if len(payload) > MaxPayload {
		return func() (uint64, error) { return 0, ErrTooLarge }
	}
	var seq uint64
	answer := c.start(ctx, request{
		size: len(payload),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.Enqueue(ctx, func(p schema.NodeService_enqueue_Params) error {
				p.SetVersion(1)
				return firstError(p.SetRecipientKey(to[:]), p.SetChannelId(ch.wire()), p.SetPayload(payload), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			seq = schema.NodeService_enqueue_Results(st).Seq()
			return nil
		},
	})
	return func() (uint64, error) {
		err := answer()
		return seq, err
	}
}

// BatchEnqueue deposits one payload for up to MaxBatch recipients; seqs are in
// the order of to, and 0 is that of a recipient for whom nothing was stored: the
// inbox is full, or holds all that one depositor may leave there. Enqueue says
// which.
func (c *Client) BatchEnqueue(ctx context.Context, to []Identity, ch Channel, payload []byte) (seqs []uint64, err error) {
	if len(payload) > MaxPayload {
		return nil, ErrTooLarge
	}
	if len(to) == 0 || len(to) > MaxBatch {
		return nil, ErrBadRequest.With("batch of 1 to 1000 recipients")
	}
	err = c.do(ctx, request{
		size: len(payload) + len(to)*EnvelopeSize(32),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.BatchEnqueue(ctx, func(p schema.NodeService_batchEnqueue_Params) error {
				p.SetVersion(1)
				return firstError(setIdentities(to, p.NewRecipientKeys), p.SetChannelId(ch.wire()), p.SetPayload(payload), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			list, err := schema.NodeService_batchEnqueue_Results(st).Seqs()
			if err != nil {
				return err
			}
			if list.Len() != len(to) {
				return fmt.Errorf("%w: %d numbers for %d recipients", ErrBadAnswer, list.Len(), len(to))
			}
			seqs = make([]uint64, len(to))
			for i := range seqs {
				seqs[i] = list.At(i)
			}
			return nil
		},
	})
	return seqs, err
}

// Fetch drains an inbox, oldest first; limit 0 means as much as fits into an
// answer. Who must not lose mail uses Peek and Ack.
func (c *Client) Fetch(ctx context.Context, owner Identity, ch Channel, limit uint32, wait time.Duration) (list []Envelope, err error) {
	err = c.do(ctx, request{
		large: true,
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			if wait > 0 {
				f, release := s.FetchWait(ctx, func(p schema.NodeService_fetchWait_Params) error {
					p.SetTimeoutMs(millis(wait))
					return c.askFor(p, owner, ch, limit)
				})
				return f.Future, release
			}
			f, release := s.Fetch(ctx, func(p schema.NodeService_fetch_Params) error {
				return c.askFor(p, owner, ch, limit)
			})
			return f.Future, release
		},
		read: readEnvelopes(&list),
	})
	return list, err
}

// Peek returns payloads with Seq > after, oldest first, and removes nothing.
// limit 0 means as much as fits into an answer. It waits up to wait, at most
// MaxWait, for a first one; none is no error.
func (c *Client) Peek(ctx context.Context, owner Identity, ch Channel, after uint64, limit uint32, wait time.Duration) (list []Envelope, err error) {
	err = c.do(ctx, request{
		large: true,
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			if after > 0 || wait > 0 {
				f, release := s.PeekWait(ctx, func(p schema.NodeService_peekWait_Params) error {
					p.SetAfterSeq(after)
					p.SetTimeoutMs(millis(wait))
					return c.askFor(p, owner, ch, limit)
				})
				return f.Future, release
			}
			f, release := s.Peek(ctx, func(p schema.NodeService_peek_Params) error {
				return c.askFor(p, owner, ch, limit)
			})
			return f.Future, release
		},
		read: readEnvelopes(&list),
	})
	return list, err
}

// readParams are what all calls that read an inbox say.
type readParams interface {
	SetVersion(uint16)
	SetLimit(uint32)
	SetRecipientKey([]byte) error
	SetChannelId([]byte) error
	NewAuth() (schema.Auth, error)
}

// askFor fills them in.
func (c *Client) askFor(p readParams, owner Identity, ch Channel, limit uint32) error {
	p.SetVersion(1)
	p.SetLimit(limit)
	return firstError(p.SetRecipientKey(owner[:]), p.SetChannelId(ch.wire()), c.sign(p.NewAuth))
}

// Ack removes all payloads up to and including upTo.
func (c *Client) Ack(ctx context.Context, owner Identity, ch Channel, upTo uint64) error {
	return c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.Ack(ctx, func(p schema.NodeService_ack_Params) error {
				p.SetVersion(1)
				p.SetSeqUpTo(upTo)
				return firstError(p.SetRecipientKey(owner[:]), p.SetChannelId(ch.wire()), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
	})
}

// readEnvelopes reads the answer of the four methods that read an inbox.
func readEnvelopes(list *[]Envelope) func(capnp.Struct) error {
	return func(st capnp.Struct) (err error) {
		*list, err = readList(st)
		return err
	}
}

func readList(st capnp.Struct) ([]Envelope, error) {
	in, err := schema.NodeService_fetch_Results(st).Payloads()
	if err != nil || in.Len() == 0 {
		return nil, err
	}
	// A list may claim millions of elements of no size.
	size, err := st.Message().TotalSize()
	if err != nil {
		return nil, err
	}
	if uint64(in.Len()) > size/16 {
		return nil, fmt.Errorf("%w: %d envelopes in %d bytes", ErrBadAnswer, in.Len(), size)
	}
	list := make([]Envelope, in.Len())
	for i := range list {
		data, err := in.At(i).Data()
		if err != nil {
			return nil, err
		}
		list[i] = Envelope{Seq: in.At(i).Seq(), Data: bytes.Clone(data)}
	}
	return list, nil
}

// wire returns the channel as it is sent: none is empty.
func (ch Channel) wire() []byte {
	if ch == (Channel{}) {
		return nil
	}
	return ch[:]
}

// millis rounds up, so that a short wait stays one.
func millis(d time.Duration) uint64 {
	return uint64((max(d, 0) + time.Millisecond - 1) / time.Millisecond)
}

func setIdentities(ids []Identity, newList func(int32) (capnp.DataList, error)) error {
	list, err := newList(int32(len(ids)))
	if err != nil {
		return err
	}
	for i := range ids {
		if err := list.Set(i, ids[i][:]); err != nil {
			return err
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
