package mls

import "bytes"

// Records holds the state of one epoch as small keyed records; the caller gives
// each epoch a scope of its own and puts it into its transaction. A message
// sent or received reads and writes a few records of about 100 bytes, whatever
// the size of the group.
//
// Nothing of it is cached here, so a transaction may be rolled back at any
// point: the next call sees the records as they are then. Calls on the records
// of one epoch must not run at the same time.
type Records interface {
	// Get returns a copy of the value, or nil when there is none.
	Get(key string) ([]byte, error)
	// Put stores a copy of value.
	Put(key string, value []byte) error
	// Delete removes the record; there may be none.
	Delete(key string) error
}

// Scratch is Records in memory, for an epoch that is never stored: the epoch 0
// of a group whose creator at once commits its first Adds.
type Scratch map[string][]byte

// Get implements Records.
func (s Scratch) Get(key string) ([]byte, error) { return bytes.Clone(s[key]), nil }

// Put implements Records.
func (s Scratch) Put(key string, value []byte) error {
	s[key] = bytes.Clone(value)
	return nil
}

// Delete implements Records.
func (s Scratch) Delete(key string) error {
	clear(s[key])
	delete(s, key)
	return nil
}
