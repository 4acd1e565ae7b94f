package convo

import (
	"fmt"

	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// control applies a control message, whose signature is good.
func (e *Engine) control(tx *store.Tx, fx *news.Effects, m *message.Control) error {
	if m.Recipient != e.self || m.Sender == e.self {
		return fmt.Errorf("%w: control message for somebody else", ErrRefused)
	}
	body, err := m.OpenBody()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch body.(type) {
	case *message.Report, *message.Ask, *message.InfoAsk, *message.LeaveNote, *message.CardAsk:
		// A group needs them of each member.
	default:
		if err := refuseBlocked(tx, m.Sender); err != nil {
			return err
		}
	}
	switch b := body.(type) {
	case *message.Introduction:
		c, before, err := e.Introduced(tx, fx, m.Sender, b)
		return e.cardChanged(tx, fx, c, before, err)
	case *message.CardUpdate:
		c, before, err := e.CardUpdate(tx, fx, m.Sender, b)
		return e.cardChanged(tx, fx, c, before, err)
	case *message.Receipt:
		return e.receipt(tx, fx, m, b)
	case *message.Repair:
		return e.repair(tx, fx, m, b)
	case *message.Passes:
		return e.KeepPasses(tx, m.Sender, b)
	case *message.Read:
		return e.wasRead(tx, fx, m, b)
	case *message.TypingNote:
		return e.typing(tx, fx, m)
	case *message.Report, *message.Ask, *message.InfoAsk, *message.LeaveNote, *message.CardAsk:
		return e.groups.Control(tx, fx, m, body)
	}
	return fmt.Errorf("%w: control message of unknown type %d", ErrRefused, m.Type)
}

// cardChanged tells the groups of a contact with another card.
func (e *Engine) cardChanged(tx *store.Tx, fx *news.Effects, c store.Contact, before []byte, err error) error {
	if err != nil || c.Identity == (rpc.Identity{}) {
		return err
	}
	return e.groups.CardChanged(tx, fx, c, before)
}

// refuseBlocked refuses what somebody has said whom the user has blocked.
func refuseBlocked(tx *store.Tx, id rpc.Identity) error {
	blocked, err := tx.IsBlocked(id)
	if err == nil && blocked {
		err = fmt.Errorf("%w: of somebody who is blocked", ErrRefused)
	}
	return err
}
