package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"quicnprotochat/rpc"
)

// modelInbox is what an inbox must behave like.
type modelInbox struct {
	seq  uint64
	held []modelPayload
}

type modelPayload struct {
	rpc.Envelope
	at   int64
	from byte // a depositor; 0 for nobody, and for who left it before a restart
}

const (
	modelDepth     = 6
	modelShare     = 2
	modelRetention = time.Hour
)

// The store against a model: appends, acks, drains, expiry, sweeps, and the file
// closed and opened again, or replaced by a copy of itself taken while it is open.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "store")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		clk := newClock()
		cfg := Config{Path: filepath.Join(dir, "relay.db"), MaxDepth: modelDepth, MaxShare: modelShare, Retention: modelRetention, Forget: 3 * time.Hour, Now: clk.now}
		s, stop := startModel(t, cfg)
		defer func() { stop() }()
		model := map[Inbox]*modelInbox{}
		ctx := context.Background()
		inbox := rapid.Custom(func(t *rapid.T) Inbox {
			in := Inbox{Owner: rpc.Identity{rapid.ByteRange(1, 3).Draw(t, "owner")}}
			in.Channel[0] = rapid.ByteRange(0, 1).Draw(t, "channel")
			if model[in] == nil {
				model[in] = &modelInbox{}
			}
			return in
		})
		held := func(in Inbox) (out []modelPayload) {
			for _, p := range model[in].held {
				if p.at >= clk.ms.Load()-modelRetention.Milliseconds() {
					out = append(out, p)
				}
			}
			return out
		}
		live := func(in Inbox, after uint64) (out []rpc.Envelope) {
			for _, p := range held(in) {
				if p.Seq > after {
					out = append(out, p.Envelope)
				}
			}
			return out
		}
		restart := func() {
			s, stop = startModel(t, cfg)
			for _, m := range model {
				for i := range m.held {
					m.held[i].from = 0
				}
			}
		}
		equal := func(t *rapid.T, got, want []rpc.Envelope) {
			same := func(a, b rpc.Envelope) bool { return a.Seq == b.Seq && slices.Equal(a.Data, b.Data) }
			if !slices.EqualFunc(got, want, same) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				for in := range model {
					got, err := s.Peek(ctx, in, 0, 0, 1<<30)
					if err != nil {
						t.Fatal(err)
					}
					equal(t, got, live(in, 0))
				}
				audit(t, s)
			},
			"append": func(t *rapid.T) {
				to := rapid.SliceOfN(inbox, 1, 3).Draw(t, "to")
				payload := rapid.SliceOfN(rapid.Byte(), 0, 3000).Draw(t, "payload")
				from := rapid.ByteRange(0, 2).Draw(t, "from")
				seqs, err := s.Append(ctx, Depositor{Who: rpc.Identity{from}}, to, payload)
				stored := false
				for i, in := range to {
					m, all := model[in], held(in)
					own := slices.DeleteFunc(slices.Clone(all), func(p modelPayload) bool { return p.from != from })
					if len(all) >= modelDepth || from != 0 && len(own) >= modelShare {
						if err == nil && seqs[i] != 0 {
							t.Fatalf("stored in a full inbox: %v", seqs)
						}
						continue
					}
					if stored = true; err != nil || seqs[i] <= m.seq {
						t.Fatalf("got %v, %v; seq %d was given", seqs, err, m.seq)
					}
					m.seq = seqs[i]
					m.held = append(m.held, modelPayload{rpc.Envelope{Seq: seqs[i], Data: payload}, clk.ms.Load(), from})
				}
				if !stored && !errors.Is(err, ErrFull) {
					t.Fatalf("nothing stored, got %v", err)
				}
			},
			"ack": func(t *rapid.T) {
				in := inbox.Draw(t, "inbox")
				upTo := rapid.Uint64Range(0, model[in].seq+1).Draw(t, "upTo")
				if err := s.Ack(ctx, in, upTo); err != nil {
					t.Fatal(err)
				}
				m := model[in]
				m.held = slices.DeleteFunc(m.held, func(p modelPayload) bool { return p.Seq <= upTo })
			},
			"drain": func(t *rapid.T) {
				in := inbox.Draw(t, "inbox")
				limit := rapid.IntRange(0, 3).Draw(t, "limit")
				want := live(in, 0)
				if limit > 0 && len(want) > limit {
					want = want[:limit]
				}
				got, err := s.Drain(ctx, in, limit, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, got, want)
				if len(want) > 0 {
					m, last := model[in], want[len(want)-1].Seq
					m.held = slices.DeleteFunc(m.held, func(p modelPayload) bool { return p.Seq <= last })
				}
			},
			"time": func(t *rapid.T) {
				clk.add(time.Duration(rapid.IntRange(0, 120).Draw(t, "minutes")) * time.Minute)
			},
			"sweep": func(t *rapid.T) {
				for done := false; !done; {
					if done, err = s.Sweep(ctx); err != nil {
						t.Fatal(err)
					}
				}
			},
			"reopen": func(*rapid.T) {
				stop()
				restart()
			},
			"power": func(t *rapid.T) {
				// All that was acknowledged is in the file as it is now.
				image, err := os.ReadFile(cfg.Path)
				if err != nil {
					t.Fatal(err)
				}
				stop()
				if err := os.WriteFile(cfg.Path, image, 0o600); err != nil {
					t.Fatal(err)
				}
				restart()
			},
		})
	})
}

func startModel(t *rapid.T, cfg Config) (s *Store, stop func()) {
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
