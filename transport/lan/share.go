package lan

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

const (
	// From one address new peers are taken note of so often, and so many at once.
	newEvery, newBurst = 10 * time.Second, maxHere
	// From one address sealed announcements are tried so often, and so many at once.
	sealedEvery, sealedBurst = 2 * time.Second, 8
	// maxTries is how many keys are tried a second on those of all addresses.
	maxTries = 15_000
	// maxFroms is how many addresses have their own share.
	maxFroms = 512
)

// shares are those of IPv4 and of IPv6: of the latter one machine has as many addresses
// as it likes.
type shares struct{ v4, v6 *version }

// version is what may be done for all addresses of one IP version, and for each of them.
type version struct {
	tries *rate.Limiter // of a sealed announcement with one key
	froms map[netip.Addr]share
}

// share is what one address may announce: new peers, and what is sealed.
type share struct{ fresh, sealed *rate.Limiter }

func newShares() shares { return shares{newVersion(), newVersion()} }

func newVersion() *version {
	return &version{rate.NewLimiter(maxTries, maxTries), make(map[netip.Addr]share)}
}

// of returns the version of an address.
func (s shares) of(from netip.Addr) *version {
	if from.Is4() {
		return s.v4
	}
	return s.v6
}

// at returns the share of an address. Of too many all begin anew.
func (s shares) at(from netip.Addr) share {
	froms := s.of(from).froms
	own, ok := froms[from]
	if !ok {
		if len(froms) >= maxFroms {
			clear(froms)
		}
		own = share{rate.NewLimiter(rate.Every(newEvery), newBurst), rate.NewLimiter(rate.Every(sealedEvery), sealedBurst)}
		froms[from] = own
	}
	return own
}
