package integration

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"capnproto.org/go/capnp/v3"
	rpccp "capnproto.org/go/capnp/v3/std/capnp/rpc"

	"quicnprotochat/rpc"
	"quicnprotochat/schema"
	"quicnprotochat/transport"
)

// maxMemory is what a process may take under any attack.
const maxMemory = 200 << 20

// outsider is somebody with a key of their own who reaches a process from
// outside.
type outsider struct {
	t    testing.TB
	key  ed25519.PrivateKey
	host *transport.Host
}

// newOutsider returns one; relay calls need no more than what is in cfg.
func newOutsider(t testing.TB, cfg transport.Config) *outsider {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.PrivateKey, cfg.Listen = key, []transport.Addr{anyLocalPort}
	h, err := transport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return &outsider{t: t, key: key, host: h}
}

func (o *outsider) id() rpc.Identity { return rpc.Identity(o.host.Key()) }

// open opens a NodeService stream to a process.
func (o *outsider) open(ctx context.Context, p *process) (*transport.Stream, error) {
	key, addr := p.at(o.t)
	o.host.Learn(key, transport.SourceUser, []transport.Addr{addr})
	return o.host.Open(ctx, key)
}

// client calls a process. It tries again while the process is too busy to take
// a connection.
func (o *outsider) client(p *process) *rpc.Client {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	for {
		s, err := o.open(ctx, p)
		if err == nil {
			c := rpc.NewConn(s, rpc.ConnConfig{})
			o.t.Cleanup(func() { c.Close() })
			return c.Client()
		}
		select {
		case <-ctx.Done():
			o.t.Fatal(err)
		case <-time.After(pollPause):
		}
	}
}

// started starts a process.
func started(t testing.TB, p *process) *process {
	t.Helper()
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// at returns where a process is.
func (p *process) at(t testing.TB) (transport.Key, transport.Addr) {
	t.Helper()
	l := p.line()
	key, err := transport.ParseKey(l.Identity)
	if err != nil || len(l.Addrs) == 0 {
		t.Fatalf("%s is at %q, %v: %v", p.name, l.Identity, l.Addrs, err)
	}
	text, _, _ := strings.Cut(l.Addrs[0], "/p2p/")
	addr, err := transport.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return key, addr
}

// log is what the process has logged.
func (p *process) log(t testing.TB) string {
	b, err := os.ReadFile(p.home + ".log")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// vigil watches a process while it is attacked.
type vigil struct {
	p      *process
	cancel context.CancelFunc
	wg     sync.WaitGroup
	peak   map[string]int64 // bytes, by name in /proc/PID/status
	calls  atomic.Int64     // honest ones that were answered
	slow   atomic.Int64     // the longest, in nanoseconds
}

// keepVigil measures memory and makes honest calls until over.
func keepVigil(t *testing.T, p *process) *vigil {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	v := &vigil{p: p, cancel: cancel, peak: make(map[string]int64)}
	c := newOutsider(t, transport.Config{}).client(p)
	v.wg.Go(func() {
		for ctx.Err() == nil {
			v.look(t)
			time.Sleep(20 * time.Millisecond)
		}
	})
	v.wg.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			call, cancel := context.WithTimeout(t.Context(), patience)
			_, err := c.Health(call)
			cancel()
			if err != nil {
				t.Errorf("%s does not answer an honest call: %v", p.name, err)
				return
			}
			v.calls.Add(1)
			v.slow.Store(max(v.slow.Load(), int64(time.Since(began))))
			time.Sleep(20 * time.Millisecond)
		}
	})
	return v
}

// look reads how much memory the process takes.
func (v *vigil) look(t *testing.T) {
	v.p.mu.Lock()
	pid := v.p.run.cmd.Process.Pid
	v.p.mu.Unlock()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		if _, missing := os.Stat("/proc/self/status"); missing == nil {
			t.Errorf("%s is gone: %v", v.p.name, err)
		}
		return
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name == "VmRSS" || name == "RssAnon" || name == "RssFile" {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			v.peak[name] = max(v.peak[name], kib<<10)
		}
	}
}

// over ends the vigil, at least one more honest call later.
func (v *vigil) over(t *testing.T) {
	t.Helper()
	calls := v.calls.Load()
	for end := time.Now().Add(patience); v.calls.Load() == calls && time.Now().Before(end) && !t.Failed(); {
		time.Sleep(pollPause)
	}
	v.cancel()
	v.wg.Wait()
	t.Logf("%s: at most %d MiB (%d anonymous, %d of files); %d honest calls, the longest took %v", v.p.name,
		v.peak["VmRSS"]>>20, v.peak["RssAnon"]>>20, v.peak["RssFile"]>>20, v.calls.Load(), time.Duration(v.slow.Load()).Round(time.Millisecond))
	if v.peak["VmRSS"] > maxMemory {
		t.Errorf("%s took %d MiB of memory, want at most %d", v.p.name, v.peak["VmRSS"]>>20, maxMemory>>20)
	}
}

