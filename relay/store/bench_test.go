package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// BenchmarkAppend measures durable appends of 1 KiB to 1,000 inboxes, beside the
// syncs per second that the same disk does in the same run.
func BenchmarkAppend(b *testing.B) {
	for _, producers := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(producers), func(b *testing.B) {
			syncs := syncsPerSecond(b)
			s := start(b, Config{MaxDepth: 1 << 30, MaxInboxBytes: 1 << 40})
			payload := make([]byte, 1024)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range producers {
				wg.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						in := Inbox{Owner: rpc.Identity{byte(i % 1000), byte(i % 1000 >> 8)}}
						if _, err := s.Append(context.Background(), Depositor{}, []Inbox{in}, payload); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(syncs, "syncs/s")
		})
	}
}

// syncsPerSecond writes and syncs one page at a time.
func syncsPerSecond(b *testing.B) float64 {
	f, err := os.Create(filepath.Join(b.TempDir(), "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	start, n := time.Now(), 0
	for ; time.Since(start) < 300*time.Millisecond; n++ {
		if _, err := f.WriteAt(page, int64(n%256)*4096); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// BenchmarkOpen opens a store of a million payloads of 1 KiB in 10,000 inboxes.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "relay.db")
	s := start(b, Config{Path: path})
	payload := make([]byte, 1024)
	var wg sync.WaitGroup
	for p := range 16 {
		wg.Go(func() {
			to := make([]Inbox, 0, 250)
			for round := range 100 {
				for part := 0; part < 3; part++ {
					to = to[:0]
					for i := p*625 + part*209; i < min(p*625+part*209+209, p*625+625); i++ {
						to = append(to, Inbox{Owner: rpc.Identity{byte(i), byte(i >> 8)}})
					}
					if _, err := s.Append(context.Background(), Depositor{}, to, payload); err != nil {
						b.Error(round, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	s.stop()
	b.ResetTimer()
	for b.Loop() {
		s, err := Open(Config{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
