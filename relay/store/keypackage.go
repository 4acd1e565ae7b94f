package store

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/stock"
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
	var h HandedOut
	err := s.view(ctx, func(tx *bolt.Tx) error {
		t, err := ledger.ReadTotals(tx)
		if err != nil {
			return err
		}
		now := s.cfg.Now()
		k := s.cfg.stock(tx, owner).Live(now, t.Base)
		h.Left = k.SingleUse()
		h.Data = bytes.Clone(s.cfg.lastResort(tx, owner, k))
		spend = spend && h.Left > 0 && k.MayHand(s.cfg.stockLimits(), now)
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

func (b *batch) stock(owner rpc.Identity) stock.Stock {
	return b.cfg.stock(b.Tx, owner).Live(time.UnixMilli(b.Now), b.Totals.Base)
}

func (b *batch) addKeyPackage(owner rpc.Identity, p KeyPackage) error {
	k := b.stock(owner)
	if k.Knows(p.Fingerprint) {
		return nil
	}
	number := k.Add(len(p.Data), p.NotAfter, p.Fingerprint, p.LastResort)
	if err := b.Put(bucketKeyPackages, packageKey(owner, number), p.Data); err != nil {
		return err
	}
	return b.saveStock(owner, k.Trimmed(b.cfg.stockLimits()))
}

func (b *batch) takeKeyPackage(owner rpc.Identity) (HandedOut, error) {
	k := b.stock(owner)
	var h HandedOut
	may := k.MayHand(b.cfg.stockLimits(), time.UnixMilli(b.Now))
	for may && !h.Spent {
		number, found := k.Take()
		if !found {
			break
		}
		// One that is damaged goes as well.
		h.Data = bytes.Clone(b.cfg.record(b.Tx, bucketKeyPackages, packageKey(owner, number)))
		h.Spent = len(h.Data) > 0
	}
	if h.Spent {
		k.CountHandout()
	} else {
		h.Data = bytes.Clone(b.cfg.lastResort(b.Tx, owner, k))
	}
	h.Left = k.SingleUse()
	return h, b.saveStock(owner, k)
}

// saveStock writes the list, and deletes the packages that are no longer in it.
func (b *batch) saveStock(owner rpc.Identity, k stock.Stock) error {
	for _, number := range b.cfg.stock(b.Tx, owner).Numbers() {
		if k.Has(number) {
			continue
		}
		if err := b.Delete(bucketKeyPackages, packageKey(owner, number)); err != nil {
			return err
		}
	}
	return b.Replace(bucketStocks, owner[:], k.Bytes())
}

// stockDue: an empty list is kept as long as what it knows of spent packages
// may matter.
func stockDue(c *Config, bucket *bolt.Bucket, key, v []byte) bool {
	body, err := ledger.Unseal(bucketStocks, key, v)
	if err != nil {
		return true
	}
	k, err := stock.Parse(body)
	t, totalsErr := ledger.ReadTotals(bucket.Tx())
	if err != nil || totalsErr != nil {
		return err != nil
	}
	n, now := len(k.Numbers()), c.Now()
	k = k.Live(now, t.Base)
	return k.Idle(now.Add(-c.Forget)) || len(k.Numbers()) < n
}

// sweepStock drops what has expired, and an empty list together with whatever
// packages are left of it.
func (b *batch) sweepStock(_, key []byte, budget *int) error {
	if *budget--; *budget < 0 {
		return ledger.ErrBudget
	}
	owner := rpc.Identity(key)
	k := b.stock(owner)
	if !k.Idle(time.UnixMilli(b.Now).Add(-b.cfg.Forget)) {
		return b.saveStock(owner, k)
	}
	var keys [][]byte
	c := b.Tx.Bucket(bucketKeyPackages).Cursor()
	for k, _ := c.Seek(key); bytes.HasPrefix(k, key); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(bucketKeyPackages, k); err != nil {
			return err
		}
	}
	return b.Delete(bucketStocks, key)
}

// stock reads the list of owner; an empty one if there is none.
func (c *Config) stock(tx *bolt.Tx, owner rpc.Identity) stock.Stock {
	body := c.record(tx, bucketStocks, owner[:])
	if body == nil {
		return stock.Stock{}
	}
	k, err := stock.Parse(body)
	if err != nil {
		c.Log.Error("key package list damaged", "peer", transport.Key(owner), "err", err)
		return stock.Stock{}
	}
	return k
}

// lastResort returns the last-resort package that k lists, not copied.
func (c *Config) lastResort(tx *bolt.Tx, owner rpc.Identity, k stock.Stock) []byte {
	if !k.HasLastResort() {
		return nil
	}
	return c.record(tx, bucketKeyPackages, packageKey(owner, 0))
}

func (c *Config) stockLimits() stock.Limits {
	return stock.Limits{Packages: c.MaxKeyPackages, Bytes: c.MaxKeyPackageBytes, Handouts: c.MaxHandouts, Window: c.HandoutWindow}
}
