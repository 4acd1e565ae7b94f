package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// BenchmarkUpdate is one Update that inserts 1 KiB, as a message in the outbox
// is. The metric fsync-ns is a write of the same size and an fsync of a plain
// file of the same disk, measured in turns with the Updates.
func BenchmarkUpdate(b *testing.B) {
	s := open(b, Config{})
	f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	payload := make([]byte, 1024)
	var plain time.Duration
	for n := byte(0); b.Loop(); n++ {
		b.StopTimer()
		start := time.Now()
		if _, err := f.Write(payload); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		plain += time.Since(start)
		b.StartTimer()
		update(b, s, func(tx *Tx) error {
			_, err := tx.AddOutgoing(Outgoing{Recipient: identity(n), Payload: payload})
			return err
		})
	}
	b.ReportMetric(float64(plain.Nanoseconds())/float64(b.N), "fsync-ns/op")
	b.ReportMetric(float64(b.Elapsed())/float64(plain), "fsyncs/op")
}

// BenchmarkUpdateGrouped is the same with 16 rows in one Update, per row.
func BenchmarkUpdateGrouped(b *testing.B) {
	const rows = 16
	s := open(b, Config{})
	payload := make([]byte, 1024)
	for b.Loop() {
		update(b, s, func(tx *Tx) error {
			for n := range byte(rows) {
				if _, err := tx.AddOutgoing(Outgoing{Recipient: identity(n), Payload: payload}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}

// BenchmarkView reads one message of 10,000 by its key, and the last 50.
func BenchmarkView(b *testing.B) {
	s := open(b, Config{})
	update(b, s, func(tx *Tx) error {
		for n := range 10_000 {
			m := Message{ID: [16]byte{byte(n), byte(n >> 8)}, Body: make([]byte, 200), Lamport: uint64(n)}
			if err := tx.InsertMessage(m); err != nil {
				return err
			}
		}
		return nil
	})
	b.Run("message", func(b *testing.B) {
		for b.Loop() {
			view(b, s, func(tx *Tx) error {
				_, err := tx.Message([16]byte{}, rpc.Identity{}, [16]byte{7, 7})
				return err
			})
		}
	})
	b.Run("history", func(b *testing.B) {
		for b.Loop() {
			view(b, s, func(tx *Tx) error {
				_, err := tx.History([16]byte{}, nil, 50)
				return err
			})
		}
	})
}

// BenchmarkOpen opens and closes a home that is there.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	if err := open(b, Config{Dir: dir}).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := Open(Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
