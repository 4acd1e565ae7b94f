package rpc

import (
	"bytes"
	"context"
	"fmt"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

// UploadKeyPackage stores a key package and returns its SHA-256.
func (c *Client) UploadKeyPackage(ctx context.Context, owner Identity, keyPackage []byte) (fingerprint [32]byte, err error) {
	err = c.do(ctx, request{
		size: len(keyPackage),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.UploadKeyPackage(ctx, func(p schema.NodeService_uploadKeyPackage_Params) error {
				return firstError(p.SetIdentityKey(owner[:]), p.SetPackage(keyPackage), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readArray(fingerprint[:])(schema.NodeService_uploadKeyPackage_Results(st).Fingerprint())
		},
	})
	return fingerprint, err
}

// FetchKeyPackage takes one key package; empty when none is left.
func (c *Client) FetchKeyPackage(ctx context.Context, owner Identity) (keyPackage []byte, err error) {
	err = c.do(ctx, request{
		large: true,
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.FetchKeyPackage(ctx, func(p schema.NodeService_fetchKeyPackage_Params) error {
				return firstError(p.SetIdentityKey(owner[:]), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&keyPackage)(schema.NodeService_fetchKeyPackage_Results(st).Package())
		},
	})
	return keyPackage, err
}

// UploadHybridKey replaces the hybrid key of owner.
func (c *Client) UploadHybridKey(ctx context.Context, owner Identity, blob []byte) error {
	return c.do(ctx, request{
		size: len(blob),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.UploadHybridKey(ctx, func(p schema.NodeService_uploadHybridKey_Params) error {
				return firstError(p.SetIdentityKey(owner[:]), p.SetHybridPublicKey(blob), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
	})
}

// FetchHybridKey returns the hybrid key of owner, empty when none is known.
func (c *Client) FetchHybridKey(ctx context.Context, owner Identity) (blob []byte, err error) {
	err = c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.FetchHybridKey(ctx, func(p schema.NodeService_fetchHybridKey_Params) error {
				return firstError(p.SetIdentityKey(owner[:]), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&blob)(schema.NodeService_fetchHybridKey_Results(st).HybridPublicKey())
		},
	})
	return blob, err
}

// FetchHybridKeys returns the hybrid keys of up to MaxBatch owners, in their
// order, empty where none is known.
func (c *Client) FetchHybridKeys(ctx context.Context, owners []Identity) (blobs [][]byte, err error) {
	if len(owners) == 0 || len(owners) > MaxBatch {
		return nil, ErrBadRequest.With("keys of 1 to 1000 owners")
	}
	err = c.do(ctx, request{
		size:  len(owners) * EnvelopeSize(32),
		large: true,
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.FetchHybridKeys(ctx, func(p schema.NodeService_fetchHybridKeys_Params) error {
				return firstError(setIdentities(owners, p.NewIdentityKeys), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			list, err := schema.NodeService_fetchHybridKeys_Results(st).Keys()
			if err != nil {
				return err
			}
			if list.Len() != len(owners) {
				return fmt.Errorf("%w: %d keys for %d owners", ErrBadAnswer, list.Len(), len(owners))
			}
			blobs = make([][]byte, len(owners))
			for i := range blobs {
				if err := readBlob(&blobs[i])(list.At(i)); err != nil {
					return err
				}
			}
			return nil
		},
	})
	return blobs, err
}

// PublishEndpoint replaces the endpoint record of owner.
func (c *Client) PublishEndpoint(ctx context.Context, owner Identity, record []byte) error {
	return c.do(ctx, request{
		size: len(record),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.PublishEndpoint(ctx, func(p schema.NodeService_publishEndpoint_Params) error {
				return firstError(p.SetIdentityKey(owner[:]), p.SetNodeAddr(record), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
	})
}

// ResolveEndpoint returns the endpoint record of owner, empty when none is
// known. Nothing in it is checked.
func (c *Client) ResolveEndpoint(ctx context.Context, owner Identity) (record []byte, err error) {
	err = c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.ResolveEndpoint(ctx, func(p schema.NodeService_resolveEndpoint_Params) error {
				return firstError(p.SetIdentityKey(owner[:]), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&record)(schema.NodeService_resolveEndpoint_Results(st).NodeAddr())
		},
	})
	return record, err
}

// readBlob returns a reader of bytes that outlive their message.
func readBlob(to *[]byte) func([]byte, error) error {
	return func(b []byte, err error) error {
		if err == nil && len(b) > 0 {
			*to = bytes.Clone(b)
		}
		return err
	}
}

// readArray returns a reader of exactly len(to) bytes.
func readArray(to []byte) func([]byte, error) error {
	return func(b []byte, err error) error {
		if err != nil {
			return err
		}
		if len(b) != len(to) {
			return fmt.Errorf("%w: %d bytes instead of %d", ErrBadAnswer, len(b), len(to))
		}
		copy(to, b)
		return nil
	}
}
