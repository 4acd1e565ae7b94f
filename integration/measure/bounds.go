package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
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
	if b.dial, err = dialTime(ctx, 20); err != nil {
		return b, fmt.Errorf("dial: %w", err)
	}
	if b.sync, err = syncTime(dir, 200); err != nil {
		return b, fmt.Errorf("sync: %w", err)
	}
	return b, nil
}

// bareRoundTrip is the median time of 1 KiB there and back over one open
// stream between two hosts in this process.
func bareRoundTrip(ctx context.Context) (time.Duration, error) {
	hosts, err := twoHosts()
	if err != nil {
		return 0, err
	}
	defer hosts.close()
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

// hosts are two hosts in this process; the second is known to the first, and sends
// back what it gets.
type hosts [2]*transport.Host

func twoHosts() (h hosts, err error) {
	echo := func(s *transport.Stream) { _, _ = io.Copy(s, s) }
	for i := range h {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return h, errors.Join(err, h.close())
		}
		h[i], err = transport.New(transport.Config{
			PrivateKey: key, Listen: []transport.Addr{"/ip4/127.0.0.1/udp/0/quic-v1"}, OnStream: echo,
		})
		if err != nil {
			return h, errors.Join(err, h.close())
		}
	}
	h[0].Learn(h[1].Key(), transport.SourceUser, h[1].Addrs())
	return h, nil
}

func (h hosts) close() (err error) {
	for _, one := range h {
		if one != nil {
			err = errors.Join(err, one.Close())
		}
	}
	return err
}

// dialTime is the median time, of n, to reach a host to which there is no connection.
func dialTime(ctx context.Context, n int) (time.Duration, error) {
	var times []time.Duration
	for range n {
		took, err := dialOnce(ctx)
		if err != nil {
			return 0, err
		}
		times = append(times, took)
	}
	return quantile(times, 0.5), nil
}

func dialOnce(ctx context.Context) (time.Duration, error) {
	hosts, err := twoHosts()
	if err != nil {
		return 0, err
	}
	defer hosts.close()
	began := time.Now()
	s, err := hosts[0].Open(ctx, hosts[1].Key())
	if err != nil {
		return 0, err
	}
	defer s.Close()
	buf := make([]byte, 64)
	if _, err := s.Write(buf); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(s, buf)
	return time.Since(began), err
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
