package headmodel

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/contact"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/group"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/profile"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// actor is the real code of a member, without a network and without a clock that
// goes on: the test brings it what it is to get.
type actor struct {
	t       *testing.T
	id      *identity.Identity
	dir     string
	ahead   time.Duration // of its clock
	store   *store.Store
	keys    *keys.Keys
	profile *profile.Profile
	engine  *convo.Engine
	groups  *group.Groups
}

// silent is a notifier, and a host without addresses.
type silent struct{}

func (silent) Event(news.Event)             {}
func (silent) Outgoing(rpc.Identity)        {}
func (silent) Receipt(rpc.Identity)         {}
func (silent) ContactChanged(store.Contact) {}
func (silent) Joined()                      {}
func (silent) KeyPackageUsed()              {}
func (silent) Revoked()                     {}
func (silent) Addrs() []transport.Addr      { return nil }
func (silent) LocalAddrs() []transport.Addr { return nil }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newActor(t *testing.T) *actor {
	t.Helper()
	id, err := identity.Generate()
	must(t, err)
	a := &actor{t: t, id: id, dir: t.TempDir()}
	a.open()
	return a
}

// open begins with what is in the store.
func (a *actor) open() {
	a.t.Helper()
	var err error
	a.store, err = store.Open(store.Config{Dir: a.dir, Now: func() time.Time { return time.Now().Add(a.ahead) }})
	must(a.t, err)
	a.keys = keys.New(keys.Config{Store: a.store, Identity: a.id})
	a.profile, err = profile.New(a.t.Context(), profile.Config{Store: a.store, Identity: a.id, Name: "somebody"})
	must(a.t, err)
	a.profile.Attach(silent{})
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("QPC_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(a.t.Output(), nil))
	}
	a.engine = convo.New(convo.Config{Store: a.store, Identity: a.id, Keys: a.keys, Profile: a.profile, Notify: silent{}, Log: log})
	a.groups = group.New(group.Config{Store: a.store, Identity: a.id, Profile: a.profile, Engine: a.engine, Log: log})
}

// crash forgets all that is only in memory.
func (a *actor) crash() {
	a.t.Helper()
	must(a.t, a.store.Close())
	a.open()
}

// clone is another process on a copy of the home, which the actor must have closed.
func (a *actor) clone() *actor {
	a.t.Helper()
	c := &actor{t: a.t, id: a.id, dir: a.t.TempDir()}
	must(a.t, os.CopyFS(c.dir, os.DirFS(a.dir)))
	c.open()
	return c
}

// meet makes everybody a contact of everybody.
func meet(all []*actor) {
	for _, a := range all {
		for _, b := range all {
			if a == b {
				continue
			}
			link, _, err := b.profile.Link(context.Background(), time.Now())
			must(a.t, err)
			card, raw, err := contact.ParseLink(link)
			must(a.t, err)
			_, _, err = a.engine.AddContact(context.Background(), card, raw, "")
			must(a.t, err)
		}
	}
}

// update runs fn in a transaction of the engine.
func (a *actor) update(fn func(tx *store.Tx, fx *news.Effects) error) {
	a.t.Helper()
	must(a.t, a.engine.Update(context.Background(), fn))
}

// give brings a tree of commits.
func (a *actor) give(commits ...message.Commit) {
	a.t.Helper()
	a.update(func(tx *store.Tx, fx *news.Effects) error {
		return a.groups.Part(tx, fx, &message.GroupTree{Commits: commits})
	})
}

// giveInfo brings the GroupInfo of an epoch.
func (a *actor) giveInfo(groupInfo []byte) {
	a.t.Helper()
	a.update(func(tx *store.Tx, fx *news.Effects) error { return a.groups.Info(tx, fx, groupInfo) })
}

// receive brings a frame as a payload sealed to the actor.
func (a *actor) receive(frame []byte) error {
	a.t.Helper()
	ctx := context.Background()
	blob, err := a.keys.Hybrid(ctx, time.Now())
	must(a.t, err)
	key, err := seal.ParseHybridKey(blob, a.id.ID(), time.Now())
	must(a.t, err)
	payload, err := seal.Seal(key, a.id.ID(), frame)
	must(a.t, err)
	in := store.Incoming{Hash: sha256.Sum256(payload), Payload: payload, Via: "direct", Received: time.Now()}
	must(a.t, a.store.Update(ctx, func(tx *store.Tx) (err error) {
		in.ID, _, err = tx.AddIncoming(in)
		return err
	}))
	return a.engine.Receive(ctx, in)
}

// tend does what is due, and takes what was to be sent out of the outbox.
func (a *actor) tend(id []byte) {
	a.t.Helper()
	_, err := a.groups.Tend(context.Background(), id)
	must(a.t, err)
}

// forget erases what the actor wants and what it has to send: when it says what to
// whom is for the test.
func (a *actor) forget(id []byte) {
	a.t.Helper()
	a.update(func(tx *store.Tx, _ *news.Effects) error {
		intents, err := tx.Intents(id)
		for _, i := range intents {
			err = errors.Join(err, tx.DeleteIntent(i.ID))
		}
		to, more := tx.Recipients()
		err = errors.Join(err, more)
		for _, who := range to {
			for kind := range byte(8) {
				err = errors.Join(err, tx.DeleteOutgoingKind(who, kind, id))
			}
		}
		return err
	})
}

// head is the epoch that the actor is in.
func (a *actor) head(id []byte) (name message.EpochName) {
	a.t.Helper()
	must(a.t, a.store.View(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Group(id)
		name = row.Epoch
		return err
	}))
	return name
}

