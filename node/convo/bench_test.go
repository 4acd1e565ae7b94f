package convo

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/store"
)

// bigGroup is a group of 1,000: the epoch of its creator and that of a member.
func bigGroup(b *testing.B) (from *mls.Epoch, sent mls.Scratch, to *mls.Epoch, got mls.Scratch) {
	b.Helper()
	check := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	me, err := identity.Generate()
	check(err)
	first, err := mls.Create(mls.GroupConfig{Signer: me.MLS(), Identity: me.MLS().Public()})
	check(err)
	records, cfg := mls.Scratch{}, mls.CommitConfig{Now: testTime()}
	check(first.Save(records))
	var join mls.JoinConfig
	for range 999 {
		id, err := identity.Generate()
		check(err)
		kp, secrets, err := mls.NewKeyPackage(mls.KeyPackageConfig{
			Signer: id.MLS(), Identity: id.MLS().Public(), NotBefore: testTime(), NotAfter: testTime().Add(time.Hour),
		})
		check(err)
		cfg.Add = append(cfg.Add, kp)
		join = mls.JoinConfig{KeyPackage: kp, Secrets: secrets, Signer: id.MLS()}
	}
	commit, err := first.Commit(records, cfg)
	check(err)
	from, err = commit.Apply(nil)
	check(err)
	join.Welcome = commit.Welcome()
	to, err = mls.Join(join)
	check(err)
	sent, got = mls.Scratch{}, mls.Scratch{}
	check(from.Save(sent))
	check(to.Save(got))
	return from, sent, to, got
}

// BenchmarkDecrypt receives messages of a group of 1,000 into the store. The
// metric xbound is that as a multiple of decrypting in memory and committing one
// row of the size of a ratchet, in turns with it.
func BenchmarkDecrypt(b *testing.B) {
	from, sent, to, got := bigGroup(b)
	s, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	epoch, other := [16]byte{1}, [16]byte{2}
	update := func(fn func(tx *store.Tx) error) {
		if err := s.Update(context.Background(), fn); err != nil {
			b.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error {
		for key, value := range got {
			if err := tx.Records(epoch).Put(key, value); err != nil {
				return err
			}
		}
		return nil
	})
	decrypt := func(r mls.Records, msg []byte) error {
		_, err := to.Decrypt(r, msg)
		return err
	}
	var stored, bound []time.Duration
	one := func() {
		b.StopTimer()
		msg, err := from.Encrypt(sent, make([]byte, 41), make([]byte, 1024))
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := decrypt(got, msg); err != nil {
			b.Fatal(err)
		}
		row := make([]byte, len(got["a/0"]))
		rand.Read(row) // SQLite does not write a row that stays the same
		update(func(tx *store.Tx) error { return tx.Records(other).Put("a/0", row) })
		bound = append(bound, time.Since(start))
		b.StartTimer()
		start = time.Now()
		update(func(tx *store.Tx) error { return decrypt(tx.Records(epoch), msg) })
		stored = append(stored, time.Since(start))
	}
	one() // takes the secret tree apart
	stored, bound = nil, nil
	for b.Loop() {
		one()
	}
	b.ReportMetric(median(stored)/median(bound), "xbound")
}

func median(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)/2])
}
