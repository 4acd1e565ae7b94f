package store

import (
	"encoding/hex"
	"strings"
	"unicode"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Unindexed returns the first limit entries whose text is not in the index of the search.
func (t *Tx) Unindexed(limit int) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages INDEXED BY messages_unindexed
		WHERE indexed = 0 AND hidden = 0 LIMIT ?`, limitRows(limit))
}

// Index puts the text of an entry into the index of the search; an empty one only
// counts as done.
func (t *Tx) Index(conversation [16]byte, author rpc.Identity, id [16]byte, text string) error {
	err := t.db.Must("UPDATE messages SET indexed = 1 WHERE conversation = ? AND author = ? AND id = ?",
		conversation[:], author[:], id[:])
	if err != nil || text == "" {
		return err
	}
	if err := t.db.Do("INSERT INTO searchable (conversation, author, id) VALUES (?, ?, ?)", conversation[:], author[:], id[:]); err != nil {
		return err
	}
	return t.db.Do("INSERT INTO search (rowid, text, place) VALUES (last_insert_rowid(), ?, ?)", text, place(conversation))
}

// Unindex takes the text of an entry out of the index, where it is overwritten.
func (t *Tx) Unindex(conversation [16]byte, author rpc.Identity, id [16]byte) error {
	err := t.db.Do(`DELETE FROM search WHERE rowid = (SELECT no FROM searchable WHERE id = ? AND conversation = ? AND author = ?)`,
		id[:], conversation[:], author[:])
	if err != nil {
		return err
	}
	if err := t.db.Do("DELETE FROM searchable WHERE id = ? AND conversation = ? AND author = ?", id[:], conversation[:], author[:]); err != nil {
		return err
	}
	return t.db.Do("UPDATE messages SET indexed = 0 WHERE conversation = ? AND author = ? AND id = ?", conversation[:], author[:], id[:])
}

// Search returns the entries in which all words of a text are, the last one perhaps
// only begun, the newest in the index first: at most limit of them, of one
// conversation or, with nil, of all. Case and accents do not count.
func (t *Tx) Search(words string, conversation *[16]byte, limit int) ([]Message, error) {
	query := searchQuery(words)
	if query == "" {
		return nil, nil
	}
	query = "text : (" + query + ")"
	if conversation != nil {
		query += " AND place : " + place(*conversation)
	}
	return database.List(t.db, scanMessage, "SELECT "+qualified(messageColumns)+` FROM search CROSS JOIN searchable s ON s.no = search.rowid
		CROSS JOIN messages m ON m.id = s.id AND m.conversation = s.conversation AND m.author = s.author
		WHERE search MATCH ? ORDER BY search.rowid DESC LIMIT ?`, query, limitRows(limit))
}

// place is the word by which the index of the search knows a conversation: so that a
// word that is in most entries of all conversations is not looked up in each of them to
// find those of one.
func place(conversation [16]byte) string { return "c" + hex.EncodeToString(conversation[:]) }

// qualified puts the name of the table before columns.
func qualified(columns string) string {
	fields := strings.FieldsFunc(columns, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	return "m." + strings.Join(fields, ", m.")
}

// maxWords is how many words are searched for at most; more are left out.
const maxWords = 16

// searchQuery writes words so that FTS5 takes each as a text (SQLite, FTS5, section
// 3.1).
func searchQuery(words string) string {
	var all []string
	for _, w := range strings.Fields(words) {
		if strings.ContainsFunc(w, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) && len(all) < maxWords {
			all = append(all, `"`+strings.ReplaceAll(w, `"`, `""`)+`"`)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, " ") + "*"
}
