package mls

import (
	"bytes"
	"fmt"
)

// Records of an epoch beside those of the secret tree.
const (
	recordEpoch = "epoch"
	recordTree  = "tree"
	// recordClosed is there when a ReInit ended the group.
	recordClosed = "closed"
)

// recordVersion is the first byte of the epoch record; it stands for the form
// of all records of the epoch.
const recordVersion = 1

// Save writes a new epoch's records and hands its secret tree over to them. An
// epoch is saved once; after a transaction that was rolled back, make it again
// (Stage and Apply, Join, Create) and save that.
func (e *Epoch) Save(r Records) error {
	root := e.encryption.Swap(nil)
	if root == nil {
		return fmt.Errorf("save epoch: %w", ErrSaved)
	}
	c := &recordChanges{}
	c.put(recordEpoch, e.bytes())
	c.put(recordTree, encoded(e.tree))
	c.put(secretRecord(rootIndex(e.tree.leaves)), *root)
	if e.closed != nil {
		c.put(recordClosed, encoded(e.closed))
	}
	if err := c.write(r); err != nil {
		return fmt.Errorf("save epoch: %w", err)
	}
	return nil
}

// bytes encodes what is neither tree nor secret tree. It makes room first: what
// growing leaves behind would not be wiped.
func (e *Epoch) bytes() []byte {
	size := 64 + len(e.encoded) + len(e.tag) + len(e.interim)
	for _, field := range e.secrets.fields() {
		size += 4 + len(*field)
	}
	for _, key := range e.private {
		size += 8 + len(key.raw)
	}
	var w writer
	w.room(size)
	w.u8(recordVersion)
	w.u32(e.own)
	w.vec(e.encoded)
	w.vec(e.tag)
	w.vec(e.interim)
	for _, field := range e.secrets.fields() {
		w.vec(*field)
	}
	w.nested(func(w *writer) {
		for x, key := range e.private {
			w.u32(uint32(x))
			w.vec(key.raw)
		}
	})
	return w.b
}

// LoadEpoch reads an epoch back. The signer must hold the signature key of the
// member's leaf. The whole tree is read: keep the Epoch rather than load it for
// each message.
func LoadEpoch(r Records, signer Signer) (*Epoch, error) {
	b, err := r.Get(recordEpoch)
	if err != nil {
		return nil, fmt.Errorf("load epoch: %w", err)
	}
	e, err := parseEpoch(b)
	if err != nil {
		return nil, fmt.Errorf("load epoch: %w", err)
	}
	treeBytes, err := r.Get(recordTree)
	if err != nil {
		return nil, fmt.Errorf("load epoch: %w", err)
	}
	if e.tree, err = parseTree(e.suite, treeBytes); err != nil {
		return nil, fmt.Errorf("load epoch: tree: %w", ErrRecords)
	}
	l := e.tree.leaf(e.own)
	if !bytes.Equal(e.tree.hash(), e.context.treeHash) || l == nil {
		return nil, fmt.Errorf("load epoch: tree: %w", ErrRecords)
	}
	if !bytes.Equal(signer.Public(), l.signatureKey) {
		return nil, fmt.Errorf("load epoch: signer of another leaf: %w", ErrInvalid)
	}
	e.signer = signer
	if err := e.loadClosed(r); err != nil {
		return nil, err
	}
	return e, nil
}

// loadClosed reads what ended the group, if anything did.
func (e *Epoch) loadClosed(r Records) error {
	b, err := r.Get(recordClosed)
	if err != nil {
		return fmt.Errorf("load epoch: %w", err)
	}
	if b == nil {
		return nil
	}
	d := &reader{b: b}
	e.closed = decodeReInit(d)
	if d.finish() != nil {
		return fmt.Errorf("load epoch: reinit: %w", ErrRecords)
	}
	return nil
}

func parseEpoch(b []byte) (*Epoch, error) {
	r := &reader{b: b}
	if r.u8() != recordVersion {
		r.fail()
	}
	e := &Epoch{own: r.u32(), encoded: r.vec(), tag: r.vec(), interim: r.vec()}
	for _, field := range e.secrets.fields() {
		*field = r.vec()
	}
	e.private = make(map[nodeIndex]*privateKey)
	keys := r.sub()
	for keys.more() {
		x := nodeIndex(keys.u32())
		e.private[x] = &privateKey{raw: keys.vec()}
	}
	r.end(keys)
	context := &reader{b: e.encoded}
	e.context = decodeGroupContext(context)
	if r.finish() != nil || context.finish() != nil {
		return nil, fmt.Errorf("epoch: %w", ErrRecords)
	}
	var err error
	e.suite, err = e.context.suite.lookup()
	return e, err
}
