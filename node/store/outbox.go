package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Kinds of outgoing rows.
const (
	KindMessage      byte = 1
	KindWelcome      byte = 2
	KindIntroduction byte = 3
	KindControl      byte = 4
	KindCommit       byte = 5
)

// Outgoing is something on its way to one recipient.
type Outgoing struct {
	// ID is given by AddOutgoing; ids grow and are never used again.
	ID        int64
	Recipient rpc.Identity
	Kind      byte
	// Frame is not sealed yet: it waits for the recipient's hybrid key. Payload
	// is sealed, and sent as it is as often as needed. One of them is empty.
	Frame, Payload []byte
	// Conversation, Message and Group are what the row belongs to, if anything.
	Conversation, Message [16]byte
	Group                 []byte
	Created               time.Time
	// StoredAt and StoredRelay tell which relay has it, DirectAt since when the
	// recipient's own node has it; zero: not yet.
	StoredAt    time.Time
	StoredRelay transport.Key
	DirectAt    time.Time
}

// What is shared is in a parcel: the payload of a row that is sealed, else the frame.
const (
	outgoingColumns = `id, recipient, kind,
	CASE WHEN sealed = 1 OR parcel = 0 THEN frame ELSE (SELECT bytes FROM parcels WHERE parcels.id = parcel) END,
	CASE WHEN sealed = 0 OR parcel = 0 THEN payload ELSE (SELECT bytes FROM parcels WHERE parcels.id = parcel) END,
	conversation, message, grp, created, stored_at, stored_relay, direct_at`
	// outgoingBare leaves Frame and Payload empty.
	outgoingBare = `id, recipient, kind, zeroblob(0), zeroblob(0), conversation, message, grp,
	created, stored_at, stored_relay, direct_at`
)

func scanOutgoing(r *database.Row) Outgoing {
	return Outgoing{
		ID: r.Int64(), Recipient: r.Array32(), Kind: byte(r.Int()), Frame: r.Bytes(), Payload: r.Bytes(),
		Conversation: r.Array16(), Message: r.Array16(), Group: r.Bytes(),
		Created: r.Time(), StoredAt: r.Time(), StoredRelay: r.Array32(), DirectAt: r.Time(),
	}
}

// AddOutgoing adds a row and returns its id; o.ID is not looked at.
func (t *Tx) AddOutgoing(o Outgoing) (int64, error) {
	if err := t.addOutgoing(o, len(o.Payload) > 0, 0); err != nil {
		return 0, err
	}
	return t.db.LastID(), nil
}

