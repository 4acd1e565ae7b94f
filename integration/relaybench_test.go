package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

var (
	relayRounds  = flag.Int("relay.rounds", 5, "rounds of BenchmarkRelay")
	relayProfile = flag.String("relay.profile", "", "a `folder` for profiles of the relay under 256 clients, and idle")
)

const (
	relayWindow  = 600 * time.Millisecond // of one figure in one round
	relayInboxes = 1000
	relayBatch   = 32
	idleClients  = 512
)

// relayClients are how many deposit at once.
var relayClients = []int{1, 16, 256}

// BenchmarkRelay puts durable deposits of 1 KiB to random inboxes beside what
// bounds them and beside NATS JetStream. Each server is a process of its own, on
// one disk; the figures of a round follow each other, so that the ratios hold on
// a machine that others use as well. The table of package relay is its output:
//
//	go test ./integration -run '^$' -bench BenchmarkRelay
func BenchmarkRelay(b *testing.B) {
	for b.Loop() {
		m := newRelayBench(b)
		m.idle()
		m.wakeUps()
		m.prepare()
		for range *relayRounds {
			m.round()
		}
		m.profile()
		m.report()
	}
}

// relayBench is one run. A series has one figure for each round.
type relayBench struct {
	*testing.B
	inboxes []rpc.Identity
	payload []byte
	relay   *child
	sync    *os.File
	loads   []load
	echo    io.ReadWriter
	names   []string // of series, in the order of the first round
	series  map[string][]float64
}

// load is one way to deposit. Each of its callers makes one call at a time.
type load struct {
	name    string
	weight  int // payloads that one call deposits
	clients []int
	server  int // the id of its process; that of this one if there is none
	callers []func() error
}

func newRelayBench(b *testing.B) *relayBench {
	b.Helper()
	m := &relayBench{B: b, series: make(map[string][]float64), payload: make([]byte, 1<<10)}
	for i := range m.payload {
		m.payload[i] = byte(rand.Uint32())
	}
	var err error
	m.inboxes, err = identities(relayInboxes)
	m.must(err)
	return m
}

func (m *relayBench) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *relayBench) note(name string, v float64) {
	if m.series[name] == nil {
		m.names = append(m.names, name)
	}
	m.series[name] = append(m.series[name], v)
}

// idle measures the memory of clients that have a stream and wait for mail.
func (m *relayBench) idle() {
	server := startChild(m, "relay", m.TempDir())
	before := server.tell(m, "memory").Resident
	ctx, cancel := context.WithCancel(m.Context())
	var waiting sync.WaitGroup
	clients := m.dialMany(idleClients, func() (*client, error) { return newClient(m.Context(), server.url) })
	for _, c := range clients {
		waiting.Go(func() { _, _ = c.Peek(ctx, c.id, rpc.Channel{}, 0, 0, rpc.MaxWait) })
	}
	time.Sleep(2 * time.Second)
	m.note("idle client, KiB", float64(server.tell(m, "memory").Resident-before)/idleClients/1024)
	if *relayProfile != "" {
		server.tell(m, "heap "+filepath.Join(*relayProfile, "idle.heap"))
	}
	cancel()
	waiting.Wait()
	for _, c := range clients {
		c.close()
	}
	server.end()
}

// dialMany connects n clients.
func (m *relayBench) dialMany(n int, dial func() (*client, error)) []*client {
	m.Helper()
	clients := make([]*client, n)
	var group errgroup.Group
	group.SetLimit(8)
	for i := range clients {
		group.Go(func() (err error) {
			for range 10 {
				if clients[i], err = dial(); err != nil {
					return err
				}
				// A server takes in few new connections at once, and closes the others.
				if _, err = clients[i].Health(m.Context()); !errors.Is(err, rpc.ErrDisconnected) {
					return nil
				}
				clients[i].close()
			}
			return err
		})
	}
	m.must(group.Wait())
	m.Cleanup(func() {
		for _, c := range clients {
			c.close()
		}
	})
	return clients
}

