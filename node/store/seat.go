package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Seat is what we know of another member of a group.
type Seat struct {
	Group  []byte
	Member rpc.Identity
	// Head is the epoch that the member said last that it is in, At when.
	Head [16]byte
	At   time.Time
}

func scanSeat(r *database.Row) Seat {
	return Seat{Group: r.Bytes(), Member: r.Array32(), Head: r.Array16(), At: r.Time()}
}

// Seats returns what is known of the members of a group.
func (t *Tx) Seats(group []byte) ([]Seat, error) {
	return database.List(t.db, scanSeat, "SELECT grp, member, head, at FROM seats WHERE grp = ? ORDER BY member", group)
}

// PutSeat adds or replaces a seat.
func (t *Tx) PutSeat(s Seat) error {
	return t.db.Do("INSERT OR REPLACE INTO seats (grp, member, head, at) VALUES (?, ?, ?, ?)",
		s.Group, s.Member[:], s.Head[:], s.At)
}
