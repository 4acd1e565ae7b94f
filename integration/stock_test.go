package integration

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/identity"
	"quicnprotochat/rpc"
)

const (
	stockOwners  = 20
	stockEach    = 25 // fewer than a relay hands out in an hour
	stockCallers = 64
	// stockToCaller is what a relay hands out of one stock to one caller.
	stockToCaller = 3
)

// stockTest is 64 callers who take from the stocks of some owners.
type stockTest struct {
	t        *testing.T
	relay    *process
	owners   []*identity.Identity
	packages map[rpc.Identity][][]byte
	made     map[[32]byte]bool

	// mu guards got.
	mu  sync.Mutex
	got map[[32]byte]bool
}

// TestStockIsSpentOnce lets many callers empty stocks of key packages of a real
// relay, which is killed in the middle, and whose owners then bring again what they
// do not know to be there. No package comes twice.
func TestStockIsSpentOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real processes")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := &stockTest{
		t: t, relay: relayProcess(t), packages: make(map[rpc.Identity][][]byte),
		made: make(map[[32]byte]bool), got: make(map[[32]byte]bool),
	}
	s.make()
	s.upload(ctx)
	callers := make([]ed25519.PrivateKey, stockCallers)
	for i := range callers {
		_, key, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		callers[i] = key
	}
	s.take(ctx, callers, 100)
	before := len(s.got)
	if err := s.relay.start(); err != nil {
		t.Fatal(err)
	}
	s.upload(ctx)
	s.take(ctx, callers, len(s.made))
	// What was on its way at the end came to nobody.
	if n := len(s.got); before < 100 || n < len(s.made)-stockCallers {
		t.Errorf("%d packages came before the end and %d of %d in all", before, n, len(s.made))
	}
}

// make makes the packages.
func (s *stockTest) make() {
	s.t.Helper()
	now := time.Now()
	for range stockOwners {
		person, err := identity.Generate()
		if err != nil {
			s.t.Fatal(err)
		}
		s.owners = append(s.owners, person)
		owner := person.ID()
		for range stockEach {
			p, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
				Suite: mls.X25519_AES128GCM_SHA256_Ed25519, Identity: owner[:], Signer: person.MLS(),
				NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
			})
			if err != nil {
				s.t.Fatal(err)
			}
			b := p.Bytes()
			s.made[sha256.Sum256(b)] = true
			s.packages[owner] = append(s.packages[owner], b)
		}
	}
}

// upload brings all packages to the relay.
func (s *stockTest) upload(ctx context.Context) {
	s.t.Helper()
	var wg sync.WaitGroup
	for _, person := range s.owners {
		wg.Go(func() {
			c, err := dialAs(ctx, person.HostKey(), s.relay.line().URL)
			if err != nil {
				s.t.Error(err)
				return
			}
			defer c.close()
			for _, p := range s.packages[c.id] {
				if _, err := c.UploadKeyPackage(ctx, c.id, p); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// take lets the callers take until nobody gets any more; with that many in all
// the relay is killed.
func (s *stockTest) take(ctx context.Context, callers []ed25519.PrivateKey, enough int) {
	s.t.Helper()
	var wg, ready sync.WaitGroup
	ready.Add(len(callers))
	for _, key := range callers {
		wg.Go(func() {
			c, err := dialAs(ctx, key, s.relay.line().URL)
			ready.Done()
			if err != nil {
				s.t.Error(err)
				return
			}
			defer c.close()
			ready.Wait() // all at once
			for range stockToCaller {
				for _, i := range rand.Perm(stockOwners) {
					p, err := c.FetchKeyPackage(ctx, s.owners[i].ID())
					if errors.Is(err, rpc.ErrDisconnected) {
						return // killed
					}
					if err != nil && !errors.Is(err, rpc.ErrBusy) {
						s.t.Error(err)
					}
					if len(p) > 0 && s.note(p) == enough {
						go s.relay.kill()
					}
				}
			}
		})
	}
	wg.Wait()
	s.relay.kill()
}

// note notes a package that came and returns how many there are.
func (s *stockTest) note(p []byte) int {
	sum := sha256.Sum256(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made[sum] || s.got[sum] {
		s.t.Errorf("made %v, handed out before %v", s.made[sum], s.got[sum])
	}
	s.got[sum] = true
	return len(s.got)
}
