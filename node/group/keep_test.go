package group

import (
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/node/store"
)

// TestInitKey: the private half of the key package that a Welcome used is kept for
// another Welcome, for 7 days, and then erased.
func TestInitKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert")
		anna, bert := all[0], all[1]
		c, err := anna.groups.Create(t.Context(), "group", nil)
		must(t, err)
		must(t, anna.groups.Invite(t.Context(), c.ID, identities(bert)))
		raw := bert.keyPackage(nil)
		kp, err := mls.ParseKeyPackage(raw)
		must(t, err)
		must(t, anna.engine.Start(t.Context(), bert.id.ID(), raw))
		settle(c.Group, all...)
		together(c.Group, all...)
		kept := func() bool {
			found := true
			bert.view(func(tx *store.Tx) error {
				_, err := tx.KeyPackage(kp.Ref())
				if store.IsNotFound(err) {
					found, err = false, nil
				}
				return err
			})
			return found
		}
		time.Sleep(6 * 24 * time.Hour)
		must(t, bert.engine.Sweep(t.Context()))
		if !kept() {
			t.Error("the private half is erased while another Welcome may come")
		}
		time.Sleep(2 * 24 * time.Hour)
		must(t, bert.engine.Sweep(t.Context()))
		if kept() {
			t.Error("the private half is kept after 8 days")
		}
	})
}
