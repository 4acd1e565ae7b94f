package integration

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// lie is what a rogue relay does to those who trust it.
type lie string

const (
	lieNot       lie = "not"       // it does what it should
	lieForget    lie = "forget"    // acknowledges deposits and forgets them
	lieWithhold  lie = "withhold"  // keeps some mail back
	lieReplay    lie = "replay"    // serves what was acknowledged once more
	lieReverse   lie = "reverse"   // serves the newest first
	lieSwap      lie = "swap"      // serves the mail of somebody else
	lieGarbage   lie = "garbage"   // serves what nobody deposited
	lieBackwards lie = "backwards" // counts backwards
	lieStale     lie = "stale"     // hands out one key package again and again
	lieKeys      lie = "keys"      // hands out keys and endpoints of somebody else
	lieMute      lie = "mute"      // never answers
)

var lies = []lie{lieNot, lieForget, lieWithhold, lieReplay, lieReverse, lieSwap, lieGarbage, lieBackwards, lieStale, lieKeys, lieMute}

// rogue is a relay that lies. All it has is in memory.
type rogue struct {
	host *transport.Host
	url  string

	// mu guards the fields below.
	mu        sync.Mutex
	tells     lie
	rng       *rand.Rand
	seq       uint64
	mail, old map[rpc.Identity][]rpc.Envelope
	packages  map[rpc.Identity][][]byte
	hybrids   map[rpc.Identity][]byte
	endpoints map[rpc.Identity][]byte
	last      rpc.Identity // who came last
}

