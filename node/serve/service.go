package serve

import (
	"context"
	"slices"
	"sync"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/profile"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// stock is how many key packages this node keeps ready to hand out itself.
	stock = 5
	// perCaller and perHour bound how many it hands out in an hour, to one caller
	// and in all; whoever is over gets the one of last resort.
	perCaller = 3
	perHour   = 30
)

// Inbox takes payloads for this node; a returned seq means that one is durable.
type Inbox interface {
	Take(ctx context.Context, depositor rpc.Identity, payload []byte) (seq uint64, err error)
}

// Peers knows what contacts keep of us, and we of them.
type Peers interface {
	// Asked waits until a contact that is connected has said what it keeps as our
	// endpoint.
	Asked(ctx context.Context, id rpc.Identity) error
	// Kept returns the endpoint that was seen last of a contact, nil if there is none.
	Kept(ctx context.Context, id rpc.Identity) ([]byte, error)
}

// Config says what the node has. All fields are required.
type Config struct {
	Self    rpc.Identity
	Inbox   Inbox
	Peers   Peers
	Keys    *keys.Keys
	Profile *profile.Profile
	Now     func() time.Time // the clock of the home
}

// Node answers for one identity.
type Node struct {
	cfg Config

	// mu guards the fields below.
	mu     sync.Mutex
	hour   time.Time // when the counts began
	handed map[rpc.Identity]int
	total  int
}

// New returns what a node offers on its links.
func New(cfg Config) *rpc.Service {
	n := &Node{cfg: cfg, handed: make(map[rpc.Identity]int)}
	return &rpc.Service{Health: n, Depositor: n, Keys: n, Endpoints: n, Directory: n}
}

// Health answers "ok".
func (n *Node) Health(context.Context) (string, error) { return "ok", nil }

// Enqueue takes a payload into the inbox.
func (n *Node) Enqueue(ctx context.Context, c rpc.Caller, to rpc.Identity, ch rpc.Channel, payload []byte) (uint64, error) {
	switch {
	case to != n.cfg.Self:
		return 0, rpc.ErrNotRecipient
	case !c.Proven:
		return 0, rpc.ErrUnauthenticated
	case ch != rpc.Channel{}:
		return 0, rpc.ErrChannel
	case len(payload) > seal.MaxPayload:
		return 0, rpc.ErrTooLarge
	}
	if _, err := seal.PayloadKind(payload); err != nil {
		return 0, rpc.ErrBadRequest.With("not a sealed payload")
	}
	return n.cfg.Inbox.Take(ctx, c.Identity, payload)
}

// BatchEnqueue takes a payload whose only recipient is this node.
func (n *Node) BatchEnqueue(ctx context.Context, c rpc.Caller, to []rpc.Identity, ch rpc.Channel, payload []byte) ([]uint64, error) {
	if len(to) != 1 {
		return nil, rpc.ErrNotRecipient
	}
	seq, err := n.Enqueue(ctx, c, to[0], ch, payload)
	if err != nil {
		return nil, err
	}
	return []uint64{seq}, nil
}

// FetchKeyPackage hands out one of this node's key packages.
func (n *Node) FetchKeyPackage(ctx context.Context, c rpc.Caller, owner rpc.Identity) ([]byte, error) {
	if owner != n.cfg.Self {
		return nil, rpc.ErrNotRecipient
	}
	if !c.Proven {
		return nil, rpc.ErrUnauthenticated
	}
	if _, err := n.cfg.Keys.Stock(ctx, transport.Key(n.cfg.Self), stock, n.cfg.Now()); err != nil {
		return nil, err
	}
	if !n.mayHave(c.Identity, time.Now()) {
		return n.cfg.Keys.LastResort(ctx)
	}
	return n.cfg.Keys.Take(ctx)
}

// mayHave counts a hand-out and reports whether it is within the bounds.
func (n *Node) mayHave(caller rpc.Identity, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.hour) >= time.Hour || now.Before(n.hour) {
		n.hour, n.total = now, 0
		clear(n.handed)
	}
	if n.total >= perHour || n.handed[caller] >= perCaller {
		return false
	}
	n.total++
	n.handed[caller]++
	return true
}

// FetchHybridKeys returns this node's hybrid key where it is asked for, and
// nothing for others.
func (n *Node) FetchHybridKeys(ctx context.Context, _ rpc.Caller, owners []rpc.Identity) ([][]byte, error) {
	blobs := make([][]byte, len(owners))
	if !slices.Contains(owners, n.cfg.Self) {
		return blobs, nil
	}
	blob, err := n.cfg.Keys.Hybrid(ctx, n.cfg.Now())
	if err != nil {
		return nil, err
	}
	size := 0
	for i, owner := range owners {
		if owner == n.cfg.Self {
			blobs[i] = blob
			size += rpc.EnvelopeSize(len(blob))
		}
	}
	return blobs, rpc.Room(ctx, size)
}

// UploadKeyPackage is not offered: a node keeps only its own.
func (n *Node) UploadKeyPackage(context.Context, rpc.Caller, rpc.Identity, []byte) ([32]byte, error) {
	return [32]byte{}, rpc.ErrNotOffered
}

// UploadHybridKey is not offered: a node keeps only its own.
func (n *Node) UploadHybridKey(context.Context, rpc.Caller, rpc.Identity, []byte) error {
	return rpc.ErrNotOffered
}

// PublishEndpoint is not offered: a node keeps only its own.
func (n *Node) PublishEndpoint(context.Context, rpc.Caller, rpc.Identity, []byte) error {
	return rpc.ErrNotOffered
}

// ResolveEndpoint returns this node's present endpoint, and to a caller that asks for its
// own the one that was seen last of it: so it learns whether its home is an older copy.
// Who may have such a thing to tell us tells it first, for it keeps but one.
func (n *Node) ResolveEndpoint(ctx context.Context, c rpc.Caller, owner rpc.Identity) ([]byte, error) {
	switch {
	case c.Proven && owner == c.Identity && owner != n.cfg.Self:
		return n.cfg.Peers.Kept(ctx, owner)
	case owner != n.cfg.Self:
		return nil, rpc.ErrNotRecipient
	case c.Proven:
		if err := n.cfg.Peers.Asked(ctx, c.Identity); err != nil {
			return nil, err
		}
	}
	return n.cfg.Profile.Present(ctx, n.cfg.Now())
}

// ResolveUser is not offered: a node has no accounts.
func (n *Node) ResolveUser(context.Context, rpc.Caller, string) (rpc.Identity, bool, error) {
	return rpc.Identity{}, false, rpc.ErrNotOffered
}

// ResolveIdentity returns this node's own name.
func (n *Node) ResolveIdentity(_ context.Context, _ rpc.Caller, id rpc.Identity) (string, error) {
	if id != n.cfg.Self {
		return "", nil
	}
	return n.cfg.Profile.Name(), nil
}
