package rpc

import (
	"context"
	"time"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

func (s *server) health(ctx context.Context, _ capnp.Struct) (answer, error) {
	status, err := s.svc.Health.Health(ctx)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_health_Results(st).SetStatus(status)
	}}, err
}

func (s *server) enqueue(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_enqueue_Params(args)
	c, err := s.caller(ctx, p.Auth, true)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	r.version(p.Version())
	to, ch := r.identity(p.RecipientKey()), r.channel(p.ChannelId())
	payload := r.payload(p.Payload())
	if r.err != nil {
		return answer{}, r.err
	}
	seq, err := s.svc.Depositor.Enqueue(ctx, c, to, ch, payload)
	return answer{sizeWord, func(st capnp.Struct) error {
		schema.NodeService_enqueue_Results(st).SetSeq(seq)
		return nil
	}}, err
}

func (s *server) batchEnqueue(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_batchEnqueue_Params(args)
	c, err := s.caller(ctx, p.Auth, true)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	r.version(p.Version())
	to, ch := r.identities(p.RecipientKeys()), r.channel(p.ChannelId())
	payload := r.payload(p.Payload())
	if r.err != nil {
		return answer{}, r.err
	}
	seqs, err := s.svc.Depositor.BatchEnqueue(ctx, c, to, ch, payload)
	if err == nil && len(seqs) != len(to) {
		return answer{}, errAnswerLength
	}
	return answer{sizePointer, func(st capnp.Struct) error {
		list, err := schema.NodeService_batchEnqueue_Results(st).NewSeqs(int32(len(seqs)))
		if err != nil {
			return err
		}
		for i, seq := range seqs {
			list.Set(i, seq)
		}
		return nil
	}}, err
}

func (s *server) fetch(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_fetch_Params(args)
	return s.drain(ctx, p, p.Limit(), 0)
}

func (s *server) fetchWait(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_fetchWait_Params(args)
	return s.drain(ctx, p, p.Limit(), waitOf(p.TimeoutMs()))
}

func (s *server) peek(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_peek_Params(args)
	return s.look(ctx, p, 0, p.Limit(), 0)
}

func (s *server) peekWait(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_peekWait_Params(args)
	return s.look(ctx, p, p.AfterSeq(), p.Limit(), waitOf(p.TimeoutMs()))
}

// inboxParams is what the methods of an inbox have in common.
type inboxParams interface {
	Auth() (schema.Auth, error)
	RecipientKey() ([]byte, error)
	ChannelId() ([]byte, error)
	Version() uint16
}

func (s *server) inbox(ctx context.Context, p inboxParams) (Caller, Identity, Channel, error) {
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return Caller{}, Identity{}, Channel{}, err
	}
	var r argReader
	r.version(p.Version())
	owner, ch := r.identity(p.RecipientKey()), r.channel(p.ChannelId())
	return c, owner, ch, r.err
}

func (s *server) drain(ctx context.Context, p inboxParams, limit uint32, wait time.Duration) (answer, error) {
	c, owner, ch, err := s.inbox(ctx, p)
	if err != nil {
		return answer{}, err
	}
	list, err := s.svc.Inbox.Fetch(ctx, c, owner, ch, limit, wait)
	if err != nil {
		return answer{}, err
	}
	if n := fitting(list, s.maxAnswer); n < len(list) {
		// They are gone from the store: cutting them off would lose them.
		s.log.Error("drained more than fits into an answer", "envelopes", len(list), "fitting", n)
	}
	return envelopes(list), nil
}

func (s *server) look(ctx context.Context, p inboxParams, after uint64, limit uint32, wait time.Duration) (answer, error) {
	c, owner, ch, err := s.inbox(ctx, p)
	if err != nil {
		return answer{}, err
	}
	list, err := s.svc.Inbox.Peek(ctx, c, owner, ch, after, limit, wait)
	if err != nil {
		return answer{}, err
	}
	return envelopes(list[:fitting(list, s.maxAnswer)]), nil
}

func (s *server) ack(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_ack_Params(args)
	c, owner, ch, err := s.inbox(ctx, p)
	if err != nil {
		return answer{}, err
	}
	return answer{}, s.svc.Inbox.Ack(ctx, c, owner, ch, p.SeqUpTo())
}

// envelopes is the answer of the four methods that read an inbox; their
// results are the same struct.
func envelopes(list []Envelope) answer {
	return answer{sizePointer, func(st capnp.Struct) error {
		out, err := schema.NodeService_fetch_Results(st).NewPayloads(int32(len(list)))
		if err != nil {
			return err
		}
		for i, e := range list {
			out.At(i).SetSeq(e.Seq)
			if err := out.At(i).SetData(e.Data); err != nil {
				return err
			}
		}
		return nil
	}}
}

// EnvelopeSize is what an envelope with n bytes of data takes of an answer: its
// number, a pointer, possibly the landing pad of that in another segment, and
// whole words of data.
func EnvelopeSize(n int) int { return 24 + (n+7)&^7 }

// fitting returns how many envelopes fit into an answer of max bytes, and at
// least one if there is one.
func fitting(list []Envelope, max int) int {
	for i, e := range list {
		if max -= EnvelopeSize(len(e.Data)); max < 0 && i > 0 {
			return i
		}
	}
	return len(list)
}
