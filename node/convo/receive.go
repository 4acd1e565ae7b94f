package convo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/convo/pair"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/node/timeline"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// maxLamportStep bounds how far one message moves our Lamport clock, so that a
// hostile value does not use it up.
const maxLamportStep = 1 << 32

// Receive opens one committed payload, applies what is in it and marks it
// processed, in one transaction. It returns ErrWaiting if no key opens it yet
// (the row stays, marked as waiting) and ErrRefused, wrapped with the reason, if
// it is wrong (the row is gone, nothing of it was applied). Any other error is
// of the store: the row is as it was.
func (e *Engine) Receive(ctx context.Context, in store.Incoming) error {
	err := e.Follow(ctx, func(tx *store.Tx, fx *news.Effects) error {
		fx.In.Via = in.Via
		frame, err := e.open(tx, fx, in.Payload)
		if err != nil {
			return err
		}
		if fx.In.Parts, err = message.ParseFrame(frame); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
		for _, part := range fx.In.Parts {
			if err := e.apply(tx, fx, part); err != nil {
				return err
			}
		}
		return tx.DoneIncoming(in.ID)
	})
	switch {
	case errors.Is(err, ErrWaiting) && in.Waiting:
		return err
	case errors.Is(err, ErrWaiting):
		return errors.Join(err, e.Follow(ctx, func(tx *store.Tx, fx *news.Effects) error { return e.wait(tx, fx, in.ID, err) }))
	case errors.Is(err, ErrRefused):
		// Not remembered either: whoever pours out rubbish would fill the disk.
		return errors.Join(err, e.Follow(ctx, func(tx *store.Tx, _ *news.Effects) error { return tx.DropIncoming(in.ID) }))
	}
	return err
}

// wait lets a payload wait. Who is known from a group alone and invites to one asks to be
// a contact by that: else the user would never learn of it.
func (e *Engine) wait(tx *store.Tx, fx *news.Effects, id int64, cause error) error {
	var by *Invitation
	if errors.As(cause, &by) {
		if _, _, err := e.Asking(tx, fx, by.From); err != nil && !errors.Is(err, ErrRefused) {
			return err
		}
	}
	return tx.SetWaiting(id)
}