// prepare starts all servers and connects all clients.
func (m *relayBench) prepare() {
	var err error
	dir := m.TempDir()
	m.sync, err = os.Create(filepath.Join(dir, "sync"))
	m.must(err)
	m.Cleanup(func() { _ = m.sync.Close() })
	most := slices.Max(relayClients)
	m.relay = startChild(m, "relay", filepath.Join(dir, "relay"))
	nothing := startChild(m, "no store", "")
	token, err := plainSession(m.Context(), m.relay.url, "bench")
	m.must(err)
	all := m.dialMany(most, func() (*client, error) { return newClient(m.Context(), m.relay.url) })
	forgotten := m.dialMany(most, func() (*client, error) { return newClient(m.Context(), nothing.url) })
	plain := m.dialMany(most, func() (*client, error) { return dialPlain(m.Context(), m.relay.url, token) })
	m.loads = append(m.loads,
		load{"store alone", 1, relayClients, os.Getpid(), m.storeCallers(filepath.Join(dir, "store.db"), most)},
		load{"no store", 1, relayClients, nothing.pid, m.enqueuers(forgotten)},
		load{"relay", 1, relayClients, m.relay.pid, m.enqueuers(all)},
		load{"relay, plain QUIC", 1, relayClients, m.relay.pid, m.enqueuers(plain)},
		load{"relay, batches", relayBatch, []int{most}, m.relay.pid, m.batchers(all)},
	)
	for _, name := range []string{"nats, always", "nats"} {
		server := startChild(m, name, filepath.Join(dir, name))
		m.loads = append(m.loads, load{name, 1, relayClients, server.pid, m.publishers(server.url, most)})
	}
}

// startEcho connects to somebody who sends back what it gets.
func (m *relayBench) startEcho() {
	_, key, err := newKey()
	m.must(err)
	s, h, err := openAs(m.Context(), key, startChild(m, "echo", "").url)
	m.must(err)
	m.Cleanup(func() { _ = h.Close() })
	m.echo = s
}

func (m *relayBench) anybody() rpc.Identity { return m.inboxes[rand.IntN(len(m.inboxes))] }

func (m *relayBench) enqueuers(clients []*client) (calls []func() error) {
	for _, c := range clients {
		calls = append(calls, func() error {
			_, err := c.Enqueue(m.Context(), m.anybody(), rpc.Channel{}, m.payload)
			return err
		})
	}
	return calls
}

func (m *relayBench) batchers(clients []*client) (calls []func() error) {
	for _, c := range clients {
		calls = append(calls, func() error {
			at := rand.IntN(len(m.inboxes) - relayBatch)
			_, err := c.BatchEnqueue(m.Context(), m.inboxes[at:at+relayBatch], rpc.Channel{}, m.payload)
			return err
		})
	}
	return calls
}

// storeCallers append to a store in this process.
func (m *relayBench) storeCallers(path string, n int) (calls []func() error) {
	s, err := store.Open(store.Config{Path: path})
	m.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	m.Cleanup(func() {
		cancel()
		<-done
		_ = s.Close()
	})
	for range n {
		calls = append(calls, func() error {
			_, err := s.Append(m.Context(), store.Depositor{Who: m.anybody()}, []store.Inbox{{Owner: m.anybody()}}, m.payload)
			return err
		})
	}
	return calls
}

func (m *relayBench) publishers(url string, n int) (calls []func() error) {
	for range n {
		nc, js, err := connectNATS(url)
		m.must(err)
		m.Cleanup(nc.Close)
		calls = append(calls, func() error {
			_, err := js.Publish(m.Context(), fmt.Sprintf("inbox.%d", rand.IntN(relayInboxes)), m.payload)
			return err
		})
	}
	return calls
}

