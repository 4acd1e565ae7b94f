package store

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/share"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Append stores one payload in each of the inboxes that has room for it, in one
// transaction, and returns their sequence numbers in the order of to: 0 for an
// inbox that has none. No sequence is 0. For many inboxes the payload is stored
// once. If none has room the error is ErrFull, or ErrShare where that of from is
// used up; ErrBusy and ErrTooLarge refuse it for all. The share of nobody is not
// bounded.
func (s *Store) Append(ctx context.Context, from Depositor, to []Inbox, payload []byte) ([]uint64, error) {
	if len(payload) > ledger.MaxCommitBytes || len(to) > ledger.MaxCommitWrites {
		return nil, ErrTooLarge
	}
	d := &deposit{to: to, from: make([]share.Tag, len(to)), payload: payload, seqs: make([]uint64, len(to)), queues: make([]*queue, len(to))}
	for i, inbox := range to {
		d.from[i] = s.tag(inbox, from)
	}
	if err := s.submit(ctx, len(payload)+max(0, len(to)-1)*ledger.WriteOverhead, d.apply); err != nil {
		return nil, err
	}
	return d.seqs, nil
}

// deposit is one Append.
type deposit struct {
	to      []Inbox
	from    []share.Tag
	payload []byte
	seqs    []uint64
	queues  []*queue // of to; one that is in it twice has one
}

// apply runs in the writer's transaction.
func (d *deposit) apply(b *batch) error {
	if !b.Room(payloadCost(len(d.payload)) + uint64(len(d.to))*2*ledger.Overhead) {
		return ErrBusy
	}
	admitted, refusal := d.admit(b)
	if len(admitted) == 0 {
		return refusal
	}
	e := entry{kind: entryOwn, arrival: b.Now, payload: d.payload, size: len(d.payload)}
	if len(d.to) > 1 {
		number, err := b.shared(d.payload, uint32(len(admitted)))
		if err != nil {
			return ledger.Abort(err)
		}
		e.kind, e.number = entryShared, number
	}
	for _, i := range admitted {
		if err := d.put(b, i, e); err != nil {
			return ledger.Abort(err)
		}
	}
	for _, q := range d.queues {
		if err := q.save(); err != nil {
			return ledger.Abort(err)
		}
	}
	return nil
}

// admit counts the payload in where there is room for it and returns which of
// the inboxes these are, or why there is none. On the disk it changes nothing but
// to throw out what has expired.
func (d *deposit) admit(b *batch) (admitted []int, refusal error) {
	refusal = ErrFull
	if err := d.open(b); err != nil {
		return nil, err
	}
	for i, q := range d.queues {
		err := q.admit(b, d.from[i], len(d.payload))
		if err == nil {
			admitted = append(admitted, i)
		} else if errors.Is(err, ErrFull) {
			refusal = err
		} else {
			return nil, err
		}
	}
	return admitted, refusal
}

// open looks the inboxes up.
func (d *deposit) open(b *batch) (err error) {
	var known map[Inbox]*queue // what most deposits, which are for one, need not have
	if len(d.to) > 1 {
		known = make(map[Inbox]*queue, len(d.to))
	}
	for i, id := range d.to {
		q := known[id]
		if q == nil {
			if q, err = b.inbox(id); err != nil {
				return err
			}
			if known != nil {
				known[id] = q
			}
		}
		d.queues[i] = q
	}
	return nil
}

// admit counts a payload of from in, if there is room for it.
func (q *queue) admit(b *batch, from share.Tag, size int) error {
	cost := payloadCost(size)
	err := q.fits(b, from, cost)
	if err != nil && q.b != nil {
		if err := b.expire(q, expireBudget); err != nil {
			return err
		}
		err = q.fits(b, from, cost)
	}
	if err == nil && q.b == nil && q.head.count == 0 && q.id.Channel != (rpc.Channel{}) {
		err = b.admitInbox(q.id.Owner) // channels that others make do not keep out the mail
	}
	if err != nil {
		return err
	}
	q.head.count++
	q.head.bytes += cost
	q.head.used = uint64(b.Now)
	one := share.Amount{Count: 1, Bytes: cost}
	q.admitted = q.admitted.Plus(one)
	b.crowds.Add(q.id, from, one)
	return nil
}

// crowded reports whether one payload more is more than a share, if one left them all.
func (q *queue) crowded(c *Config, cost uint64) bool {
	all := share.Amount{Count: q.head.count, Bytes: q.head.bytes}
	return all.Over(min(c.MaxShare, c.MaxPlaceShare), min(c.MaxShareBytes, c.MaxPlaceShareBytes), cost)
}