// AddOutgoingTo adds a row for each of some recipients. Frame and Payload are kept
// once for all of them. o.ID and o.Recipient are not looked at.
func (t *Tx) AddOutgoingTo(o Outgoing, recipients []rpc.Identity) error {
	if len(recipients) == 0 {
		return nil
	}
	sealed, bytes := len(o.Payload) > 0, o.Frame
	if sealed {
		bytes = o.Payload
	}
	parcel, err := t.addParcel(bytes)
	if err != nil {
		return err
	}
	o.Frame, o.Payload = nil, nil
	for _, o.Recipient = range recipients {
		if err := t.addOutgoing(o, sealed, parcel); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) addOutgoing(o Outgoing, sealed bool, parcel int64) error {
	return t.db.Do(`INSERT INTO outbox (recipient, kind, frame, payload, conversation, message, grp,
			created, stored_at, stored_relay, direct_at, sealed, parcel) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		o.Recipient[:], o.Kind, o.Frame, o.Payload, o.Conversation[:], o.Message[:], o.Group,
		o.Created, o.StoredAt, o.StoredRelay[:], o.DirectAt, sealed, parcel)
}

// Outgoing returns the row of that id, or ErrNotFound.
func (t *Tx) Outgoing(id int64) (Outgoing, error) {
	return database.First(t.db, scanOutgoing, "SELECT "+outgoingColumns+" FROM outbox WHERE id = ?", id)
}

// OutgoingFresh returns the first limit rows for a recipient that are sealed and
// that nobody has taken yet, oldest first, but for those of a group whose Welcome
// waits to be sealed: nobody could read what overtook it. A limit of 0 means all.
func (t *Tx) OutgoingFresh(recipient rpc.Identity, limit int) ([]Outgoing, error) {
	return database.List(t.db, scanOutgoing, "SELECT "+outgoingColumns+` FROM outbox INDEXED BY outbox_fresh
		WHERE recipient = ?1 AND sealed = 1 AND stored_at = 0 AND direct_at = 0 AND grp NOT IN (
			SELECT grp FROM outbox INDEXED BY outbox_unsealed WHERE recipient = ?1 AND sealed = 0 AND kind = ?2)
		ORDER BY id LIMIT ?3`,
		recipient[:], KindWelcome, limitRows(limit))
}

// OutgoingStored returns the first limit rows for a recipient with an id above
// after that a relay has taken and the recipient's own node has not, oldest
// first. A limit of 0 means all.
func (t *Tx) OutgoingStored(recipient rpc.Identity, after int64, limit int) ([]Outgoing, error) {
	return database.List(t.db, scanOutgoing, "SELECT "+outgoingColumns+` FROM outbox INDEXED BY outbox_stored
		WHERE recipient = ? AND id > ? AND stored_at <> 0 AND direct_at = 0 ORDER BY id LIMIT ?`,
		recipient[:], after, limitRows(limit))
}

// CountOutgoingFor returns how many rows there are for a recipient.
func (t *Tx) CountOutgoingFor(recipient rpc.Identity) (int, error) {
	return t.db.Count("SELECT count(*) FROM outbox WHERE recipient = ?", recipient[:])
}

// OutgoingTaken returns the rows for a recipient that its own node has had since
// before direct, or a relay since before stored, or either by a clock that was ahead
// (Age), oldest first and without Frame and Payload. A zero time stands for no such rows.
func (t *Tx) OutgoingTaken(recipient rpc.Identity, direct, stored time.Time) ([]Outgoing, error) {
	return database.List(t.db, scanOutgoing, "SELECT "+outgoingBare+` FROM outbox
		WHERE recipient = ?1 AND (
			?2 <> 0 AND direct_at <> 0 AND (direct_at < ?2 OR direct_at > ?4) OR
			?3 <> 0 AND stored_at <> 0 AND (stored_at < ?3 OR stored_at > ?4)) ORDER BY id`,
		recipient[:], direct, stored, t.Now().Add(clockSlack))
}

// UnsealedFor returns the first limit rows for a recipient that wait to be
// sealed, oldest first. A limit of 0 means all.
func (t *Tx) UnsealedFor(recipient rpc.Identity, limit int) ([]Outgoing, error) {
	return database.List(t.db, scanOutgoing, "SELECT "+outgoingColumns+` FROM outbox INDEXED BY outbox_unsealed
		WHERE recipient = ? AND sealed = 0 ORDER BY id LIMIT ?`, recipient[:], limitRows(limit))
}

// Recipients returns everybody for whom something is outgoing.
func (t *Tx) Recipients() ([]rpc.Identity, error) {
	return database.List(t.db, func(r *database.Row) rpc.Identity { return r.Array32() }, "SELECT DISTINCT recipient FROM outbox ORDER BY recipient")
}

// SealOutgoing replaces the frame of a row by the sealed payload. It returns
// ErrNotFound if there is no such row.
func (t *Tx) SealOutgoing(id int64, payload []byte) error {
	return t.db.Must("UPDATE outbox SET frame = zeroblob(0), payload = ?, sealed = 1, parcel = 0 WHERE id = ?", payload, id)
}

// MarkStored records that a relay has the payload. It returns ErrNotFound if
// there is no such row.
func (t *Tx) MarkStored(id int64, relay transport.Key, at time.Time) error {
	return t.db.Must("UPDATE outbox SET stored_at = ?, stored_relay = ? WHERE id = ?", at, relay[:], id)
}

// MarkDirect records that the recipient's node has the payload. It returns
// ErrNotFound if there is no such row.
func (t *Tx) MarkDirect(id int64, at time.Time) error {
	return t.db.Must("UPDATE outbox SET direct_at = ? WHERE id = ?", at, id)
}

// DeleteOutgoing removes a row; it is no error if there is none.
func (t *Tx) DeleteOutgoing(id int64) error { return t.db.Do("DELETE FROM outbox WHERE id = ?", id) }

// DeleteOutgoingMessage removes all rows of one message, to any recipient.
func (t *Tx) DeleteOutgoingMessage(conversation, message [16]byte) error {
	return t.db.Do("DELETE FROM outbox WHERE conversation = ? AND message = ?", conversation[:], message[:])
}

// OutgoingOf returns the rows of one message, to any recipient, without Frame and
// Payload.
func (t *Tx) OutgoingOf(conversation, message [16]byte) ([]Outgoing, error) {
	return database.List(t.db, scanOutgoing, "SELECT "+outgoingBare+` FROM outbox
		WHERE conversation = ? AND message = ? ORDER BY id`, conversation[:], message[:])
}

// DeleteOutgoingKind removes all rows of a kind and group for a recipient.
func (t *Tx) DeleteOutgoingKind(recipient rpc.Identity, kind byte, group []byte) error {
	return t.db.Do("DELETE FROM outbox WHERE recipient = ? AND kind = ? AND grp = ?", recipient[:], kind, group)
}

// HasOutgoingKind reports whether there is a row of a kind and group for a recipient.
func (t *Tx) HasOutgoingKind(recipient rpc.Identity, kind byte, group []byte) (bool, error) {
	n, err := t.db.Count("SELECT EXISTS (SELECT 1 FROM outbox WHERE recipient = ? AND kind = ? AND grp = ?)", recipient[:], kind, group)
	return n > 0, err
}

// CountOutgoing returns how many rows there are.
func (t *Tx) CountOutgoing() (int, error) { return t.db.Count("SELECT count(*) FROM outbox") }

// DeleteOutgoingTo removes the rows of one message to one recipient.
func (t *Tx) DeleteOutgoingTo(conversation, message [16]byte, recipient rpc.Identity) error {
	return t.db.Do("DELETE FROM outbox WHERE conversation = ? AND message = ? AND recipient = ?",
		conversation[:], message[:], recipient[:])
}
