package tables

// Steps returns what brings an older database up to date; user_version counts the
// steps that were applied.
func Steps() []string {
	return []string{schema1, schema2, schema3, schema4, schema5, schema6, schema7, schema8, schema9, schema10, schema11, schema12, schema13, schema14, schema15, schema16}
}

const schema1 = `
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
	identity   BLOB PRIMARY KEY,
	name       TEXT NOT NULL,
	folded     TEXT NOT NULL UNIQUE,
	via        TEXT NOT NULL,
	verified   INTEGER NOT NULL,
	card       BLOB NOT NULL,
	introduced INTEGER NOT NULL,
	added      INTEGER NOT NULL
) STRICT;

CREATE TABLE relays (
	url   TEXT PRIMARY KEY,
	key   BLOB NOT NULL,
	added INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoints (
	identity BLOB PRIMARY KEY,
	record   BLOB NOT NULL,
	seq      INTEGER NOT NULL,
	expiry   INTEGER NOT NULL
) STRICT;
CREATE INDEX endpoints_expiry ON endpoints (expiry);

CREATE TABLE hybrid_keys (
	id         BLOB PRIMARY KEY,
	private    BLOB NOT NULL,
	blob       BLOB NOT NULL,
	not_before INTEGER NOT NULL,
	not_after  INTEGER NOT NULL,
	replaced   INTEGER NOT NULL
) STRICT;

CREATE TABLE peer_hybrid_keys (
	identity   BLOB PRIMARY KEY,
	blob       BLOB NOT NULL,
	not_before INTEGER NOT NULL
) STRICT;

CREATE TABLE key_packages (
	ref         BLOB PRIMARY KEY,
	package     BLOB NOT NULL,
	secrets     BLOB NOT NULL,
	place       BLOB NOT NULL,
	created     INTEGER NOT NULL,
	expires     INTEGER NOT NULL,
	handed_out  INTEGER NOT NULL,
	last_resort INTEGER NOT NULL
) STRICT;
CREATE INDEX key_packages_place ON key_packages (place, last_resort, handed_out, created);
CREATE INDEX key_packages_expires ON key_packages (expires);

CREATE TABLE conversations (
	id      BLOB PRIMARY KEY,
	peer    BLOB NOT NULL,
	grp     BLOB NOT NULL,
	counter INTEGER NOT NULL,
	lamport INTEGER NOT NULL,
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX conversations_peer ON conversations (peer) WHERE peer <> zeroblob(32);

CREATE TABLE groups (
	id           BLOB PRIMARY KEY,
	conversation BLOB NOT NULL,
	creator      BLOB NOT NULL,
	counter      INTEGER NOT NULL,
	epoch        BLOB NOT NULL,
	retire       INTEGER NOT NULL
) STRICT;
CREATE INDEX groups_conversation ON groups (conversation);

CREATE TABLE epochs (
	id       BLOB PRIMARY KEY,
	grp      BLOB NOT NULL,
	number   INTEGER NOT NULL,
	seal_key BLOB NOT NULL,
	created  INTEGER NOT NULL
) STRICT;
CREATE INDEX epochs_group ON epochs (grp, number);

CREATE TABLE mls_records (
	epoch BLOB NOT NULL,
	key   TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (epoch, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
	conversation BLOB NOT NULL,
	author       BLOB NOT NULL,
	id           BLOB NOT NULL,
	type         INTEGER NOT NULL,
	body         BLOB NOT NULL,
	digest       BLOB NOT NULL, -- of type and body as first stored
	lamport      INTEGER NOT NULL,
	counter      INTEGER NOT NULL,
	sent         INTEGER NOT NULL,
	stored       INTEGER NOT NULL,
	state        TEXT NOT NULL,
	path         TEXT NOT NULL,
	relay        BLOB NOT NULL,
	why          TEXT NOT NULL,
	PRIMARY KEY (id, conversation, author)
) STRICT;
CREATE INDEX messages_order ON messages (conversation, lamport, author, counter, id);
CREATE INDEX messages_counter ON messages (conversation, author, counter);
CREATE INDEX messages_unreceipted ON messages (conversation, author, counter)
	WHERE type IN (1, 2) AND state IN ('queued', 'direct', 'stored');

CREATE TABLE outbox (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	recipient    BLOB NOT NULL,
	kind         INTEGER NOT NULL,
	frame        BLOB NOT NULL,
	payload      BLOB NOT NULL,
	conversation BLOB NOT NULL,
	message      BLOB NOT NULL,
	grp          BLOB NOT NULL,
	created      INTEGER NOT NULL,
	stored_at    INTEGER NOT NULL,
	stored_relay BLOB NOT NULL,
	direct_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_recipient ON outbox (recipient, id);
CREATE INDEX outbox_message ON outbox (conversation, message);
CREATE INDEX outbox_unsealed ON outbox (recipient, id) WHERE length(payload) = 0;
CREATE INDEX outbox_fresh ON outbox (recipient, id) WHERE length(payload) > 0 AND stored_at = 0 AND direct_at = 0;
CREATE INDEX outbox_stored ON outbox (recipient, id) WHERE stored_at <> 0 AND direct_at = 0;

CREATE TABLE inbox (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	hash      BLOB NOT NULL UNIQUE,
	payload   BLOB NOT NULL,
	size      INTEGER NOT NULL,
	depositor BLOB NOT NULL,
	via       TEXT NOT NULL,
	received  INTEGER NOT NULL,
	waiting   INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_order ON inbox (waiting, id, depositor, size);

CREATE TABLE seen (
	hash BLOB PRIMARY KEY,
	at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);

CREATE TABLE receipts_due (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	conversation BLOB NOT NULL,
	author       BLOB NOT NULL,
	counter      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX receipts_due_key ON receipts_due (author, conversation, counter);
`

