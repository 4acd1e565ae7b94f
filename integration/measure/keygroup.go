package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/localapi"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

const (
	// keyNodes are the real nodes of a group whose other members are keys alone.
	keyNodes = 16
	// keyDials is how many of those are made at a time.
	keyDials = 4
)

// keyGroup measures a group of real nodes and n members that have uploaded keys to a
// relay and were not seen again: what such a group costs its nodes.
func (m *measurement) keyGroup(ctx context.Context, n int) error {
	relay, err := m.begin(ctx, "relay", "relay", "run", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1")
	if err != nil {
		return err
	}
	defer relay.end()
	before := heap()
	c, err := newCrowd(ctx, m.dir, keyNodes, relay.ready.URL)
	defer c.end()
	if err != nil {
		return err
	}
	names, err := c.acquaint(ctx, relay.ready.URL, n)
	if err != nil {
		return err
	}
	for i := range keyNodes - 1 {
		names = append(names, fmt.Sprintf("member %d", i+1))
	}
	what := fmt.Sprintf("group of %d nodes and %d keys", keyNodes, n)
	began := time.Now()
	made, err := c.nodes[0].CreateGroup(ctx, "crowd", names)
	if err == nil {
		err = c.until(ctx, made.ID, "crowd")
	}
	if err != nil {
		return err
	}
	m.row(what+": invited until all nodes are in", show(time.Since(began)), "–", "–")
	for _, which := range []string{"first", "later"} {
		if err := m.keySends(ctx, c, made.ID, what, which); err != nil {
			return err
		}
	}
	began = time.Now()
	if _, err := c.nodes[0].ChangeGroup(ctx, localapi.GroupChange{Group: made.ID, Action: localapi.GroupRename, Name: "throng"}); err != nil {
		return err
	}
	if err := c.until(ctx, made.ID, "throng"); err != nil {
		return err
	}
	m.row(what+": changed until all nodes have it", show(time.Since(began)), "–", "–")
	m.row(what+": memory in use, each node", mib(int64(max(heap(), before)-before)/keyNodes), "–", "–")
	return nil
}

// keySends times a message until somebody keeps it for each member, and until all other
// nodes show it.
func (m *measurement) keySends(ctx context.Context, c *crowd, id, what, which string) error {
	began := time.Now()
	d, err := c.nodes[0].Send(ctx, id, which)
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	if d, err = c.nodes[0].Await(wait, d.ID, localapi.Stored); err == nil && !d.State.Reaches(localapi.Stored) {
		err = fmt.Errorf("message is %s (%s)", d.State, d.Why)
	}
	if err != nil {
		return err
	}
	m.row(fmt.Sprintf("%s: %s message kept for all", what, which), show(time.Since(began)), "–", "–")
	for i := 1; i < len(c.nodes); {
		shown := false
		err := c.nodes[i].History(wait, id, 1, "", func(line localapi.Message) error {
			shown = line.ID == d.ID
			return nil
		})
		if err != nil {
			return err
		}
		if shown {
			i++
			continue
		}
		time.Sleep(5 * time.Millisecond)
	}
	m.row(fmt.Sprintf("%s: %s message shown by all nodes", what, which), show(time.Since(began)), "–", "–")
	return nil
}

// acquaint makes people who are nothing but keys at a relay, contacts of the first node,
// and returns what they are called.
func (c *crowd) acquaint(ctx context.Context, url string, n int) ([]string, error) {
	at, err := transport.ParseRelayURL(url)
	if err != nil {
		return nil, err
	}
	links, names := make([]string, n), make([]string, n)
	var makers errgroup.Group
	makers.SetLimit(keyDials)
	for i := range n {
		names[i] = fmt.Sprintf("key %d", i)
		makers.Go(func() (err error) {
			links[i], err = newKeys(ctx, at, names[i])
			return err
		})
	}
	if err := makers.Wait(); err != nil {
		return nil, err
	}
	for _, link := range links {
		if _, err := c.nodes[0].AddContact(ctx, link, ""); err != nil {
			return nil, err
		}
	}
	c.more = n
	return names, nil
}

// newKeys makes somebody, leaves their keys at a relay, and returns their link.
func newKeys(ctx context.Context, at transport.RelayURL, name string) (link string, err error) {
	id, err := identity.Generate()
	if err != nil {
		return "", err
	}
	host, err := transport.New(transport.Config{PrivateKey: id.HostKey(), Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}})
	if err != nil {
		return "", err
	}
	defer host.Close()
	host.Learn(at.Key, transport.SourceUser, at.Addrs())
	s, err := host.Open(ctx, at.Key)
	if err != nil {
		return "", err
	}
	conn := rpc.NewConn(s, rpc.ConnConfig{})
	defer conn.Close()
	if err := upload(ctx, conn.Client(), id); err != nil {
		return "", err
	}
	who := transport.Key(id.ID())
	card := contact.Card{Identity: id.ID(), Name: name, HostKeys: []transport.Key{who}, Relays: []transport.RelayURL{at}, Issued: time.Now()}
	return card.Link(id.Sign)
}

// upload leaves a hybrid key and a key package of somebody at a relay.
func upload(ctx context.Context, c *rpc.Client, id *identity.Identity) error {
	now, who := time.Now(), id.ID()
	hybrid, err := seal.NewHybridKey(now, id.Sign)
	if err != nil {
		return err
	}
	kp, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite: keys.Suite, Signer: id.MLS(), Identity: who[:], Capabilities: keys.Capabilities(),
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	})
	if err != nil {
		return err
	}
	if err := c.UploadHybridKey(ctx, who, hybrid.Blob()); err != nil {
		return err
	}
	_, err = c.UploadKeyPackage(ctx, who, kp.Bytes())
	return err
}