// message is one message of the RPC protocol, as often as it is wanted without
// being built again.
type message struct {
	b  []byte
	at int // of the question id
}

func encodeMessage(t testing.TB, build func(m rpccp.Message, question uint32) error) message {
	t.Helper()
	encode := func(question uint32) []byte {
		m, seg, err := capnp.NewMessage(capnp.SingleSegment(nil))
		if err != nil {
			t.Fatal(err)
		}
		root, err := rpccp.NewRootMessage(seg)
		if err == nil {
			err = build(root, question)
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, other := encode(0), encode(0xffffffff)
	for i := range one {
		if one[i] != other[i] {
			return message{b: one, at: i}
		}
	}
	t.Fatal("message without a question")
	return message{}
}

func (m message) send(w io.Writer, question uint32) error {
	head := bytes.Clone(m.b[:m.at+4])
	binary.LittleEndian.PutUint32(head[m.at:], question)
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(m.b[m.at+4:])
	return err
}

// bootstrapMessage asks for the service; calls go to the answer of question 0.
func bootstrapMessage(t testing.TB) message {
	return encodeMessage(t, func(m rpccp.Message, question uint32) error {
		b, err := m.NewBootstrap()
		b.SetQuestionId(question)
		return err
	})
}

// callMessage builds a call of a method.
func callMessage(t testing.TB, method uint16, size capnp.ObjectSize, fill func(capnp.Struct, []byte) error) message {
	return encodeMessage(t, func(m rpccp.Message, question uint32) error {
		c, err := m.NewCall()
		if err != nil {
			return err
		}
		c.SetQuestionId(question)
		c.SetInterfaceId(schema.NodeService_TypeID)
		c.SetMethodId(method)
		c.SendResultsTo().SetCaller()
		to, err := c.NewTarget()
		if err != nil {
			return err
		}
		if _, err := to.NewPromisedAnswer(); err != nil {
			return err
		}
		params, err := c.NewParams()
		if err != nil {
			return err
		}
		st, err := capnp.NewStruct(params.Segment(), size)
		if err != nil {
			return err
		}
		if err := params.SetContent(st.ToPtr()); err != nil {
			return err
		}
		return fill(st, []byte{byte(rpc.TokenTLS)})
	})
}

// show puts an access token into a call.
func show(newAuth func() (schema.Auth, error), token []byte) error {
	auth, err := newAuth()
	if err != nil {
		return err
	}
	auth.SetVersion(1)
	return auth.SetAccessToken(token)
}

// enqueueMessage deposits n bytes for to.
func enqueueMessage(t testing.TB, to rpc.Identity, n int) message {
	payload := make([]byte, n)
	payload[0] = 0x03
	return callMessage(t, 2, capnp.ObjectSize{DataSize: 8, PointerCount: 4}, func(st capnp.Struct, token []byte) error {
		p := schema.NodeService_enqueue_Params(st)
		p.SetVersion(1)
		if err := show(p.NewAuth, token); err != nil {
			return err
		}
		if err := p.SetRecipientKey(to[:]); err != nil {
			return err
		}
		return p.SetPayload(payload)
	})
}

// peekMessage asks for all that an inbox has.
func peekMessage(t testing.TB, owner rpc.Identity) message {
	return callMessage(t, 14, capnp.ObjectSize{DataSize: 8, PointerCount: 3}, func(st capnp.Struct, token []byte) error {
		p := schema.NodeService_peek_Params(st)
		p.SetVersion(1)
		if err := show(p.NewAuth, token); err != nil {
			return err
		}
		return p.SetRecipientKey(owner[:])
	})
}

// flood sends a message over streams of many outsiders, as fast as it can,
// until each has sent it count times or the time is over. Who is cut off comes
// again. Those with an odd number read no answers.
func flood(t *testing.T, p *process, peers []*outsider, streams, count int, most time.Duration, what func(*outsider) message) (sent int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	first := bootstrapMessage(t)
	var done atomic.Int64
	var wg sync.WaitGroup
	for k, o := range peers {
		m := what(o)
		for i := range streams {
			wg.Go(func() {
				for n := 0; n < count && ctx.Err() == nil; {
					n += o.spray(ctx, p, first, m, count-n, (i+k)%2 == 0, &done)
				}
			})
		}
	}
	wg.Wait()
	return done.Load()
}

// spray sends a message up to count times over one stream.
func (o *outsider) spray(ctx context.Context, p *process, first, m message, count int, read bool, done *atomic.Int64) (n int) {
	s, err := o.open(ctx, p)
	if err != nil {
		select {
		case <-ctx.Done():
		case <-time.After(pollPause):
		}
		return 0
	}
	defer s.Reset()
	stop := context.AfterFunc(ctx, s.Reset)
	defer stop()
	if read {
		go io.Copy(io.Discard, s)
	}
	if first.send(s, 0) != nil {
		return 0
	}
	for ; n < count; n++ {
		if m.send(s, uint32(n+1)) != nil {
			return n
		}
		done.Add(1)
	}
	return n
}
