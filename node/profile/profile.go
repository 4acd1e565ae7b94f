package profile

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc/pass"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

const (
	// HelloLifetime is how long the hello pass of a link is good.
	HelloLifetime = 30 * 24 * time.Hour
	// EndpointLifetime is how long a published endpoint is good. Half of the
	// 24 hours that readers allow leaves room for clocks that are off.
	EndpointLifetime = 12 * time.Hour

	metaName       = "name"
	metaAddressKey = "address_key"
	metaGeneration = "pass_generation"
	metaEndpoint   = "endpoint_seq"
)

// Addresses tells where this node can be dialled now.
type Addresses interface {
	// Addrs are all addresses, LocalAddrs those of the machine itself, without what
	// it looks like from outside.
	Addrs() []transport.Addr
	LocalAddrs() []transport.Addr
}

// Config says whose profile it is.
type Config struct {
	Store    *store.Store
	Identity *identity.Identity
	// Name is taken when the store has none yet. Empty means the end of the
	// identity, for a card needs a name.
	Name string
}

// Profile makes this node's card, link, passes and endpoint.
type Profile struct {
	cfg   Config
	addrs Addresses
	name  string

	// mu guards the fields below, and is not held while the store works.
	mu        sync.Mutex
	sequences sequences
	cancelled uint32 // the highest generation of passes in an endpoint of ours that somebody keeps

	// making has a token while somebody uses the fields below, the endpoint made
	// last. A channel and not a mutex: it is held while the store writes.
	making chan struct{}
	record []byte
	made   time.Time
	listed []transport.Addr
}

// New reads the profile from the store and makes what is missing.
func New(ctx context.Context, cfg Config) (*Profile, error) {
	p := &Profile{cfg: cfg, making: make(chan struct{}, 1)}
	err := cfg.Store.Update(ctx, func(tx *store.Tx) error {
		name, err := orMake(tx, metaName, func() ([]byte, error) { return []byte(firstName(cfg)), nil })
		if err != nil {
			return err
		}
		p.name = string(name)
		if _, err = orMake(tx, metaAddressKey, newAddressKey); err != nil {
			return err
		}
		_, err = orMake(tx, metaGeneration, func() ([]byte, error) { return binary.BigEndian.AppendUint32(nil, 1), nil })
		if err != nil {
			return err
		}
		if _, err = readLeave(tx); err != nil {
			return err
		}
		return p.sequences.read(tx, cfg.Store.Now())
	})
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	return p, nil
}

// AddressKey returns what seals our addresses for contacts now.
func (p *Profile) AddressKey(ctx context.Context) (key [32]byte, err error) {
	err = p.cfg.Store.View(ctx, func(tx *store.Tx) error {
		l, err := readLeave(tx)
		key = l.addressKey
		return err
	})
	return key, err
}

func firstName(cfg Config) string {
	id := transport.Key(cfg.Identity.ID()).String()
	return cmp.Or(contact.CleanName(cfg.Name), "qpc-"+id[len(id)-6:])
}

// orMake returns a row of meta, made if it is absent.
func orMake(tx *store.Tx, key string, mk func() ([]byte, error)) ([]byte, error) {
	v, err := tx.Meta(key)
	if err != nil || v != nil {
		return v, err
	}
	if v, err = mk(); err != nil {
		return nil, err
	}
	return v, tx.SetMeta(key, v)
}

// Attach tells the profile where its addresses come from. Call it once, before
// Card, Link and Endpoint.
func (p *Profile) Attach(a Addresses) { p.addrs = a }

// Name returns what this person is called.
func (p *Profile) Name() string { return p.name }

// Card returns this node's signed card. Only a card for a link has the hello
// pass: it is what lets a stranger introduce itself.
func (p *Profile) Card(tx *store.Tx, hello bool, now time.Time) ([]byte, error) {
	c, err := p.card(tx, hello, now)
	if err != nil {
		return nil, err
	}
	return c.Encode(p.cfg.Identity.Sign)
}

// Link returns this node's contact link and when its hello pass ends.
func (p *Profile) Link(ctx context.Context, now time.Time) (link string, expires time.Time, err error) {
	err = p.cfg.Store.View(ctx, func(tx *store.Tx) error {
		c, err := p.card(tx, true, now)
		if err != nil {
			return err
		}
		link, err = c.Link(p.cfg.Identity.Sign)
		expires = c.Hello.Expiry
		return err
	})
	return link, expires, err
}