// open removes the seal of a payload.
func (e *Engine) open(tx *store.Tx, fx *news.Effects, payload []byte) ([]byte, error) {
	kind, err := seal.PayloadKind(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if kind == seal.KindHybrid {
		frame, err := e.cfg.Keys.Open(tx, payload)
		switch {
		case errors.Is(err, store.ErrDamaged):
			return nil, err
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return frame, nil
	}
	epochs, err := tx.Epochs()
	if err != nil {
		return nil, err
	}
	for _, row := range epochs {
		key := seal.EpochKey(row.SealKey)
		if !key.Matches(payload) {
			continue
		}
		frame, err := key.Open(payload)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		fx.In.Epoch = row.ID
		return frame, nil
	}
	return nil, ErrWaiting
}

func (e *Engine) apply(tx *store.Tx, fx *news.Effects, part message.Part) error {
	switch p := part.(type) {
	case *message.Control:
		return e.control(tx, fx, p)
	case message.MLSMessages:
		for _, m := range p {
			if err := e.mlsMessage(tx, fx, m); err != nil {
				return err
			}
		}
		return nil
	case message.RatchetTree:
		return nil // of the Welcome or GroupInfo beside it
	case *message.GroupTree, message.ContactCards:
		return e.groups.Part(tx, fx, p)
	}
	return fmt.Errorf("%w: unknown part of a frame", ErrRefused)
}

func (e *Engine) mlsMessage(tx *store.Tx, fx *news.Effects, m []byte) error {
	info, err := mls.ParseMessage(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch info.WireFormat {
	case mls.WireWelcome:
		return e.welcome(tx, fx, m)
	case mls.WirePrivateMessage:
		if info.Commit || info.Proposal {
			return fmt.Errorf("%w: a proposal, or a commit without its card", ErrRefused)
		}
		return e.private(tx, fx, m, info)
	case mls.WireGroupInfo:
		return e.groups.Info(tx, fx, m)
	}
	return fmt.Errorf("%w: MLS message of a kind that a conversation of two has no use for", ErrRefused)
}

// welcome joins a group that somebody made or is in.
func (e *Engine) welcome(tx *store.Tx, fx *news.Effects, welcome []byte) error {
	now := tx.Now()
	row, err := ownKeyPackage(tx, welcome)
	if err != nil {
		return err
	}
	kp, err := mls.ParseKeyPackage(row.Package)
	if err != nil {
		return fmt.Errorf("key package: %w", store.ErrDamaged)
	}
	secrets, err := mls.ParseKeyPackageSecrets(row.Secrets)
	if err != nil {
		return fmt.Errorf("key package: %w", store.ErrDamaged)
	}
	ep, err := mls.Join(mls.JoinConfig{
		Welcome: welcome, KeyPackage: kp, Secrets: secrets, Signer: e.cfg.Identity.MLS(), RatchetTree: fx.In.RatchetTree(),
		MaxMembers: message.MaxMembers,
	})
	if err != nil {
		return fmt.Errorf("%w: welcome: %w", ErrRefused, err)
	}
	if err := checkMembers(ep); err != nil {
		return err
	}
	if kind, _ := keys.Conversation(ep.Extensions()); kind == keys.KindGroup {
		if err := e.groups.Welcome(tx, fx, ep); err != nil {
			return err
		}
		return e.keepPackage(tx, fx, row, now)
	}
	if !row.LastResort {
		if err := tx.DeleteKeyPackage(row.Ref); err != nil {
			return err
		}
		fx.UsedKeyPackage()
	}
	return e.pairWelcome(tx, fx, ep, now)
}

// keepTime is how long the key package of a group's Welcome is kept: another
// Welcome may come for it, if the commit of the first one loses.
const keepTime = 7 * 24 * time.Hour

// keepPackage keeps a key package that a Welcome to a group has used for a while
// longer. It is nobody's stock any more.
func (e *Engine) keepPackage(tx *store.Tx, fx *news.Effects, row store.KeyPackage, now time.Time) error {
	if row.LastResort || row.Place.IsZero() {
		return nil
	}
	row.Place, row.HandedOut, row.Expires = transport.Key{}, true, now.Add(keepTime)
	fx.UsedKeyPackage()
	return tx.PutKeyPackage(row)
}

// checkMembers refuses a group in which a key is not that of the identity it
// stands for: the credential is the key itself (RFC 9420, §5.3.1).
func checkMembers(ep *mls.Epoch) error {
	for _, m := range ep.Members() {
		if len(m.Identity) != len(rpc.Identity{}) || !bytes.Equal(m.Identity, m.SignatureKey) {
			return fmt.Errorf("%w: a member's key is not that of its identity", ErrRefused)
		}
	}
	return nil
}

// pairWelcome enters the group of a pair that a contact made.
func (e *Engine) pairWelcome(tx *store.Tx, fx *news.Effects, ep *mls.Epoch, now time.Time) error {
	peer, about, err := e.pairOf(ep)
	if err != nil {
		return err
	}
	if err := refuseBlocked(tx, peer); err != nil {
		return err
	}
	asks, request, err := e.Asking(tx, fx, peer)
	if err != nil {
		return err
	}
	if asks && request.Welcomed {
		return fmt.Errorf("%w: another welcome of somebody who asks to be a contact", ErrRefused)
	}
	if _, err := tx.Group(ep.GroupID()); !store.IsNotFound(err) {
		return errors.Join(err, fmt.Errorf("%w: welcome to a group that is known", ErrRefused))
	}
	c, err := e.conversation(tx, peer, now)
	if err != nil {
		return err
	}
	g := store.Group{ID: ep.GroupID(), Conversation: c.ID, Creator: peer, Counter: about.Counter}
	if _, err := e.enter(tx, g, ep); err != nil {
		return err
	}
	fx.Entered()
	if asks {
		request.Welcomed = true
		err = tx.PutRequest(request)
	} else {
		var contact store.Contact
		if contact, err = tx.Contact(peer); err == nil {
			err = e.KnowsUs(tx, contact)
		}
	}
	if err != nil {
		return err
	}
	_, err = e.choose(tx, fx, c, now)
	return err
}

// ownKeyPackage finds the key package that a Welcome is for.
func ownKeyPackage(tx *store.Tx, welcome []byte) (store.KeyPackage, error) {
	refs, err := mls.WelcomeRefs(welcome)
	if err != nil {
		return store.KeyPackage{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	for _, ref := range refs {
		row, err := tx.KeyPackage(ref)
		if !store.IsNotFound(err) {
			return row, err
		}
	}
	return store.KeyPackage{}, fmt.Errorf("%w: welcome for a key package that is not here", ErrRefused)
}

// pairOf checks that an epoch joined by Welcome is the group of a conversation
// of two, made by the other one of them.
func (e *Engine) pairOf(ep *mls.Epoch) (peer rpc.Identity, about pair.Context, err error) {
	if about, err = pair.Parse(ep.Extensions()); err != nil {
		return peer, about, err
	}
	members := ep.Members()
	if len(members) != 2 || members[0].Leaf != 0 || len(members[0].Identity) != len(peer) {
		return peer, about, fmt.Errorf("%w: conversation of two with %d members", ErrRefused, len(members))
	}
	peer = rpc.Identity(members[0].Identity)
	if peer == e.self || !bytes.Equal(members[1].Identity, e.self[:]) || !about.Of(e.self, peer) {
		return peer, about, fmt.Errorf("%w: members are not those of the conversation", ErrRefused)
	}
	return peer, about, nil
}

// private decrypts an application message and stores it.
func (e *Engine) private(tx *store.Tx, fx *news.Effects, m []byte, info mls.MessageInfo) error {
	g, err := tx.Group(info.GroupID)
	if store.IsNotFound(err) {
		return ErrWaiting
	}
	if err != nil {
		return err
	}
	c, err := tx.Conversation(g.Conversation)
	if err != nil {
		return err
	}
	epoch := g.Epoch
	if IsGroup(c) {
		if epoch, err = madeIn(tx, fx, info); err != nil {
			return err
		}
	}
	ep, records, err := e.Epoch(tx, epoch)
	if err != nil {
		return err
	}
	if !bytes.Equal(ep.GroupID(), g.ID) || ep.Number() != info.Epoch {
		return fmt.Errorf("%w: message of an epoch that is not here", ErrRefused)
	}
	app, err := ep.Decrypt(records, m)
	if errors.Is(err, mls.ErrTooFarAhead) && !IsGroup(c) {
		// Nor can what follows it be read. The author encrypts what has no receipt
		// again in the group to come.
		return e.startOver(tx, fx, g.Conversation, g.ID)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if len(app.Identity) == len(rpc.Identity{}) {
		if err := refuseBlocked(tx, rpc.Identity(app.Identity)); err != nil {
			return err
		}
	}
	if IsGroup(c) {
		return e.groupMessage(tx, fx, g, c, app)
	}
	if !bytes.Equal(app.Identity, c.Peer[:]) {
		return fmt.Errorf("%w: message by somebody who is not in the conversation", ErrRefused)
	}
	switch r, err := tx.Request(c.Peer); {
	case err == nil && !r.Refused.IsZero():
		return fmt.Errorf("%w: of somebody who was refused", ErrRefused)
	case err == nil:
		return e.askText(tx, fx, c, app)
	case !store.IsNotFound(err):
		return err
	}
	contact, err := tx.Contact(c.Peer)
	if store.IsNotFound(err) {
		return fmt.Errorf("%w: message from somebody who is not a contact", ErrRefused)
	}
	if err != nil {
		return err
	}
	if err := e.InGroup(tx, contact, g.ID); err != nil {
		return err
	}
	return e.accept(tx, fx, c, c.Peer, app)
}

// madeIn returns the epoch in which a message of a group was made, which may be one of
// another branch than ours: the one whose key has opened the seal, else the one that the
// message names. Whoever names another one than its own makes it unreadable.
func madeIn(tx *store.Tx, fx *news.Effects, info mls.MessageInfo) ([16]byte, error) {
	if fx.In.Epoch != [16]byte{} {
		return fx.In.Epoch, nil
	}
	data, err := message.ParseAuthData(info.AuthenticatedData)
	if err != nil {
		return data.Head, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if _, err := tx.Epoch(data.Head); store.IsNotFound(err) {
		return data.Head, ErrWaiting // its commit may be on its way
	} else if err != nil {
		return data.Head, err
	}
	return data.Head, nil
}

// groupMessage stores a message of a group if its author may speak there.
func (e *Engine) groupMessage(tx *store.Tx, fx *news.Effects, g store.Group, c store.Conversation, app mls.Application) error {
	data, err := message.ParseAuthData(app.AuthenticatedData)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	author := rpc.Identity(app.Identity)
	ok, err := e.groups.Speaks(tx, fx, g, author, data.Head)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: message by somebody who is not in the group any more", ErrRefused)
	}
	return e.accept(tx, fx, c, author, app)
}

// accept stores a decrypted message of an author, or notes that it came again.
func (e *Engine) accept(tx *store.Tx, fx *news.Effects, c store.Conversation, author rpc.Identity, app mls.Application) error {
	data, err := message.ParseAuthData(app.AuthenticatedData)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	parsed, err := message.Parse(app.Data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch parsed.Type {
	case message.Typing:
		fx.Show(news.Event{Kind: news.EventTyping, Peer: author, Conversation: c})
		return nil
	case message.DeliveryReceipt:
		return e.delivered(tx, fx, c, author, parsed.Receipt)
	case message.ReadReceipt:
		return e.readOne(tx, fx, c, author, parsed.Ref)
	}
	if data.Counter == 0 {
		return fmt.Errorf("%w: counter out of range", ErrRefused)
	}
	c.Lamport = max(c.Lamport, min(data.Lamport, c.Lamport+maxLamportStep, message.MaxCounter-maxLamportStep))
	c.Archived = c.Archived && !says(parsed.Type)
	if err := tx.PutConversation(c); err != nil {
		return err
	}
	m := store.Message{
		Conversation: c.ID, Author: author, ID: messageID(parsed, author, data.Counter), Type: byte(parsed.Type), Body: app.Data,
		Lamport: data.Lamport, Counter: data.Counter, Sent: data.Sent, Stored: tx.Now(),
		State: StateReceived, Path: fx.In.Via,
	}
	out, err := timeline.Add(tx, m, parsed)
	switch {
	case errors.Is(err, store.ErrConflict):
		return fmt.Errorf("%w: message id used twice with different bodies", ErrRefused)
	case errors.Is(err, timeline.ErrNotAuthor), errors.Is(err, timeline.ErrKind):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case err != nil:
		return err
	case out.New:
		fx.Show(news.Event{Kind: news.EventMessage, Peer: author, Message: *out.Entry})
	}
	tell(fx, author, parsed.Type, out)
	fx.Owed(author)
	return tx.AddReceiptDue(store.ReceiptDue{Conversation: c.ID, Author: author, Counter: data.Counter})
}
