package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"quicnprotochat/node/localapi"
)

// lanGoal is the goal for a machine on the LAN to be listed after its start, and again
// for the first message to it.
const lanGoal = time.Second

// segment is a LAN of two machines, which are network namespaces of ours.
type segment [2]string

// newSegment makes one. It takes root, and the command ip.
func newSegment(ctx context.Context) (s segment, err error) {
	for i := range s {
		s[i] = fmt.Sprintf("qpc-measure-%d-%d", os.Getpid(), i)
	}
	steps := []string{
		"netns add " + s[0], "netns add " + s[1],
		fmt.Sprintf("-n %s link add eth0 type veth peer name eth0 netns %s", s[0], s[1]),
	}
	for i, ns := range s {
		steps = append(steps, fmt.Sprintf("-n %s addr add 192.168.77.%d/24 dev eth0", ns, i+1),
			fmt.Sprintf("-n %s link set lo up", ns), fmt.Sprintf("-n %s link set eth0 up", ns))
	}
	for _, step := range steps {
		if out, err := exec.CommandContext(ctx, "ip", strings.Fields(step)...).CombinedOutput(); err != nil {
			s.end()
			return s, fmt.Errorf("ip %s: %w: %s", step, err, out)
		}
	}
	return s, nil
}

func (s segment) end() {
	for _, ns := range s {
		_ = exec.Command("ip", "netns", "del", ns).Run()
	}
}

// node starts a node on one of the two machines.
func (s segment) node(ctx context.Context, m *measurement, i int, home string) (*process, error) {
	return m.beginIn(ctx, []string{"ip", "netns", "exec", s[i]}, home, "up", "--name", home)
}

// lan times two machines on one segment, with no relay: from the ready line of the second
// until it is listed by the first, and from the first text to somebody found there
// until their node has it.
func (m *measurement) lan(ctx context.Context) error {
	const rounds = 5
	s, err := newSegment(ctx)
	if err != nil {
		m.row("LAN: needs root and the command ip", "–", "–", "–")
		fmt.Fprintln(os.Stderr, "measure: LAN left out:", err)
		return nil
	}
	defer s.end()
	var listed, first []time.Duration
	for n := range rounds {
		l, f, err := m.lanRound(ctx, s, n)
		if err != nil {
			return fmt.Errorf("LAN: %w", err)
		}
		listed, first = append(listed, l), append(first, f)
	}
	m.against(fmt.Sprintf("LAN, no relay: ready to listed by another machine, slowest of %d", rounds), quantile(listed, 1), "goal", lanGoal)
	m.against(fmt.Sprintf("LAN, no relay: first message to who is listed, typed to receipt back, slowest of %d", rounds), quantile(first, 1), "goal", lanGoal)
	return nil
}

func (m *measurement) lanRound(ctx context.Context, s segment, n int) (listed, first time.Duration, err error) {
	a, err := s.node(ctx, m, 0, fmt.Sprint("lana", n))
	if err != nil {
		return 0, 0, err
	}
	defer a.end()
	b, err := s.node(ctx, m, 1, fmt.Sprint("lanb", n))
	if err != nil {
		return 0, 0, err
	}
	defer b.end()
	api, began := a.api(), time.Now()
	for there := false; !there; {
		near, err := api.Nearby(ctx)
		if err != nil {
			return 0, 0, err
		}
		for _, other := range near {
			there = there || other.Identity == b.ready.Identity
		}
		if listed = time.Since(began); listed > time.Minute {
			return 0, 0, fmt.Errorf("not listed after %v", listed)
		}
		time.Sleep(2 * time.Millisecond)
	}
	invite, err := b.api().Invite(ctx)
	if err != nil {
		return 0, 0, err
	}
	c, err := api.AddContact(ctx, invite.Link, "")
	if err != nil {
		return 0, 0, err
	}
	first, err = timeSend(ctx, api, c.Name, localapi.Delivered)
	return listed, first, err
}