// commit returns a commit that the actor knows.
func (a *actor) commit(id []byte, name message.EpochName) (c message.Commit) {
	a.t.Helper()
	must(a.t, a.store.View(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Commit(id, name)
		c = message.Commit{Card: row.Card, Message: row.Message}
		return err
	}))
	return c
}

// commits returns all that the actor knows.
func (a *actor) commits(id []byte) (all []message.Commit) {
	a.t.Helper()
	var names []message.EpochName
	must(a.t, a.store.View(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.Commits(id)
		for _, row := range rows {
			if row.Parent != (message.EpochName{}) {
				names = append(names, row.Name)
			}
		}
		return err
	}))
	for _, name := range names {
		all = append(all, a.commit(id, name))
	}
	return all
}

// wants reports whether the actor looks for a key package of another.
func (a *actor) wants(other *actor) (wants bool) {
	a.t.Helper()
	must(a.t, a.store.View(context.Background(), func(tx *store.Tx) (err error) {
		wants, err = a.groups.Wants(tx, other.id.ID())
		return err
	}))
	return wants
}

// info is the GroupInfo of an epoch that the actor holds.
func (a *actor) info(name message.EpochName) (b []byte) {
	a.t.Helper()
	a.update(func(tx *store.Tx, _ *news.Effects) error {
		ep, _, err := a.engine.Epoch(tx, name)
		if err != nil {
			return err
		}
		b, err = ep.GroupInfo(true)
		return err
	})
	return b
}

// expire erases the keys of epochs.
func (a *actor) expire(id []byte, names []message.EpochName) {
	a.t.Helper()
	a.update(func(tx *store.Tx, _ *news.Effects) (err error) {
		for _, name := range names {
			a.engine.Forget(name)
			err = errors.Join(err, tx.DeleteEpoch(name))
			// What was too many is not there any more.
			if gone := tx.SetCommitState(id, name, byte(cards.StateGone)); !store.IsNotFound(gone) {
				err = errors.Join(err, gone)
			}
		}
		return err
	})
}

// welcome is the frame with the Welcome for a new member.
func (a *actor) welcome(id []byte, to *actor) (frame []byte) {
	a.t.Helper()
	must(a.t, a.store.View(context.Background(), func(tx *store.Tx) error {
		rows, err := tx.UnsealedFor(to.id.ID(), 0)
		for _, row := range rows {
			if row.Kind == store.KindWelcome && string(row.Group) == string(id) {
				frame = row.Frame
			}
		}
		return err
	}))
	return frame
}

// keyPackage is one of the post-quantum suite.
func (a *actor) keyPackage() []byte {
	a.t.Helper()
	ctx := context.Background()
	_, err := a.keys.Stock(ctx, transport.Key(a.id.ID()), 3, time.Now())
	must(a.t, err)
	for range 6 {
		b, err := a.keys.Take(ctx)
		must(a.t, err)
		if kp, err := mls.ParseKeyPackage(b); err == nil && kp.Suite() == keys.Suite {
			return b
		}
	}
	a.t.Fatal("no key package of the post-quantum suite")
	return nil
}

// forge makes a commit on an epoch whose keys it has, as a faulty member may. It keeps
// the keys of the new one apart from what the real code knows.
func (a *actor) forge(id []byte, parent message.EpochName, number uint64) (name message.EpochName, made message.Commit) {
	a.t.Helper()
	a.update(func(tx *store.Tx, _ *news.Effects) error {
		ep, records, err := a.engine.Epoch(tx, parent)
		if err != nil {
			return err
		}
		staged, err := ep.Commit(records, mls.CommitConfig{Update: true, Now: time.Now()})
		if err != nil {
			return err
		}
		next, err := staged.Apply(nil)
		if err != nil {
			return err
		}
		card := &message.CommitCard{
			Group: id, Parent: parent, Number: number, Committer: a.id.ID(), Binding: next.Binding(),
			Digest: sha256.Sum256(staged.Message()),
		}
		if err := card.Sign(a.id.Sign); err != nil {
			return err
		}
		if name, err = card.Name(); err != nil {
			return err
		}
		made.Message = staged.Message()
		if made.Card, err = card.Encode(); err != nil {
			return err
		}
		return a.hoard(tx, id, name, next)
	})
	return name, made
}

// enter enters an epoch that somebody else has committed, whatever the rule says.
func (a *actor) enter(id []byte, parent, name message.EpochName, commit []byte) {
	a.t.Helper()
	a.update(func(tx *store.Tx, _ *news.Effects) error {
		ep, records, err := a.engine.Epoch(tx, parent)
		if err != nil {
			return err
		}
		staged, err := ep.Stage(records, commit, mls.StageConfig{})
		if err != nil {
			return err
		}
		next, err := staged.Apply(records)
		if err != nil {
			return err
		}
		return a.hoard(tx, id, name, next)
	})
}

func (a *actor) hoard(tx *store.Tx, id []byte, name message.EpochName, ep *mls.Epoch) error {
	g, err := tx.Group(id)
	if err != nil {
		return err
	}
	return a.engine.Save(tx, g, name, ep)
}

// among returns the actors that are meant by a set.
func among(all []*actor, set uint8) (some []*actor) {
	for i, a := range all {
		if set&mbit(int8(i)) != 0 {
			some = append(some, a)
		}
	}
	return some
}

func identities(all []*actor) (ids []rpc.Identity) {
	for _, a := range all {
		ids = append(ids, a.id.ID())
	}
	return slices.Clip(ids)
}
