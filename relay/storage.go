package relay

import (
	"context"
	"time"

	"quicnprotochat/relay/accounts"
	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// The service needs this of a store. store.Store keeps it in one file; a cluster
// can keep it elsewhere, with the same errors.
type (
	// mailStore keeps payloads. See the methods of store.Store.
	mailStore interface {
		Append(ctx context.Context, from store.Depositor, to []store.Inbox, payload []byte) ([]uint64, error)
		Measure(ctx context.Context, inbox store.Inbox, after uint64, limit, maxBytes int) (int, error)
		Peek(ctx context.Context, inbox store.Inbox, after uint64, limit, maxBytes int) ([]rpc.Envelope, error)
		Drain(ctx context.Context, inbox store.Inbox, limit, maxBytes int) ([]rpc.Envelope, error)
		Ack(ctx context.Context, inbox store.Inbox, upTo uint64) error
	}
	// keyStore keeps key packages and hybrid keys.
	keyStore interface {
		AddKeyPackage(ctx context.Context, owner rpc.Identity, p store.KeyPackage) error
		TakeKeyPackage(ctx context.Context, owner rpc.Identity, spend bool) (store.HandedOut, error)
		SetHybridKey(ctx context.Context, owner rpc.Identity, blob []byte) error
		HybridKeys(ctx context.Context, owners []rpc.Identity) ([][]byte, error)
	}
	// endpointStore keeps endpoint records, and the generations in them.
	endpointStore interface {
		SetEndpoint(ctx context.Context, owner rpc.Identity, seq uint64, expiry time.Time, generation uint32, record []byte) error
		Generation(ctx context.Context, owner rpc.Identity) (generation uint32, found bool, err error)
		Endpoint(ctx context.Context, owner rpc.Identity) ([]byte, error)
		LastEndpoint(ctx context.Context, owner rpc.Identity) ([]byte, error)
	}
	// channelStore keeps channels.
	channelStore interface {
		ChannelOf(ctx context.Context, maker, peer rpc.Identity, fresh rpc.Channel) (rpc.Channel, error)
		ChannelPeer(ctx context.Context, ch rpc.Channel, id rpc.Identity) (rpc.Identity, bool, error)
	}
	// storage is all of it.
	storage interface {
		accounts.Storage
		Banned(id rpc.Identity) bool
		Members(ctx context.Context, ids []rpc.Identity) ([]rpc.Identity, error)
		channelStore
		mailStore
		keyStore
		endpointStore
		Health(ctx context.Context) error
	}
)