func (p *Profile) card(tx *store.Tx, hello bool, now time.Time) (contact.Card, error) {
	relays, sealed, err := homeRelays(tx)
	if err != nil {
		return contact.Card{}, err
	}
	id := p.cfg.Identity.ID()
	l, err := readLeave(tx)
	if err != nil {
		return contact.Card{}, err
	}
	c := contact.Card{
		Identity:   id,
		Name:       p.name,
		HostKeys:   []transport.Key{transport.Key(id)},
		Relays:     relays,
		Sealed:     sealed,
		Addrs:      p.inCard(relays),
		AddressKey: l.addressKey,
		Issued:     now,
	}
	if hello {
		c.Hello = pass.Pass{
			Recipient:  id,
			Relay:      transport.Key(id),
			Kind:       pass.Hello,
			Generation: l.generation,
			Expiry:     now.Add(HelloLifetime).Truncate(time.Second),
		}
	}
	return c, nil
}

// Present returns the endpoint of now: the one made last, if it is still true.
func (p *Profile) Present(ctx context.Context, now time.Time) (record []byte, err error) {
	addrs := p.present()
	select {
	case p.making <- struct{}{}:
		defer func() { <-p.making }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	age := now.Sub(p.made)
	if p.record != nil && age >= 0 && age < EndpointLifetime/4 && slices.Equal(addrs, p.listed) {
		return p.record, nil
	}
	if record, err = p.Endpoint(ctx, true, now); err == nil {
		p.record, p.made, p.listed = record, now, addrs
	}
	return record, err
}

// Endpoint makes a signed endpoint record with a fresh sequence number. Without
// online it has no addresses: that is what a node leaves behind when it stops.
func (p *Profile) Endpoint(ctx context.Context, online bool, now time.Time) (record []byte, err error) {
	err = p.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		seq, err := p.nextSeq(tx, now)
		if err != nil {
			return err
		}
		relays, _, err := homeRelays(tx)
		if err != nil {
			return err
		}
		var addrs []transport.Addr
		if online {
			addrs = p.present()
		}
		l, err := readLeave(tx)
		if err != nil {
			return err
		}
		e := endpoint.Record{
			Identity:   transport.Key(p.cfg.Identity.ID()),
			Seq:        seq,
			Expiry:     now.Add(EndpointLifetime),
			Relays:     relays,
			Generation: l.generation,
		}
		record, err = e.Encode(addrs, l.addressKey, p.cfg.Identity.Sign)
		return err
	})
	return record, err
}

// nextSeq returns a sequence number above every earlier one.
func (p *Profile) nextSeq(tx *store.Tx, now time.Time) (uint64, error) {
	last, err := tx.Meta(metaEndpoint)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	highest := p.sequences.began - 1
	if len(last) == 8 {
		highest = max(highest, binary.BigEndian.Uint64(last))
	}
	seq := after(highest, now)
	p.sequences.add(seq)
	return seq, tx.SetMeta(metaEndpoint, binary.BigEndian.AppendUint64(nil, seq))
}

// homeRelays returns our home relays, and which of them take passes.
func homeRelays(tx *store.Tx) (urls []transport.RelayURL, sealed []transport.Key, err error) {
	rows, err := tx.Relays()
	for _, r := range rows[:min(len(rows), endpoint.MaxRelays)] {
		u, err := transport.ParseRelayURL(r.URL)
		if err != nil {
			return nil, nil, fmt.Errorf("home relay %q: %w", r.URL, err)
		}
		urls = append(urls, u)
		if r.Sealed {
			sealed = append(sealed, u.Key)
		}
	}
	return urls, sealed, err
}

func (p *Profile) present() []transport.Addr { return fewest(p.addrs.Addrs()) }

// inCard returns the addresses for a card. A link may end up anywhere, so it does
// not say where the router is seen in the internet while a relay can tell that to
// contacts, sealed in the endpoint.
func (p *Profile) inCard(relays []transport.RelayURL) []transport.Addr {
	if len(relays) == 0 {
		return p.present()
	}
	return fewest(p.addrs.LocalAddrs())
}

// fewest drops what a record has no room for.
func fewest(addrs []transport.Addr) []transport.Addr {
	return addrs[:min(len(addrs), endpoint.MaxAddrs)]
}