// fits reports why a payload of from that costs so much has no place.
func (q *queue) fits(b *batch, from share.Tag, cost uint64) error {
	c := b.cfg
	if q.head.count+1 > uint64(c.MaxDepth) || q.head.bytes+cost > uint64(c.MaxInboxBytes) {
		return ErrFull
	}
	if from == (share.Tag{}) || !q.crowded(c, cost) {
		return nil
	}
	has, counted := b.crowds.Find(q.id)
	if !counted {
		has = q.crowd(from)
		b.crowds.Counted(q.id, has)
	}
	if has.Who[from].Over(c.MaxShare, c.MaxShareBytes, cost) {
		return ErrShare
	}
	if at := from.Place(); at != (share.Place{}) && has.Place[at].Over(c.MaxPlaceShare, c.MaxPlaceShareBytes, cost) {
		return ErrShare
	}
	return nil
}

// admitInbox reports whether owner may have one more inbox.
func (b *batch) admitInbox(owner rpc.Identity) error {
	c, n := b.Tx.Bucket(bucketInboxes).Cursor(), 0
	for k, _ := c.Seek(owner[:]); len(k) == inboxKeySize && rpc.Identity(k[:ownerSize]) == owner; k, _ = c.Next() {
		if n++; n >= b.cfg.MaxInboxes {
			return ErrFull
		}
	}
	return nil
}

// put writes the entry of the i-th inbox, which was admitted.
func (d *deposit) put(b *batch, i int, e entry) (err error) {
	q := d.queues[i]
	if q.b == nil {
		if err := b.create(q); err != nil {
			return err
		}
	}
	if d.seqs[i], err = q.next(b); err != nil {
		return err
	}
	e.from = d.from[i]
	b.Grow(e.cost())
	b.appended[q.id] = q.head.count
	key := u64(d.seqs[i])
	return q.b.Put(key, ledger.Seal(q.key, key, e.bytesOf()))
}

// cost is what an entry alone counts for in the whole store.
func (e entry) cost() uint64 {
	if e.kind == entryShared {
		return ledger.Overhead
	}
	return payloadCost(e.size)
}

// create makes an inbox whose sequence goes on above all that were forgotten.
func (b *batch) create(q *queue) (err error) {
	q.b, err = b.Tx.Bucket(bucketInboxes).CreateBucket(q.key)
	if err != nil {
		return err
	}
	b.Grow(ledger.Overhead)
	q.b.FillPercent = file.FillPercent
	q.head.last = b.Totals.Floor
	return q.b.Put(behind, ledger.Seal(q.key, behind, nil))
}

// queue is an inbox in a writer's transaction. b is nil if it does not exist.
type queue struct {
	id   Inbox
	key  []byte
	b    *bolt.Bucket
	head header
	// admitted is what this deposit brings and is not yet among the entries.
	admitted share.Amount
}

// inbox looks up an inbox and reads its header. A header that is damaged is
// counted again.
func (b *batch) inbox(id Inbox) (*queue, error) {
	q := &queue{id: id, key: id.key()}
	q.b = b.Tx.Bucket(bucketInboxes).Bucket(q.key)
	if q.b == nil {
		return q, nil
	}
	q.b.FillPercent = file.FillPercent
	var err error
	if q.head, err = headerOf(q.key, q.b); err != nil {
		b.cfg.Log.Error("inbox header damaged", "peer", transport.Key(id.Owner), "err", err)
		all, _ := q.recount()
		q.head = header{count: all.Count, bytes: all.Bytes, used: uint64(b.Now)}
	}
	return q, nil
}

// recount counts the entries, all of them and those of each depositor. It does not
// check them, which would bring all payloads into memory.
func (q *queue) recount() (all share.Amount, each share.Crowd) {
	each = share.NewCrowd()
	c := q.b.Cursor()
	for k, v := c.First(); len(k) == 8; k, v = c.Next() {
		e := headOf(v)
		one := share.Amount{Count: 1, Bytes: payloadCost(e.size)}
		all = all.Plus(one)
		each.Add(e.from, one)
	}
	return all, each
}

// crowd counts the entries of each depositor, with what from brings.
func (q *queue) crowd(from share.Tag) share.Crowd {
	each := share.NewCrowd()
	if q.b != nil {
		_, each = q.recount()
	}
	if q.admitted.Count > 0 {
		each.Add(from, q.admitted)
	}
	return each
}

// save writes what is known of the inbox.
func (q *queue) save() error {
	if q.b == nil {
		return nil // nothing was admitted
	}
	return q.b.Put(keyHeader, ledger.Seal(q.key, keyHeader, q.head.bytesOf()))
}

func payloadCost(n int) uint64 { return uint64(n) + ledger.Overhead }
