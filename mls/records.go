package mls

import (
	"bytes"
	"fmt"
)

// Records holds the state of one epoch as small keyed records; the caller gives
// each epoch a scope of its own and puts it into its transaction. A message
// sent or received reads and writes a few records of about 100 bytes, whatever
// the size of the group.
//
// What a call writes belongs into one transaction, all of it or nothing, and
// with it what the call returned: a message to be sent or its text, and with
// Apply and Save of the next epoch both epochs. The transaction is durable before
// a message is sent or a commit is told to anybody. After an error it is rolled
// back. So a crash loses a step and never a key: a step that is taken again, by
// an epoch that was kept or loaded again, uses no key twice and can read all that
// it could read before. Without transactions a message whose key was erased
// when the call failed can never be read.
//
// Nothing of the records is cached here: the next call sees them as they are
// then. Calls on the records of one epoch must not run at the same time.
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
	clear(s[key])
	s[key] = bytes.Clone(value)
	return nil
}

// Delete implements Records.
func (s Scratch) Delete(key string) error {
	clear(s[key])
	delete(s, key)
	return nil
}

// recordChanges is what an operation writes when it succeeds.
type recordChanges struct {
	puts    []recordPut
	deletes []string
}

type recordPut struct {
	key   string
	value []byte
}

func (c *recordChanges) put(key string, value []byte) {
	c.puts = append(c.puts, recordPut{key, value})
}

func (c *recordChanges) remove(key string) { c.deletes = append(c.deletes, key) }

// write makes the changes and wipes what was put. After an error the caller's
// transaction must be rolled back.
func (c *recordChanges) write(r Records) error {
	defer c.clear()
	for _, p := range c.puts {
		if err := r.Put(p.key, p.value); err != nil {
			return fmt.Errorf("put record: %w", err)
		}
	}
	for _, key := range c.deletes {
		if err := r.Delete(key); err != nil {
			return fmt.Errorf("delete record: %w", err)
		}
	}
	return nil
}

func (c *recordChanges) clear() {
	for _, p := range c.puts {
		clear(p.value)
	}
}
