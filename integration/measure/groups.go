package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"quicnprotochat/node"
	"quicnprotochat/node/localapi"
)

// groupSizes are the groups of real nodes that are measured.
var groupSizes = []int{2, 10, 100}

// groupTime bounds each step of a group.
const groupTime = 15 * time.Minute

// crowd is real nodes in this process, over loopback.
type crowd struct {
	nodes []*node.Node
	ends  []func()
	more  int // members that are no nodes
}

// newCrowd starts nodes with some home relays; the first has all others as contacts.
func newCrowd(ctx context.Context, dir string, n int, relays ...string) (*crowd, error) {
	c := &crowd{}
	for i := range n {
		ready := make(chan struct{})
		nd, err := node.New(ctx, node.Config{
			Dir: filepath.Join(dir, fmt.Sprintf("crowd-%d-%d", n, i)), Name: fmt.Sprintf("member %d", i), LAN: "off",
			Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, Relays: relays, Log: slog.New(slog.DiscardHandler),
			OnReady: func(node.Ready) { close(ready) },
		})
		if err != nil {
			return c, err
		}
		run, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = nd.Run(run)
		}()
		c.nodes, c.ends = append(c.nodes, nd), append(c.ends, func() { cancel(); <-done })
		<-ready
	}
	for _, other := range c.nodes[1:] {
		invite, err := other.Invite(ctx)
		if err == nil {
			_, err = c.nodes[0].AddContact(ctx, invite.Link, "")
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *crowd) end() {
	for _, end := range c.ends {
		end()
	}
}

// until waits until all see a group of that name and so many members in one epoch.
func (c *crowd) until(ctx context.Context, id, name string) error {
	ctx, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	for i := 0; ; {
		first, err := c.nodes[0].Group(ctx, id)
		if err != nil {
			return err
		}
		info, err := c.nodes[i].Group(ctx, id)
		if err == nil && info.Name == name && len(info.Members) == len(c.nodes)+c.more && info.Authenticator == first.Authenticator {
			if i++; i == len(c.nodes) {
				return nil
			}
			continue
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("member %d of %d does not come to the group's epoch: %w", i, len(c.nodes), ctx.Err())
		}
	}
}

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// groups measures groups of real nodes: from the wish to everybody's being in, a
// change until everybody has it, a message until everybody's receipt is back.
func (m *measurement) groups(ctx context.Context) error {
	for _, n := range groupSizes {
		if err := m.group(ctx, n); err != nil {
			return fmt.Errorf("group of %d: %w", n, err)
		}
	}
	return nil
}

func (m *measurement) group(ctx context.Context, n int) error {
	before := heap()
	c, err := newCrowd(ctx, m.dir, n)
	defer c.end()
	if err != nil {
		return err
	}
	var names []string
	for i := range n - 1 {
		names = append(names, fmt.Sprintf("member %d", i+1))
	}
	began := time.Now()
	made, err := c.nodes[0].CreateGroup(ctx, "friends", names)
	if err == nil {
		err = c.until(ctx, made.ID, "friends")
	}
	if err != nil {
		return err
	}
	m.row(fmt.Sprintf("group of %d: created until all are in", n), show(time.Since(began)), "–", "–")
	if err := m.groupSends(ctx, c, made.ID, "first"); err != nil {
		return err
	}
	began = time.Now()
	if _, err := c.nodes[0].ChangeGroup(ctx, localapi.GroupChange{Group: made.ID, Action: localapi.GroupRename, Name: "family"}); err != nil {
		return err
	}
	if err := c.until(ctx, made.ID, "family"); err != nil {
		return err
	}
	m.row(fmt.Sprintf("group of %d: changed until all have it", n), show(time.Since(began)), "–", "–")
	if err := m.groupSends(ctx, c, made.ID, "later"); err != nil {
		return err
	}
	m.row(fmt.Sprintf("group of %d: memory in use, each node", n), mib(int64(max(heap(), before)-before)/int64(n)), "–", "–")
	return nil
}

// groupSends times a message until all have it, and until all receipts are back.
func (m *measurement) groupSends(ctx context.Context, c *crowd, id, which string) error {
	began := time.Now()
	d, err := c.nodes[0].Send(ctx, id, "to all")
	if err != nil {
		return err
	}
	for _, want := range []localapi.State{localapi.Direct, localapi.Delivered} {
		wait, cancel := context.WithTimeout(ctx, groupTime)
		d, err = c.nodes[0].Await(wait, d.ID, want)
		cancel()
		if err == nil && !d.State.Reaches(want) {
			err = fmt.Errorf("message is %s (%s), want %s", d.State, d.Why, want)
		}
		if err != nil {
			return err
		}
		m.row(fmt.Sprintf("group of %d: %s message %s to all", len(c.nodes), which, want), show(time.Since(began)), "–", "–")
	}
	return nil
}