// newRogue starts a rogue relay, which lies when it is told to.
func newRogue(w *world, ip string, seed uint64) *rogue {
	r := &rogue{
		rng: rand.New(rand.NewPCG(seed, 13)), tells: lieNot,
		mail: make(map[rpc.Identity][]rpc.Envelope), old: make(map[rpc.Identity][]rpc.Envelope),
		packages: make(map[rpc.Identity][][]byte), hybrids: make(map[rpc.Identity][]byte), endpoints: make(map[rpc.Identity][]byte),
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.host, err = transport.New(transport.Config{
		PrivateKey: key, Listen: []transport.Addr{transport.Addr("/ip4/" + ip + "/udp/7000/quic-v1")}, Options: []transport.Option{w.net.Option()},
		OnStream: func(s *transport.Stream) {
			c := rpc.NewConn(s, rpc.ConnConfig{
				Service: &rpc.Service{Depositor: r, Inbox: r, Keys: r, Endpoints: r},
				Peer:    rpc.Peer{Identity: rpc.Identity(s.Key()), Proven: true},
			})
			<-c.Done()
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.stop = append(w.stop, func() { r.host.Close() })
	u, err := transport.NewRelayURL(r.host.Key(), ip, 7000)
	if err != nil {
		w.t.Fatal(err)
	}
	r.url = u.String()
	return r
}

// tell begins with another lie.
func (r *rogue) tell(l lie) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tells = l
}

// listen notes who calls and returns the present lie; one who is mute ends with the
// call.
func (r *rogue) listen(ctx context.Context, c rpc.Caller) lie {
	r.mu.Lock()
	r.last = c.Identity
	l := r.tells
	r.mu.Unlock()
	if l == lieMute {
		<-ctx.Done()
	}
	return l
}

// Enqueue implements rpc.Depositor.
func (r *rogue) Enqueue(ctx context.Context, c rpc.Caller, to rpc.Identity, _ rpc.Channel, payload []byte) (uint64, error) {
	l := r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	if l != lieForget && len(r.mail[to]) < 1000 {
		r.mail[to] = append(r.mail[to], rpc.Envelope{Seq: r.seq, Data: bytes.Clone(payload)})
	}
	return r.seq, ctx.Err()
}

// BatchEnqueue implements rpc.Depositor.
func (r *rogue) BatchEnqueue(ctx context.Context, c rpc.Caller, to []rpc.Identity, ch rpc.Channel, payload []byte) (seqs []uint64, err error) {
	for _, id := range to {
		seq, err := r.Enqueue(ctx, c, id, ch, payload)
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, seq)
	}
	return seqs, nil
}

// Fetch implements rpc.Inbox.
func (r *rogue) Fetch(context.Context, rpc.Caller, rpc.Identity, rpc.Channel, uint32, time.Duration) ([]rpc.Envelope, error) {
	return nil, nil
}

// Peek implements rpc.Inbox.
func (r *rogue) Peek(ctx context.Context, c rpc.Caller, owner rpc.Identity, _ rpc.Channel, after uint64, _ uint32, wait time.Duration) ([]rpc.Envelope, error) {
	for end := time.Now().Add(wait); ; {
		if list := r.serve(r.listen(ctx, c), owner, after); len(list) > 0 || !time.Now().Before(end) {
			return list, ctx.Err()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// serve is the mail of somebody as the relay tells it.
func (r *rogue) serve(l lie, owner rpc.Identity, after uint64) (list []rpc.Envelope) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.mail[owner] {
		if e.Seq > after && (l != lieWithhold || e.Seq%3 != 0) {
			list = append(list, e)
		}
	}
	more := func(data []byte) {
		r.seq++
		list = append(list, rpc.Envelope{Seq: r.seq, Data: data})
	}
	switch l {
	case lieReplay:
		if old := r.old[owner]; len(old) > 0 && r.rng.IntN(4) == 0 {
			more(old[r.rng.IntN(len(old))].Data)
		}
	case lieReverse:
		slices.Reverse(list)
		for i := range list { // with numbers that grow
			r.seq++
			list[i].Seq = r.seq
		}
	case lieSwap:
		if other := r.mail[r.last]; r.last != owner && len(other) > 0 {
			more(other[0].Data)
		}
	case lieGarbage:
		if r.rng.IntN(4) == 0 {
			junk := make([]byte, r.rng.IntN(3000))
			for i := range junk {
				junk[i] = byte(r.rng.Uint32())
			}
			if len(junk) > 0 {
				junk[0] = byte(r.rng.IntN(5))
			}
			more(junk)
		}
	case lieBackwards:
		for i := range list {
			list[i].Seq = after - min(after, uint64(i))
		}
	}
	return list
}

// Ack implements rpc.Inbox.
func (r *rogue) Ack(ctx context.Context, c rpc.Caller, owner rpc.Identity, _ rpc.Channel, upTo uint64) error {
	l := r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if l == lieBackwards {
		return errors.New("\x1b[31mno")
	}
	r.mail[owner] = slices.DeleteFunc(r.mail[owner], func(e rpc.Envelope) bool {
		if e.Seq <= upTo && len(r.old[owner]) < 1000 {
			r.old[owner] = append(r.old[owner], e)
		}
		return e.Seq <= upTo && (l != lieWithhold || e.Seq%3 != 0)
	})
	return ctx.Err()
}

// whom is whose keys are handed out when somebody's are asked for.
func (r *rogue) whom(l lie, owner rpc.Identity) rpc.Identity {
	if l == lieKeys {
		return r.last
	}
	return owner
}

// UploadKeyPackage implements rpc.KeyDirectory.
func (r *rogue) UploadKeyPackage(ctx context.Context, c rpc.Caller, owner rpc.Identity, p []byte) ([32]byte, error) {
	r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.packages[owner]) < 100 {
		r.packages[owner] = append(r.packages[owner], bytes.Clone(p))
	}
	return [32]byte{}, ctx.Err()
}

// FetchKeyPackage implements rpc.KeyDirectory.
func (r *rogue) FetchKeyPackage(ctx context.Context, c rpc.Caller, owner rpc.Identity) ([]byte, error) {
	l := r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	owner = r.whom(l, owner)
	all := r.packages[owner]
	if len(all) == 0 {
		return nil, ctx.Err()
	}
	if l != lieStale {
		r.packages[owner] = all[1:]
	}
	return all[0], ctx.Err()
}

// UploadHybridKey implements rpc.KeyDirectory.
func (r *rogue) UploadHybridKey(ctx context.Context, c rpc.Caller, owner rpc.Identity, blob []byte) error {
	r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hybrids[owner] = bytes.Clone(blob)
	return ctx.Err()
}

// FetchHybridKeys implements rpc.KeyDirectory.
func (r *rogue) FetchHybridKeys(ctx context.Context, c rpc.Caller, owners []rpc.Identity) (blobs [][]byte, err error) {
	l := r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, owner := range owners {
		blobs = append(blobs, r.hybrids[r.whom(l, owner)])
	}
	return blobs, ctx.Err()
}

// PublishEndpoint implements rpc.Endpoints.
func (r *rogue) PublishEndpoint(ctx context.Context, c rpc.Caller, owner rpc.Identity, record []byte) error {
	l := r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if l != lieStale {
		r.endpoints[owner] = bytes.Clone(record)
	}
	return ctx.Err()
}

// ResolveEndpoint implements rpc.Endpoints.
func (r *rogue) ResolveEndpoint(ctx context.Context, c rpc.Caller, owner rpc.Identity) ([]byte, error) {
	l := r.listen(ctx, c)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.endpoints[r.whom(l, owner)], ctx.Err()
}
