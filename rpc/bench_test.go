package rpc

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

func BenchmarkEnqueue(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		for _, parallel := range []int{1, 16} {
			b.Run(fmt.Sprintf("%dB/%d callers", size, parallel), func(b *testing.B) {
				_, client := serve(b, new(recorder).service(), nil)
				payload, to := make([]byte, size), testID(2)
				b.SetBytes(int64(size))
				b.SetParallelism(parallel)
				var n atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()
				for range parallel {
					wg.Go(func() {
						for n.Add(1) <= int64(b.N) {
							if _, err := client.Client().Enqueue(context.Background(), to, Channel{}, payload); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			})
		}
	}
}

// BenchmarkEcho is the yardstick: the bytes of a call there and a word back,
// without anything around them.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			x, y := net.Pipe()
			defer x.Close()
			go func() {
				buf := make([]byte, size)
				for {
					if _, err := io.ReadFull(y, buf); err != nil {
						return
					}
					if _, err := y.Write(buf[:8]); err != nil {
						return
					}
				}
			}()
			buf := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := x.Write(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(x, buf[:8]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
