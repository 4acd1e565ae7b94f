package store

import (
	"context"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/relay/store/share"
	"quicnprotochat/rpc"
)

// Commit is one transaction of the writer that was tried.
type Commit struct {
	ledger.Commit
	// Depths are the payloads in each inbox that got one.
	Depths []int
}

// batch is one transaction of the writer, with what is to be told when it is on
// the disk.
type batch struct {
	*ledger.Batch
	cfg      *Config
	crowds   *share.Crowds[Inbox]
	appended map[Inbox]uint64 // and how many payloads it has then
	bans     map[rpc.Identity]bool
}

// submit is Write with the batch of this transaction.
func (s *Store) submit(ctx context.Context, size int, apply func(*batch) error) error {
	return s.Write(ctx, size, func(*ledger.Batch) error { return apply(s.current) })
}

// begin is called before the first write of a transaction.
func (s *Store) begin(b *ledger.Batch) {
	s.crowds.Begin()
	s.current = &batch{Batch: b, cfg: &s.cfg, crowds: &s.crowds, appended: make(map[Inbox]uint64), bans: make(map[rpc.Identity]bool)}
}

// committed is called when a transaction is on the disk: who is banned is out before
// whoever did it hears of it.
func (s *Store) committed() {
	s.bans.change(s.current.bans)
	for id, banned := range s.current.bans {
		if banned {
			s.cfg.OnBan(id)
		}
	}
}

// told is called when those who wrote have heard of it.
func (s *Store) told(c ledger.Commit) {
	done := Commit{Commit: c}
	if c.Err == nil {
		s.crowds.Kept()
		for inbox, depth := range s.current.appended {
			s.cfg.OnAppend(inbox)
			done.Depths = append(done.Depths, int(depth))
		}
	}
	s.cfg.OnCommit(done)
}
