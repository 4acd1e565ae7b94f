package store

import "quicnprotochat/node/store/database"

// addParcel keeps bytes that rows of the outbox and intents share, and returns the
// number by which they refer to it. The last of them takes it along (schema13).
func (t *Tx) addParcel(b []byte) (int64, error) {
	if err := t.db.Do("INSERT INTO parcels (bytes) VALUES (?)", b); err != nil {
		return 0, err
	}
	return t.db.LastID(), nil
}

// parcel returns what addParcel kept.
func (t *Tx) parcel(id int64) ([]byte, error) {
	return database.First(t.db, (*database.Row).Bytes, "SELECT bytes FROM parcels WHERE id = ?", id)
}
