package store

import (
	"log/slog"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/transport"
)

// KeyPackage is one of our own key packages (RFC 9420, section 10) with its
// private keys.
type KeyPackage struct {
	Ref              []byte
	Package, Secrets []byte
	// Place is the relay that holds the package, or our own host key for one
	// that this node hands out itself.
	Place            transport.Key
	Created, Expires time.Time
	HandedOut        bool
	LastResort       bool
}

// LogValue keeps the secrets out of logs.
func (KeyPackage) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const keyPackageColumns = "ref, package, secrets, place, created, expires, handed_out, last_resort"

func scanKeyPackage(r *database.Row) KeyPackage {
	return KeyPackage{
		Ref: r.Bytes(), Package: r.Bytes(), Secrets: r.Bytes(), Place: r.Array32(),
		Created: r.Time(), Expires: r.Time(), HandedOut: r.Bool(), LastResort: r.Bool(),
	}
}

// KeyPackage returns the package of that reference, or ErrNotFound.
func (t *Tx) KeyPackage(ref []byte) (KeyPackage, error) {
	return database.First(t.db, scanKeyPackage, "SELECT "+keyPackageColumns+" FROM key_packages WHERE ref = ?", ref)
}

// KeyPackages returns all packages of a place, oldest first.
func (t *Tx) KeyPackages(place transport.Key) ([]KeyPackage, error) {
	return database.List(t.db, scanKeyPackage, "SELECT "+keyPackageColumns+` FROM key_packages
		WHERE place = ? ORDER BY created, ref`, place[:])
}

// PutKeyPackage adds or replaces the package of that reference.
func (t *Tx) PutKeyPackage(k KeyPackage) error {
	return t.db.Do(`INSERT INTO key_packages (ref, package, secrets, place, created, expires, handed_out, last_resort)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (ref) DO UPDATE SET package = excluded.package, secrets = excluded.secrets,
			place = excluded.place, created = excluded.created, expires = excluded.expires,
			handed_out = excluded.handed_out, last_resort = excluded.last_resort`,
		k.Ref, k.Package, k.Secrets, k.Place[:], k.Created, k.Expires, k.HandedOut, k.LastResort)
}

// TakeKeyPackage returns the oldest package of a place that was not handed out,
// marks it and keeps its secrets. When none is left it returns the newest
// last-resort package, as often as it is asked, and else ErrNotFound. Expired
// packages are the caller's to delete before.
func (t *Tx) TakeKeyPackage(place transport.Key) (KeyPackage, error) {
	k, err := database.First(t.db, scanKeyPackage, "SELECT "+keyPackageColumns+` FROM key_packages
		WHERE place = ? AND (last_resort = 1 OR handed_out = 0)
		ORDER BY last_resort, CASE last_resort WHEN 0 THEN created ELSE -created END, ref LIMIT 1`, place[:])
	if err != nil {
		return KeyPackage{}, err
	}
	k.HandedOut = true
	return k, t.db.Must("UPDATE key_packages SET handed_out = 1 WHERE ref = ?", k.Ref)
}

// DeleteKeyPackage erases a package; it is no error if there is none.
func (t *Tx) DeleteKeyPackage(ref []byte) error {
	return t.db.Do("DELETE FROM key_packages WHERE ref = ?", ref)
}

// DeleteExpiredKeyPackages erases the packages that expired before that time.
func (t *Tx) DeleteExpiredKeyPackages(before time.Time) error {
	return t.db.Do("DELETE FROM key_packages WHERE expires < ?", before)
}
