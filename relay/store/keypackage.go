package store

import (
	"bytes"
	"context"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// KeyPackage is one key package to keep.
type KeyPackage struct {
	// Data is never empty.
	Data []byte
	// Fingerprint is the SHA-256 of Data.
	Fingerprint [32]byte
	// NotAfter is when it stops being handed out.
	NotAfter time.Time
	// LastResort packages are handed out when no other is left, again and again;
	// an owner has one of them, the newest.
	LastResort bool
}

// HandedOut is what TakeKeyPackage found.
type HandedOut struct {
	// Data is empty if there was nothing to hand out.
	Data []byte
	// Spent tells that Data was a single-use package, now removed.
	Spent bool
	// Left is the number of single-use packages that remain.
	Left int
}

// AddKeyPackage keeps a package for owner, the newest MaxKeyPackages of them. The
// same package again changes nothing.
func (s *Store) AddKeyPackage(ctx context.Context, owner rpc.Identity, p KeyPackage) error {
	return s.submit(ctx, len(p.Data), func(b *batch) error { return b.addKeyPackage(owner, p) })
}

// TakeKeyPackage hands out the oldest single-use package of owner, and removes
// it, if spend is true, there is one, and MaxHandouts allows it; else the
// last-resort package.
func (s *Store) TakeKeyPackage(ctx context.Context, owner rpc.Identity, spend bool) (HandedOut, error) {
	if err := ctx.Err(); err != nil {
		return HandedOut{}, err
	}
	var h HandedOut
	err := s.view(func(tx *bolt.Tx) error {
		t, err := readTotals(tx)
		if err != nil {
			return err
		}
		now := s.cfg.Now()
		k := s.cfg.stock(tx, owner).live(now, t.base)
		h.Left = k.singleUse()
		h.Data = bytes.Clone(s.cfg.lastResort(tx, owner, k))
		spend = spend && h.Left > 0 && k.mayHand(&s.cfg, now)
		return nil
	})
	if err != nil || !spend {
		return h, err
	}
	err = s.submit(ctx, 0, func(b *batch) (err error) {
		h, err = b.takeKeyPackage(owner)
		return err
	})
	return h, err
}

func (b *batch) stock(owner rpc.Identity) stock {
	return b.cfg.stock(b.tx, owner).live(time.UnixMilli(b.now), b.totals.base)
}

func (b *batch) addKeyPackage(owner rpc.Identity, p KeyPackage) error {
	k := b.stock(owner)
	if k.knows(p.Fingerprint) {
		return nil
	}
	e := stockEntry{size: uint32(len(p.Data)), notAfter: p.NotAfter.UnixMilli(), fingerprint: p.Fingerprint}
	if !p.LastResort {
		k.next++
		e.number = k.next
	}
	if err := b.putRecord(bucketKeyPackages, packageKey(owner, e.number), p.Data); err != nil {
		return err
	}
	if p.LastResort {
		k.entries = slices.DeleteFunc(k.entries, stockEntry.lastResort)
		k.entries = slices.Insert(k.entries, 0, e)
	} else {
		k.entries = append(k.entries, e)
	}
	return b.saveStock(owner, k.trimmed(b.cfg))
}

func (b *batch) takeKeyPackage(owner rpc.Identity) (HandedOut, error) {
	k := b.stock(owner)
	var h HandedOut
	may := k.mayHand(b.cfg, time.UnixMilli(b.now))
	k.entries = slices.DeleteFunc(k.entries, func(e stockEntry) bool {
		if e.lastResort() || h.Spent || !may {
			return false
		}
		// One that is damaged goes as well.
		h.Data = bytes.Clone(b.cfg.record(b.tx, bucketKeyPackages, packageKey(owner, e.number)))
		h.Spent = len(h.Data) > 0
		k.spend(e)
		return true
	})
	if h.Spent {
		k.handed++
	} else {
		h.Data = bytes.Clone(b.cfg.lastResort(b.tx, owner, k))
	}
	h.Left = k.singleUse()
	return h, b.saveStock(owner, k)
}

// saveStock writes the list, and deletes the packages that are no longer in it.
func (b *batch) saveStock(owner rpc.Identity, k stock) error {
	for _, e := range b.cfg.stock(b.tx, owner).entries {
		listed := slices.ContainsFunc(k.entries, func(o stockEntry) bool { return o.number == e.number })
		if listed {
			continue
		}
		if err := b.deleteRecord(bucketKeyPackages, packageKey(owner, e.number)); err != nil {
			return err
		}
	}
	return b.replaceRecord(bucketStocks, owner[:], k.bytesOf())
}

// stockDue: an empty list is kept as long as what it knows of spent packages
// may matter.
func stockDue(c *Config, bucket *bolt.Bucket, key, v []byte) bool {
	body, err := open(bucketStocks, key, v)
	if err != nil {
		return true
	}
	k, err := parseStock(body)
	t, totalsErr := readTotals(bucket.Tx())
	if err != nil || totalsErr != nil {
		return err != nil
	}
	n, now := len(k.entries), c.Now()
	k = k.live(now, t.base)
	return k.idle(c, now) || len(k.entries) < n
}

// sweepStock drops what has expired, and an empty list together with whatever
// packages are left of it.
func (b *batch) sweepStock(_, key []byte, budget *int) error {
	if *budget--; *budget < 0 {
		return errBudget
	}
	owner := rpc.Identity(key)
	k := b.stock(owner)
	if !k.idle(b.cfg, time.UnixMilli(b.now)) {
		return b.saveStock(owner, k)
	}
	var keys [][]byte
	c := b.tx.Bucket(bucketKeyPackages).Cursor()
	for k, _ := c.Seek(key); bytes.HasPrefix(k, key); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.deleteRecord(bucketKeyPackages, k); err != nil {
			return err
		}
	}
	return b.deleteRecord(bucketStocks, key)
}

// stock reads the list of owner; an empty one if there is none.
func (c *Config) stock(tx *bolt.Tx, owner rpc.Identity) stock {
	body := c.record(tx, bucketStocks, owner[:])
	if body == nil {
		return stock{}
	}
	k, err := parseStock(body)
	if err != nil {
		c.Log.Error("key package list damaged", "peer", transport.Key(owner), "err", err)
		return stock{}
	}
	return k
}

// lastResort returns the last-resort package that k lists, not copied.
func (c *Config) lastResort(tx *bolt.Tx, owner rpc.Identity, k stock) []byte {
	if !slices.ContainsFunc(k.entries, stockEntry.lastResort) {
		return nil
	}
	return c.record(tx, bucketKeyPackages, packageKey(owner, 0))
}
