package store

import (
	"log/slog"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Intent is something that the user wants a group to become.
type Intent struct {
	// ID is given by AddIntent; ids grow and are never used again.
	ID    int64
	Group []byte
	// Kind and Value are the caller's, Subject is the member it is about.
	Kind    byte
	Subject rpc.Identity
	Value   []byte
	// Package is a key package of Subject, once there is one.
	Package []byte
	// Epoch is the one that our commit of it has led to; zero: none yet.
	Epoch   [16]byte
	Created time.Time
	// Welcome: SetWelcome has kept one.
	Welcome bool
}

// LogValue keeps what the user wants out of logs.
func (Intent) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const intentColumns = "id, grp, kind, subject, value, package, epoch, created, parcel > 0"

func scanIntent(r *database.Row) Intent {
	return Intent{
		ID: r.Int64(), Group: r.Bytes(), Kind: byte(r.Int()), Subject: r.Array32(), Value: r.Bytes(),
		Package: r.Bytes(), Epoch: r.Array16(), Created: r.Time(),
		Welcome: r.Bool(),
	}
}

// AddIntent adds an intent and returns its id; i.ID is not looked at.
func (t *Tx) AddIntent(i Intent) (int64, error) {
	err := t.db.Do(`INSERT INTO intents (grp, kind, subject, value, package, epoch, created) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		i.Group, i.Kind, i.Subject[:], i.Value, i.Package, i.Epoch[:], i.Created)
	if err != nil {
		return 0, err
	}
	return t.db.LastID(), nil
}

// Intents returns the intents of a group, oldest first.
func (t *Tx) Intents(group []byte) ([]Intent, error) {
	return database.List(t.db, scanIntent, "SELECT "+intentColumns+" FROM intents WHERE grp = ? ORDER BY id", group)
}

// IntentsOf returns the intents of a kind about a member, oldest first.
func (t *Tx) IntentsOf(subject rpc.Identity, kind byte) ([]Intent, error) {
	return database.List(t.db, scanIntent, "SELECT "+intentColumns+" FROM intents WHERE subject = ? AND kind = ? ORDER BY id", subject[:], kind)
}

// IntentSubjects returns everybody whom intents of a kind are about.
func (t *Tx) IntentSubjects(kind byte) ([]rpc.Identity, error) {
	return database.List(t.db, func(r *database.Row) rpc.Identity { return r.Array32() },
		"SELECT DISTINCT subject FROM intents WHERE kind = ? ORDER BY subject", kind)
}

// SetIntent changes the Package and the Epoch of an intent. It returns
// ErrNotFound if there is no such intent.
func (t *Tx) SetIntent(id int64, pkg []byte, epoch [16]byte) error {
	return t.db.Must("UPDATE intents SET package = ?, epoch = ? WHERE id = ?", pkg, epoch[:], id)
}

// DeleteIntent removes an intent; it is no error if there is none.
func (t *Tx) DeleteIntent(id int64) error { return t.db.Do("DELETE FROM intents WHERE id = ?", id) }

// SetIntentValue changes the Value of an intent. It returns ErrNotFound if there
// is no such intent.
func (t *Tx) SetIntentValue(id int64, value []byte) error {
	return t.db.Must("UPDATE intents SET value = ? WHERE id = ?", value, id)
}

// SetWelcome keeps the frame of the Welcome that fulfils intents, once for all.
// It returns ErrNotFound if one of them is not there.
func (t *Tx) SetWelcome(frame []byte, ids []int64) error {
	parcel, err := t.addParcel(frame)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := t.db.Must("UPDATE intents SET parcel = ? WHERE id = ?", parcel, id); err != nil {
			return err
		}
	}
	return nil
}

// Welcome returns the frame that SetWelcome kept, nil if there is none any more.
func (t *Tx) Welcome(intent int64) ([]byte, error) {
	parcel, err := database.First(t.db, (*database.Row).Int64, "SELECT parcel FROM intents WHERE id = ?", intent)
	if err != nil || parcel == 0 {
		return nil, err
	}
	return t.parcel(parcel)
}

// DropWelcome removes what SetWelcome kept of an intent.
func (t *Tx) DropWelcome(intent int64) error {
	return t.db.Do("UPDATE intents SET parcel = 0 WHERE id = ?", intent)
}
