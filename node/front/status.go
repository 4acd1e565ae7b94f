package front

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/front/network"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/localapi"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
)

// Status implements localapi.Self.
func (f *Front) Status(ctx context.Context) (localapi.Status, error) {
	s := localapi.Status{
		Identity: text(f.self), Name: f.cfg.Profile.Name(), Addrs: network.Addrs(f.cfg.Host), LAN: f.cfg.LAN != "off", LANMode: f.cfg.LAN, Online: f.Online(),
		Relays: []localapi.Relay{}, Peers: []localapi.Peer{},
	}
	err := f.cfg.Store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Relays()
		if err != nil {
			return err
		}
		for _, r := range f.cfg.Deliverer.HomeRelays() {
			sealed := slices.ContainsFunc(rows, func(row store.Relay) bool { return row.Key == r.URL.Key && row.Sealed })
			s.Relays = append(s.Relays, localapi.Relay{URL: r.URL.String(), Reached: r.Reached, Error: r.Error, Sealed: sealed})
		}
		contacts, err := tx.Contacts()
		if err != nil {
			return err
		}
		for _, c := range contacts {
			p, err := f.showPeer(tx, c)
			if err != nil {
				return err
			}
			s.Peers = append(s.Peers, p)
		}
		if s.OlderCopy, err = olderCopy(tx); err != nil {
			return err
		}
		s.Queue, err = f.queue(tx)
		return err
	})
	return s, err
}

// MetaOlderCopy is the row of meta that says when the home was found to be an older
// copy, in milliseconds.
const MetaOlderCopy = "older_copy"

func olderCopy(tx *store.Tx) (*localapi.Time, error) {
	b, err := tx.Meta(MetaOlderCopy)
	if err != nil || b == nil {
		return nil, err
	}
	ms, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("older copy: %w", store.ErrDamaged)
	}
	return &localapi.Time{Time: time.UnixMilli(ms).UTC()}, nil
}

func (f *Front) showPeer(tx *store.Tx, c store.Contact) (localapi.Peer, error) {
	p := localapi.Peer{Identity: text(c.Identity), Name: c.Name, Path: localapi.PathNone, Tried: []localapi.Tried{}}
	state := f.cfg.Host.Peer(transport.Key(c.Identity))
	p.Connected = state.Connected
	if state.Connected {
		p.Path = localapi.Path(state.Path)
	}
	for _, a := range state.Tried {
		p.Tried = append(p.Tried, localapi.Tried{Addr: a.Addr.String(), Error: a.Err, Time: localapi.Time{Time: a.At}})
	}
	talk, err := tx.ConversationOf(c.Identity)
	if store.IsNotFound(err) || err == nil && len(talk.Group) == 0 {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	g, err := tx.Group(talk.Group)
	p.Suite, p.PostQuantum = mls.Suite(g.Suite).String(), mls.Suite(g.Suite) == keys.Suite
	return p, err
}

// queue counts what waits. A message that waits for its conversation to start
// has no row in the outbox yet, and counts as well.
func (f *Front) queue(tx *store.Tx) (q localapi.Queue, err error) {
	if q.Inbox, q.Unreadable, _, err = tx.CountIncoming(); err != nil {
		return q, err
	}
	if q.Outbox, err = tx.CountOutgoing(); err != nil {
		return q, err
	}
	conversations, err := tx.Conversations()
	for _, c := range conversations {
		if len(c.Group) > 0 {
			continue
		}
		waiting, err := tx.CountUnreceipted(c.ID, f.self)
		if err != nil {
			return q, err
		}
		q.Outbox += waiting
	}
	return q, err
}
