package stock

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"quicnprotochat/relay/store/ledger"
)

var (
	now    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	limits = Limits{Packages: 2, Bytes: 100, Handouts: 1, Window: time.Hour}
)

// saved is k as it comes back from the disk.
func saved(t *testing.T, k Stock) Stock {
	t.Helper()
	k, err := Parse(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func add(k *Stock, name string, lastResort bool) uint64 {
	return k.Add(10, now.Add(24*time.Hour), sha256.Sum256([]byte(name)), lastResort)
}

func TestStock(t *testing.T) {
	var k Stock
	for _, name := range []string{"one", "two", "three"} {
		add(&k, name, false)
	}
	add(&k, "older last", true)
	add(&k, "last", true)
	if n := len(k.Numbers()); n != 4 || k.Knows(sha256.Sum256([]byte("older last"))) {
		t.Errorf("%d packages, want the newest last resort alone", n)
	}
	k = saved(t, k.Trimmed(limits))
	if !k.HasLastResort() || k.SingleUse() != 2 || k.Has(1) || !k.Has(3) {
		t.Errorf("trimmed: got %v", k.Numbers())
	}
	if !k.MayHand(limits, now) {
		t.Error("the first one is not handed out")
	}
	if number, found := k.Take(); !found || number != 2 {
		t.Errorf("took %d, %v", number, found)
	}
	k.CountHandout()
	k = saved(t, k)
	if k.MayHand(limits, now) || !k.MayHand(limits, now.Add(time.Hour)) {
		t.Error("the bound within a window does not hold")
	}
	if !k.Knows(sha256.Sum256([]byte("two"))) || k.Knows(sha256.Sum256([]byte("one"))) {
		t.Error("what was handed out is not known")
	}
	if restored := saved(t, k).Live(now, 1); restored.SingleUse() != 0 || !restored.HasLastResort() || !restored.Knows(sha256.Sum256([]byte("three"))) {
		t.Errorf("restored: got %v", restored.Numbers())
	}
	if over := saved(t, k).Live(now.Add(25*time.Hour), 0); len(over.Numbers()) != 0 || !over.Idle(now.Add(25*time.Hour)) {
		t.Errorf("expired: got %v", over.Numbers())
	}
}

func TestParseDamaged(t *testing.T) {
	var k Stock
	add(&k, "one", false)
	k.Take()
	add(&k, "two", false)
	whole := k.Bytes()
	for n := range whole {
		if p, err := Parse(whole[:n]); err != nil && !errors.Is(err, ledger.ErrDamaged) || err == nil && len(p.Numbers()) > 0 {
			t.Errorf("%d bytes: got %v, %v", n, p.Numbers(), err)
		}
	}
}