// schema2 notes the cipher suite of a group: all older ones are of 0x0001.
const schema2 = `
ALTER TABLE groups ADD COLUMN suite INTEGER NOT NULL DEFAULT 1;
`

// schema3 brings groups of any number.
const schema3 = `
ALTER TABLE conversations ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN status TEXT NOT NULL DEFAULT '';

CREATE TABLE commits (
	grp     BLOB NOT NULL,
	name    BLOB NOT NULL,
	parent  BLOB NOT NULL,
	card    BLOB NOT NULL,
	message BLOB NOT NULL,
	state   INTEGER NOT NULL,
	seen    INTEGER NOT NULL,
	PRIMARY KEY (grp, name)
) STRICT;

CREATE TABLE seats (
	grp    BLOB NOT NULL,
	member BLOB NOT NULL,
	head   BLOB NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (grp, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE intents (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	grp     BLOB NOT NULL,
	kind    INTEGER NOT NULL,
	subject BLOB NOT NULL,
	value   BLOB NOT NULL,
	package BLOB NOT NULL,
	epoch   BLOB NOT NULL,
	created INTEGER NOT NULL
) STRICT;
CREATE INDEX intents_group ON intents (grp, id);
CREATE INDEX intents_subject ON intents (kind, subject, id);

CREATE TABLE audience (
	conversation BLOB NOT NULL,
	message      BLOB NOT NULL,
	member       BLOB NOT NULL,
	state        TEXT NOT NULL,
	PRIMARY KEY (conversation, message, member)
) STRICT, WITHOUT ROWID;
`

// schema4 brings accounts at relays.
const schema4 = `
CREATE TABLE accounts (
	relay   BLOB PRIMARY KEY,
	url     TEXT NOT NULL,
	name    TEXT NOT NULL,
	stretch BLOB NOT NULL,
	session BLOB NOT NULL,
	added   INTEGER NOT NULL
) STRICT;
`

// schema5 notes which relay claimed who a contact is.
const schema5 = `
ALTER TABLE contacts ADD COLUMN claim TEXT NOT NULL DEFAULT '';
`

