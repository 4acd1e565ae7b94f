package integration

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quicnprotochat/node/localapi"
)

var natAll = flag.Bool("nat.all", false, "run all cells of TestNATGrid")

// natWant says which pairs of sites get a direct connection; the others go on
// with the mailbox. It was written before the grid ran for the first time. Why:
//
//   - who has a public address is dialled, or, when it is the one who calls, asks the
//     other over a circuit to dial it
//   - NATs that keep the port are punched, a carrier's before that of a home too
//   - of a NAT with another port for each destination nobody knows the port that a
//     peer would have to send to: it needs a peer that takes packets from anybody
//   - without UDP there is TCP to the relay, and nodes do not listen on TCP
//   - IPv6 alone finds only those that have IPv6 too
var natWant = map[[2]site]bool{
	{siteNone, siteNone}: true, {siteNone, sitePort}: true, {siteNone, siteSym}: true, {siteNone, siteCone}: true,
	{siteNone, siteCGNAT}: true, {siteNone, siteNoUDP}: false, {siteNone, siteIP6}: true,
	{sitePort, sitePort}: true, {sitePort, siteSym}: false, {sitePort, siteCone}: true,
	{sitePort, siteCGNAT}: true, {sitePort, siteNoUDP}: false, {sitePort, siteIP6}: false,
	{siteSym, siteSym}: false, {siteSym, siteCone}: true, {siteSym, siteCGNAT}: false,
	{siteSym, siteNoUDP}: false, {siteSym, siteIP6}: false,
	{siteCone, siteCone}: true, {siteCone, siteCGNAT}: true, {siteCone, siteNoUDP}: false, {siteCone, siteIP6}: false,
	{siteCGNAT, siteCGNAT}: true, {siteCGNAT, siteNoUDP}: false, {siteCGNAT, siteIP6}: false,
	{siteNoUDP, siteNoUDP}: false, {siteNoUDP, siteIP6}: false,
	{siteIP6, siteIP6}:   true,
	{sitePort, siteSame}: true,
}

// natFew are the cells that always run: one for each reason above.
var natFew = [][2]site{
	{siteNone, siteSym}, {sitePort, sitePort}, {sitePort, siteSym}, {sitePort, siteNoUDP}, {siteIP6, siteIP6}, {sitePort, siteSame},
}

// natRow is what one cell showed.
type natRow struct {
	pair    [2]site
	first   time.Duration // from send to the receipt of the first message
	path    localapi.Path // of a later message
	connect time.Duration // from send to the direct connection; 0 if there is none
}

// slowest is what the first message may take on an idle machine: less than the 5 s
// of a dial that nobody answers.
const slowest = 4 * time.Second

// TestNATGrid: two real nodes at each pair of sites. The first message, to somebody
// just added, is there soon, whether there is a direct way or not; and a direct
// connection comes about where natWant says so.
//
// Soon is a second, which TestDirectPathComesAndGoes wants in virtual time. Here the
// time is printed, and what fails is a step that waits for a time-out: more than
// slowest, or a hundred times what a command takes that only asks the node for its
// status, before or after, which is about 25 ms on an idle machine.
func TestNATGrid(t *testing.T) {
	cells := natFew
	if *natAll {
		cells = nil
		for i, a := range sites {
			for _, b := range sites[i:] {
				cells = append(cells, [2]site{a, b})
			}
		}
		cells = append(cells, [2]site{sitePort, siteSame})
	}
	l := newNATLab(t)
	var rows []natRow
	for _, pair := range cells {
		t.Run(string(pair[0])+"+"+string(pair[1]), func(t *testing.T) {
			cell := *l
			cell.lab = &lab{t: t, prefix: l.prefix}
			defer func() { l.ends = cell.ends }()
			rows = append(rows, cell.pair(pair))
		})
	}
	var table strings.Builder
	for _, r := range rows {
		direct := "-"
		if r.connect > 0 {
			direct = fmt.Sprint(r.connect.Round(time.Millisecond))
		}
		fmt.Fprintf(&table, "\n%-16s %-16s %-8s first message after %6v, direct connection after %s",
			r.pair[0], r.pair[1], r.path, r.first.Round(time.Millisecond), direct)
	}
	t.Log(table.String())
}

