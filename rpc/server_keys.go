package rpc

import (
	"context"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

func (s *server) uploadKeyPackage(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_uploadKeyPackage_Params(args)
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	owner := r.identity(p.IdentityKey())
	keyPackage := r.blob(ErrKeyPackage, maxKeyPackage)(p.Package())
	if r.err != nil {
		return answer{}, r.err
	}
	fingerprint, err := s.svc.Keys.UploadKeyPackage(ctx, c, owner, keyPackage)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_uploadKeyPackage_Results(st).SetFingerprint(fingerprint[:])
	}}, err
}

func (s *server) fetchKeyPackage(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_fetchKeyPackage_Params(args)
	c, owner, err := s.about(ctx, p, true)
	if err != nil {
		return answer{}, err
	}
	keyPackage, err := s.svc.Keys.FetchKeyPackage(ctx, c, owner)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_fetchKeyPackage_Results(st).SetPackage(keyPackage)
	}}, err
}

func (s *server) uploadHybridKey(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_uploadHybridKey_Params(args)
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	owner := r.identity(p.IdentityKey())
	blob := r.blob(ErrHybridKey, maxHybridKey)(p.HybridPublicKey())
	if r.err != nil {
		return answer{}, r.err
	}
	return answer{}, s.svc.Keys.UploadHybridKey(ctx, c, owner, blob)
}

func (s *server) fetchHybridKey(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_fetchHybridKey_Params(args)
	c, owner, err := s.about(ctx, p, true)
	if err != nil {
		return answer{}, err
	}
	blobs, err := s.svc.Keys.FetchHybridKeys(ctx, c, []Identity{owner})
	if err != nil {
		return answer{}, err
	}
	if len(blobs) != 1 {
		return answer{}, errAnswerLength
	}
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_fetchHybridKey_Results(st).SetHybridPublicKey(blobs[0])
	}}, nil
}

func (s *server) fetchHybridKeys(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_fetchHybridKeys_Params(args)
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	owners := r.identities(p.IdentityKeys())
	if r.err != nil {
		return answer{}, r.err
	}
	blobs, err := s.svc.Keys.FetchHybridKeys(ctx, c, owners)
	if err != nil {
		return answer{}, err
	}
	if len(blobs) != len(owners) {
		return answer{}, errAnswerLength
	}
	size := 0
	for _, b := range blobs {
		size += EnvelopeSize(len(b))
	}
	if size > s.maxAnswer {
		return answer{}, ErrTooLarge.With("keys do not fit into one answer, ask for fewer")
	}
	return answer{sizePointer, func(st capnp.Struct) error {
		list, err := schema.NodeService_fetchHybridKeys_Results(st).NewKeys(int32(len(blobs)))
		if err != nil {
			return err
		}
		for i, b := range blobs {
			if err := list.Set(i, b); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

func (s *server) publishEndpoint(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_publishEndpoint_Params(args)
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	owner := r.identity(p.IdentityKey())
	record := r.blob(ErrEndpoint, maxEndpoint)(p.NodeAddr())
	if r.err != nil {
		return answer{}, r.err
	}
	return answer{}, s.svc.Endpoints.PublishEndpoint(ctx, c, owner, record)
}

func (s *server) resolveEndpoint(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_resolveEndpoint_Params(args)
	c, owner, err := s.about(ctx, p, true)
	if err != nil {
		return answer{}, err
	}
	record, err := s.svc.Endpoints.ResolveEndpoint(ctx, c, owner)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_resolveEndpoint_Results(st).SetNodeAddr(record)
	}}, err
}

// identityParams is what the methods that ask about one identity have in
// common.
type identityParams interface {
	Auth() (schema.Auth, error)
	IdentityKey() ([]byte, error)
}

// about reads the arguments of such a method. passes is as for caller.
func (s *server) about(ctx context.Context, p identityParams, passes bool) (Caller, Identity, error) {
	c, err := s.caller(ctx, p.Auth, passes)
	if err != nil {
		return Caller{}, Identity{}, err
	}
	var r argReader
	id := r.identity(p.IdentityKey())
	return c, id, r.err
}