// round takes each figure once.
func (m *relayBench) round() {
	perSecond, _ := m.run([]func() error{m.syncOnce})
	m.note("disk, fdatasync/s", perSecond)
	_, roundTrip := m.run([]func() error{m.roundTrip})
	m.note("bare round trip, µs", micros(roundTrip))
	_, both := m.run([]func() error{func() error { return errors.Join(m.roundTrip(), m.loads[0].callers[0]()) }})
	m.note("bare round trip and then a commit, µs", micros(both))
	for _, clients := range relayClients {
		for _, l := range m.loads {
			if !slices.Contains(l.clients, clients) {
				continue
			}
			server, own := cpuOf(m, l.server), cpuOf(m, os.Getpid())
			began := time.Now()
			perSecond, p50 := m.run(l.callers[:clients])
			deposits := perSecond * float64(l.weight) * time.Since(began).Seconds()
			m.note(fmt.Sprintf("%s, %d clients, deposits/s", l.name, clients), perSecond*float64(l.weight))
			if clients == 1 {
				m.note(l.name+", 1 client, p50, µs", micros(p50))
				continue
			}
			m.note(fmt.Sprintf("%s, %d clients, µs of CPU, server", l.name, clients), micros(cpuOf(m, l.server)-server)/deposits)
			if l.server != os.Getpid() {
				m.note(fmt.Sprintf("%s, %d clients, µs of CPU, clients", l.name, clients), micros(cpuOf(m, os.Getpid())-own)/deposits)
			}
		}
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// run lets all callers call for a while, and returns their calls a second and
// the median time of one.
func (m *relayBench) run(callers []func() error) (perSecond float64, p50 time.Duration) {
	m.Helper()
	var group errgroup.Group
	times := make([][]time.Duration, len(callers))
	var calls atomic.Int64
	began := time.Now()
	for i, call := range callers {
		group.Go(func() error {
			for {
				at := time.Now()
				if at.Sub(began) > relayWindow {
					return nil
				}
				if err := call(); err != nil {
					return err
				}
				times[i] = append(times[i], time.Since(at))
				calls.Add(1)
			}
		})
	}
	m.must(group.Wait())
	return float64(calls.Load()) / time.Since(began).Seconds(), median(slices.Concat(times...))
}

func median[T time.Duration | float64](all []T) T {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// syncOnce is what a store can do least for a deposit.
func (m *relayBench) syncOnce() error {
	if _, err := m.sync.WriteAt(make([]byte, 4<<10), rand.Int64N(256)*4<<10); err != nil {
		return err
	}
	return datasync(m.sync)
}

func (m *relayBench) roundTrip() error {
	if _, err := m.echo.Write(m.payload); err != nil {
		return err
	}
	_, err := io.ReadFull(m.echo, make([]byte, len(m.payload)))
	return err
}

// wakes is how many wake-ups are timed in a round, and wakePause what lies
// between two figures there: whoever waits is asleep, and so is what it is
// compared with.
const (
	wakes     = 60
	wakePause = 2 * time.Millisecond
)

// wakeUps takes its figures once for each round, with nobody else at the relay and
// nobody else here: what is timed is the way, and not the queue for a core.
func (m *relayBench) wakeUps() {
	dir := m.TempDir()
	server := startChild(m, "relay", filepath.Join(dir, "relay"))
	pair := m.dialMany(2, func() (*client, error) { return newClient(m.Context(), server.url) })
	commit := m.storeCallers(filepath.Join(dir, "store.db"), 1)[0]
	m.startEcho()
	for range *relayRounds {
		m.wakeRound(pair[0], pair[1], commit)
	}
	for _, c := range pair {
		c.close()
	}
	server.end()
}

// wakeRound times, from its start, a deposit until somebody who waits for it has
// it, beside a round trip and a commit that also begin after a pause.
func (m *relayBench) wakeRound(waiter, depositor *client, commit func() error) {
	var wake, roundTrip, commits []time.Duration
	after := uint64(0)
	for range wakes {
		time.Sleep(wakePause)
		roundTrip = append(roundTrip, m.time(m.roundTrip))
		time.Sleep(wakePause)
		commits = append(commits, m.time(commit))
		got := make(chan error, 1)
		go func() {
			list, err := waiter.Peek(m.Context(), waiter.id, rpc.Channel{}, after, 0, rpc.MaxWait)
			if err == nil {
				after = list[len(list)-1].Seq
			}
			got <- err
		}()
		time.Sleep(wakePause)
		wake = append(wake, m.time(func() error {
			_, err := depositor.Enqueue(m.Context(), waiter.id, rpc.Channel{}, m.payload)
			return errors.Join(err, <-got)
		}))
	}
	m.must(waiter.Ack(m.Context(), waiter.id, rpc.Channel{}, after))
	m.note("after a pause: wake-up, µs", micros(median(wake)))
	m.note("after a pause: bare round trip, µs", micros(median(roundTrip)))
	m.note("after a pause: commit, µs", micros(median(commits)))
}

// time is how long a call takes.
func (m *relayBench) time(call func() error) time.Duration {
	m.Helper()
	began := time.Now()
	m.must(call())
	return time.Since(began)
}

// profile writes the CPU profile of the relay under load.
func (m *relayBench) profile() {
	if *relayProfile == "" {
		return
	}
	for _, l := range m.loads {
		if strings.HasPrefix(l.name, "relay") {
			m.relay.tell(m, "profile "+filepath.Join(*relayProfile, l.name+".cpu"))
			for range 5 {
				m.run(l.callers)
			}
			m.relay.tell(m, "stop")
		}
	}
}