// schema6 keeps what front ends were told, or would have been.
const schema6 = `
CREATE TABLE events (
	id           INTEGER PRIMARY KEY,
	kind         TEXT NOT NULL,
	peer         BLOB NOT NULL,
	conversation BLOB NOT NULL,
	message      BLOB NOT NULL,
	state        TEXT NOT NULL,
	path         TEXT NOT NULL,
	relay        BLOB NOT NULL,
	why          TEXT NOT NULL
) STRICT;
`

// schema7 keeps what was tried to deliver a message.
const schema7 = `
ALTER TABLE messages ADD COLUMN tries BLOB NOT NULL DEFAULT x'';
ALTER TABLE audience ADD COLUMN tries BLOB NOT NULL DEFAULT x'';
`

// schema8 brings deposit passes: those that contacts gave us, a digest of what each
// contact was given of ours, and which of our relays takes them.
const schema8 = `
ALTER TABLE relays ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;

CREATE TABLE passes (
	identity BLOB NOT NULL,
	relay    BLOB NOT NULL,
	pass     BLOB NOT NULL,
	expiry   INTEGER NOT NULL,
	PRIMARY KEY (identity, relay)
) STRICT, WITHOUT ROWID;
CREATE INDEX passes_expiry ON passes (expiry);

CREATE TABLE passes_given (
	identity BLOB PRIMARY KEY,
	digest   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`

// schema9 brings messages about messages (reactions, edits, deletions), what was
// read, and what is to disappear. What came before counts as read.
const schema9 = `
ALTER TABLE messages ADD COLUMN ref     BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
ALTER TABLE messages ADD COLUMN hidden  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN read    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN erased  INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET read = stored, hidden = type IN (3, 4, 6, 7);
UPDATE messages SET ref = substr(body, 3, 16) WHERE type IN (2, 3, 4, 6, 7) AND length(body) >= 18;

DROP INDEX messages_order;
CREATE INDEX messages_order ON messages (conversation, lamport, author, counter, id) WHERE hidden = 0;
DROP INDEX messages_unreceipted;
CREATE INDEX messages_unreceipted ON messages (conversation, author, counter)
	WHERE erased = 0 AND state IN ('queued', 'direct', 'stored');
CREATE INDEX messages_unread ON messages (conversation, lamport, author, counter, id) WHERE read = 0 AND hidden = 0;
CREATE INDEX messages_timer ON messages (conversation, lamport, author, counter, id) WHERE type = 17;
CREATE INDEX messages_ref ON messages (conversation, ref) WHERE hidden = 1;
CREATE INDEX messages_early ON messages (conversation, author, counter) WHERE state = 'early';
CREATE INDEX messages_expires ON messages (expires) WHERE expires > 0;
CREATE INDEX messages_old ON messages (stored) WHERE hidden = 1;

ALTER TABLE receipts_due ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
DROP INDEX receipts_due_key;
CREATE UNIQUE INDEX receipts_due_key ON receipts_due (author, conversation, read, counter);

ALTER TABLE conversations ADD COLUMN no_read_receipts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN author BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
`

// schema10 brings whom the user has blocked, and whom a relay names now for the user
// name of a contact.
const schema10 = `
CREATE TABLE blocked (
	identity BLOB PRIMARY KEY,
	at       INTEGER NOT NULL
) STRICT;

ALTER TABLE contacts ADD COLUMN changed BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
`

// schema11 brings the index of the search. It is filled by and by, so that writing a
// message does not wait for it.
const schema11 = `
ALTER TABLE messages ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_unindexed ON messages (conversation) WHERE indexed = 0 AND hidden = 0;

CREATE TABLE searchable (
	no           INTEGER PRIMARY KEY,
	conversation BLOB NOT NULL,
	author       BLOB NOT NULL,
	id           BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX searchable_key ON searchable (id, conversation, author);

CREATE VIRTUAL TABLE search USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
`

