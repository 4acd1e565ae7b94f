package convo

import (
	"quicnprotochat/mls"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// noGroups is a person's groups who is in none.
type noGroups struct{}

func (noGroups) Welcome(*store.Tx, *news.Effects, *mls.Epoch) error { return ErrRefused }

func (noGroups) Part(*store.Tx, *news.Effects, message.Part) error { return ErrRefused }

func (noGroups) Info(*store.Tx, *news.Effects, []byte) error { return ErrRefused }

func (noGroups) Control(*store.Tx, *news.Effects, *message.Control, message.Body) error {
	return ErrRefused
}

func (noGroups) Speaks(*store.Tx, *news.Effects, store.Group, rpc.Identity, [16]byte) (bool, error) {
	return false, nil
}

func (noGroups) Others(*store.Tx, store.Conversation) ([]rpc.Identity, error) { return nil, nil }

func (noGroups) Reached(*store.Tx, *news.Effects, store.Conversation, rpc.Identity, message.Ranges, string) error {
	return ErrRefused
}

func (noGroups) Progress(*store.Tx, *news.Effects, store.Outgoing, store.Message) error { return nil }

func (noGroups) Renew(*store.Tx, *news.Effects, store.Outgoing) error { return nil }

func (noGroups) Wants(*store.Tx, rpc.Identity) (bool, error) { return false, nil }

func (noGroups) Package(*store.Tx, *news.Effects, rpc.Identity, *mls.KeyPackage) (bool, error) {
	return false, nil
}
func (noGroups) CardChanged(*store.Tx, *news.Effects, store.Contact, []byte) error { return nil }
func (noGroups) Waiting(*store.Tx) ([]rpc.Identity, error)                         { return nil, nil }
func (noGroups) Changed([]byte)                                                    {}
