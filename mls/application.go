package mls

import (
	"bytes"
	"fmt"
)

// maxContent bounds what is encrypted at once; far above what is sent.
const maxContent = 1 << 28

// An Application is a decrypted application message.
type Application struct {
	// Leaf and Identity are of the member who sent and signed it.
	Leaf     uint32
	Identity []byte
	// AuthenticatedData travelled in the clear; the signature covers it.
	AuthenticatedData []byte
	Data              []byte
	// Generation is the message's place among those of its sender in the epoch.
	Generation uint32
}

// Encrypt signs and encrypts an application message and returns it as an
// MLSMessage (RFC 9420, §6.3, §15). It has advanced this member's ratchet in
// the records before it returns: the message may be sent when they are stored.
// There is no padding; whoever seals the message pads it. Where proposals are
// Pending, the caller commits first.
func (e *Epoch) Encrypt(r Records, authenticatedData, plaintext []byte) ([]byte, error) {
	if e.closed != nil {
		return nil, fmt.Errorf("encrypt: %w", ErrClosed)
	}
	if len(plaintext) > maxContent || len(authenticatedData) > maxContent {
		return nil, fmt.Errorf("encrypt: over %d bytes: %w", maxContent, ErrInvalid)
	}
	a := &authenticatedContent{wireFormat: WirePrivateMessage, content: &framedContent{
		groupID:           e.context.groupID,
		epoch:             e.context.epoch,
		sender:            sender{senderMember, e.own},
		authenticatedData: authenticatedData,
		typ:               contentApplication,
		application:       plaintext,
	}}
	if err := a.sign(e.signer, e.encoded); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	m, err := e.sealPrivate(r, a)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return m, nil
}

// Decrypt opens an application message of another member. The records are
// written only when it succeeds; they then hold neither the key it used nor
// anything that key could be derived from, so the same message fails with
// ErrReused. Messages may come in any order, within MaxForward and MaxKept.
func (e *Epoch) Decrypt(r Records, msg []byte) (Application, error) {
	m, err := decodeMessageOf(msg, WirePrivateMessage)
	if err != nil {
		return Application{}, fmt.Errorf("decrypt: %w", err)
	}
	p := m.private
	if p.typ != contentApplication {
		return Application{}, fmt.Errorf("decrypt: %w", ErrWrongKind)
	}
	if err := e.expects(p.groupID, p.epoch); err != nil {
		return Application{}, fmt.Errorf("decrypt: %w", err)
	}
	a, d, changes, err := e.openPrivate(r, p)
	if err != nil {
		return Application{}, fmt.Errorf("decrypt: %w", err)
	}
	if err := changes.write(r); err != nil {
		return Application{}, fmt.Errorf("decrypt: %w", err)
	}
	return Application{
		Leaf:              d.leaf,
		Identity:          bytes.Clone(e.tree.leaf(d.leaf).credential.identity),
		AuthenticatedData: p.authenticatedData,
		Data:              a.content.application,
		Generation:        d.generation,
	}, nil
}