// schema12 brings those who ask to be contacts.
const schema12 = `
CREATE TABLE requests (
	identity BLOB PRIMARY KEY,
	name     TEXT NOT NULL,
	via      TEXT NOT NULL,
	card     BLOB NOT NULL,
	at       INTEGER NOT NULL,
	welcomed INTEGER NOT NULL,
	refused  INTEGER NOT NULL
) STRICT;
`

// schema13 lets rows that carry the same bytes share them: a message or a commit for a
// group, and the Welcome of all who were added by one commit. A parcel goes with the
// last row that refers to it.
const schema13 = `
CREATE TABLE parcels (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	bytes BLOB NOT NULL
) STRICT;

ALTER TABLE outbox ADD COLUMN parcel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET sealed = 1 WHERE length(payload) > 0;
DROP INDEX outbox_unsealed;
DROP INDEX outbox_fresh;
CREATE INDEX outbox_unsealed ON outbox (recipient, id) WHERE sealed = 0;
CREATE INDEX outbox_fresh ON outbox (recipient, id) WHERE sealed = 1 AND stored_at = 0 AND direct_at = 0;
CREATE INDEX outbox_parcel ON outbox (parcel) WHERE parcel > 0;

ALTER TABLE intents ADD COLUMN parcel INTEGER NOT NULL DEFAULT 0;
CREATE INDEX intents_parcel ON intents (parcel) WHERE parcel > 0;
INSERT INTO parcels (id, bytes) SELECT id, value FROM intents WHERE kind = 1 AND length(value) > 0;
UPDATE intents SET parcel = id, value = x'' WHERE kind = 1 AND length(value) > 0;

CREATE TRIGGER outbox_gone AFTER DELETE ON outbox WHEN old.parcel > 0 BEGIN
	DELETE FROM parcels WHERE id = old.parcel
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE parcel = old.parcel AND parcel > 0)
		AND NOT EXISTS (SELECT 1 FROM intents WHERE parcel = old.parcel AND parcel > 0);
END;
CREATE TRIGGER outbox_opened AFTER UPDATE OF parcel ON outbox WHEN old.parcel > 0 BEGIN
	DELETE FROM parcels WHERE id = old.parcel
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE parcel = old.parcel AND parcel > 0)
		AND NOT EXISTS (SELECT 1 FROM intents WHERE parcel = old.parcel AND parcel > 0);
END;
CREATE TRIGGER intents_gone AFTER DELETE ON intents WHEN old.parcel > 0 BEGIN
	DELETE FROM parcels WHERE id = old.parcel
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE parcel = old.parcel AND parcel > 0)
		AND NOT EXISTS (SELECT 1 FROM intents WHERE parcel = old.parcel AND parcel > 0);
END;
CREATE TRIGGER intents_opened AFTER UPDATE OF parcel ON intents WHEN old.parcel > 0 BEGIN
	DELETE FROM parcels WHERE id = old.parcel
		AND NOT EXISTS (SELECT 1 FROM outbox WHERE parcel = old.parcel AND parcel > 0)
		AND NOT EXISTS (SELECT 1 FROM intents WHERE parcel = old.parcel AND parcel > 0);
END;
`

// schema14 lets conversations be put away.
const schema14 = `
ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
`

// schema15 makes the index of the search anew: with the first characters of each word, so
// that a word that is only begun is found as fast as a whole one, and with the
// conversation of each line as a word of its own. It is filled by and by again.
const schema15 = `
DROP TABLE search;
DELETE FROM searchable;
UPDATE messages SET indexed = 0 WHERE indexed = 1;
CREATE VIRTUAL TABLE search USING fts5(text, place, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3 4 5 6 7 8');
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
`

// schema16 keeps which relay handed an endpoint out; none is whose endpoint it is.
const schema16 = `
ALTER TABLE endpoints ADD COLUMN relay BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
`
