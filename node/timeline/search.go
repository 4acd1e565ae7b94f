package timeline

import "quicnprotochat/node/store"

// indexStep is how many entries are indexed in one transaction.
const indexStep = 256

// Index puts the texts of some entries that are not in the index of the search there, as
// they look now. more is true if others are left.
func Index(tx *store.Tx) (more bool, err error) {
	entries, err := tx.Unindexed(indexStep)
	if err != nil {
		return false, err
	}
	for _, m := range entries {
		v, err := Look(tx, m)
		if err != nil {
			return false, err
		}
		if err := tx.Index(m.Conversation, m.Author, m.ID, v.Text); err != nil {
			return false, err
		}
	}
	return len(entries) == indexStep, nil
}