// pair runs one cell.
func (l *natLab) pair(pair [2]site) natRow {
	t := l.t
	t.Helper()
	want, known := natWant[pair]
	if !known {
		t.Fatalf("nothing is expected of %v", pair)
	}
	l.settle("a", pair[0], 21)
	if pair[1] == siteSame {
		l.machine("b")
		l.home("b", "ar", 21, 3)
	} else {
		l.settle("b", pair[1], 22)
	}
	alice, bob := l.node("a", "alice", pair[0]), l.node("b", "bob", pair[1])
	l.online(alice, bob)
	return l.meet(alice, bob, pair, want)
}

// online starts nodes and waits until they reach the relay.
func (l *natLab) online(nodes ...*process) {
	l.t.Helper()
	for _, p := range nodes {
		if err := p.start(); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, p := range nodes {
		l.reaches(p)
	}
}

// reaches waits until a node reaches the relay.
func (l *natLab) reaches(p *process) {
	l.t.Helper()
	eventually(l.t, p.name+" reaches the relay", func() bool {
		s := p.status(l.t)
		return len(s.Relays) == 1 && s.Relays[0].Reached
	})
}

// meet lets alice, to whom bob is new, write to him, and wants a direct connection
// or not.
func (l *natLab) meet(alice, bob *process, pair [2]site, want bool) natRow {
	t := l.t
	t.Helper()
	link, err := bob.invite()
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.add(link); err != nil {
		t.Fatal(err)
	}
	row := natRow{pair: pair}
	pace := alice.pace(t)
	began := time.Now()
	d, err := alice.send("bob", "first", "--wait", "delivered", "--timeout", "2m")
	row.first = time.Since(began)
	if err != nil {
		t.Fatalf("first message: %v: %+v", err, d)
	}
	alice.soon(t, "first message: "+d.Why, row.first, pace)
	var tried string
	eventually(t, "the direct way opens or is given up", func() bool {
		s := alice.status(t)
		if len(s.Peers) != 1 {
			return false
		}
		if s.Peers[0].Connected {
			row.connect = time.Since(began)
			return true
		}
		tried = fmt.Sprint(s.Peers[0].Tried)
		return strings.Contains(tried, "p2p-circuit")
	})
	if direct := row.connect > 0; direct != want {
		t.Errorf("direct connection: got %v, want %v: tried %s", direct, want, tried)
	}
	l.talk(alice, bob, &row)
	return row
}

// node prepares one at a site.
func (l *natLab) node(machine, name string, s site) *process {
	l.t.Helper()
	args := []string{"up", "--name", name, "--lan", "off", "--relay", l.relayURL(s), "--log", "debug"}
	if s == siteCone {
		args = append(args, "--listen", "/ip4/0.0.0.0/udp/"+conePort+"/quic-v1")
	}
	return notStarted(l.t, l.exec(machine), name, args...)
}

// talk sends a message each way and wants them to take the way that is there, and
// each text to be shown once.
func (l *natLab) talk(alice, bob *process, row *natRow) {
	t := l.t
	t.Helper()
	for _, m := range []struct {
		from, to *process
		text     string
	}{{alice, bob, "second"}, {bob, alice, "third"}} {
		d, err := m.from.send(m.to.name, m.text, "--wait", "delivered", "--timeout", "2m")
		if err != nil {
			t.Fatalf("%s message: %v: %+v", m.text, err, d)
		}
		row.path = d.Path
		if direct := d.Path != localapi.PathMailbox; direct != (row.connect > 0) {
			t.Errorf("the %s message took the path %s (%s), and a direct connection is %v", m.text, d.Path, d.Why, row.connect > 0)
		}
	}
	for _, p := range []*process{alice, bob} {
		with := map[string]string{"alice": "bob", "bob": "alice"}[p.name]
		all, err := p.history(with)
		var texts []string
		for _, m := range all {
			texts = append(texts, m.Text)
		}
		if err != nil || !slices.Equal(texts, []string{"first", "second", "third"}) {
			t.Errorf("%s shows %q, %v, want each message once and in order", p.name, texts, err)
		}
	}
}

// soon wants something to have waited for no time-out; pace is that from before.
func (p *process) soon(t *testing.T, what string, took, pace time.Duration) {
	t.Helper()
	if bound := max(slowest, 100*max(pace, p.pace(t))); took > bound {
		t.Errorf("%s: took %v, want at most %v", what, took, bound)
	}
}

// pace is how long a command takes that does next to nothing, the median of three.
func (p *process) pace(t *testing.T) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 3 {
		began := time.Now()
		p.status(t)
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[1]
}
