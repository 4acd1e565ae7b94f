package convo

import (
	"errors"
	"testing"

	"quicnprotochat/node/known"
	"quicnprotochat/rpc"
)

// TestClaimChanges: a relay that names somebody else for a user name than before is
// not believed.
func TestClaimChanges(t *testing.T) {
	n := newPerson(t, "anna")
	ctx := t.Context()
	const claim = "bob@qpc-relay://x"
	bob, other := rpc.Identity{1}, rpc.Identity{2}
	c, isNew, err := n.engine.AddByName(ctx, bob, claim, "bob", "")
	if err != nil || !isNew || c.Name != "bob" || c.Claim != claim || c.Via != known.ViaName {
		t.Fatalf("got %+v, %v, %v", c, isNew, err)
	}
	if c, isNew, err := n.engine.AddByName(ctx, bob, claim, "bob", "Robert"); err != nil || isNew || c.Name != "Robert" {
		t.Errorf("again: got %+v, %v, %v", c, isNew, err)
	}
	if _, _, err := n.engine.AddByName(ctx, other, claim, "bob", ""); !errors.Is(err, known.ErrClaim) {
		t.Errorf("somebody else: got %v, want %v", err, known.ErrClaim)
	}
	if _, _, err := n.engine.AddByName(ctx, n.id.ID(), claim, "bob", ""); !errors.Is(err, known.ErrSelf) {
		t.Errorf("ourselves: got %v", err)
	}
}
