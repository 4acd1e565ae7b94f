package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"quicnprotochat/transport"
)

func measureBounds(ctx context.Context, dir string) (b bounds, err error) {
	if b.roundTrip, err = bareRoundTrip(ctx); err != nil {
		return b, fmt.Errorf("bare QUIC stream: %w", err)
	}
	if b.sync, err = syncTime(dir, 200); err != nil {
		return b, fmt.Errorf("sync: %w", err)
	}
	return b, nil
}

// bareRoundTrip is the median time of 1 KiB there and back over one open
// stream between two hosts in this process.
func bareRoundTrip(ctx context.Context) (time.Duration, error) {
	echo := func(s *transport.Stream) { _, _ = io.Copy(s, s) }
	var hosts [2]*transport.Host
	for i := range hosts {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return 0, err
		}
		h, err := transport.New(transport.Config{
			PrivateKey: key, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}, OnStream: echo,
		})
		if err != nil {
			return 0, err
		}
		defer h.Close()
		hosts[i] = h
	}
	hosts[0].Learn(hosts[1].Key(), transport.SourceUser, hosts[1].Addrs())
	s, err := hosts[0].Open(ctx, hosts[1].Key())
	if err != nil {
		return 0, err
	}
	defer s.Close()
	buf := make([]byte, 1<<10)
	var times []time.Duration
	for range 1000 {
		began := time.Now()
		if _, err := s.Write(buf); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(s, buf); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	return quantile(times, 0.5), nil
}

// syncTime is the median time of n synced appends of 4 KiB to a file in dir.
func syncTime(dir string, n int) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page := make([]byte, 4<<10)
	var times []time.Duration
	for range n {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	return quantile(times, 0.5), nil
}
