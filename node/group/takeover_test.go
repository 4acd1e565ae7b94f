package group

import (
	"crypto/sha256"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// takeOver makes an MLS group of p's own under the id of another and sends to the
// Welcome. root is what p says the group was before.
func (p *person) takeOver(group []byte, to *person, root message.GroupRoot) error {
	p.t.Helper()
	x, err := charter.Extension(root.Profile)
	must(p.t, err)
	own := p.id.ID()
	first, err := mls.Create(mls.GroupConfig{
		Suite: keys.Suite, GroupID: group, Signer: p.id.MLS(), Identity: own[:], Extensions: []mls.Extension{x},
		RequiredCapabilities: mls.RequiredCapabilities{Extensions: []uint16{keys.ConversationExtension}},
		Capabilities:         keys.Capabilities(),
	})
	must(p.t, err)
	kp, err := mls.ParseKeyPackage(to.keyPackage(nil))
	must(p.t, err)
	staged, err := first.Commit(mls.Scratch{}, mls.CommitConfig{Add: []*mls.KeyPackage{kp}, Now: time.Now(), Public: true})
	must(p.t, err)
	next, err := staged.Apply(nil)
	must(p.t, err)
	root.Group, root.Leaves = group, []rpc.Identity{own}
	card := &message.CommitCard{
		Group: group, Parent: root.Name, Number: root.Number + 1, Committer: own, Added: []rpc.Identity{to.id.ID()},
		Binding: next.Binding(), Digest: sha256.Sum256(staged.Message()),
	}
	must(p.t, card.Sign(p.id.Sign))
	raw, err := card.Encode()
	must(p.t, err)
	frame, err := message.EncodeFrame(message.MLSMessages{staged.Welcome()}, &message.GroupTree{Root: &root, Commits: []message.Commit{{Card: raw}}})
	must(p.t, err)
	blob, err := to.keys.Hybrid(p.t.Context(), time.Now())
	must(p.t, err)
	key, err := seal.ParseHybridKey(blob, to.id.ID(), time.Now())
	must(p.t, err)
	payload, err := seal.Seal(key, to.id.ID(), frame)
	must(p.t, err)
	return to.receive(p, payload)
}

// TestTakeOver: a contact who knows a group's id, as a member does and who was removed,
// makes a group of its own under that id. No Welcome to that takes the place of the
// group (RFC 9420, §12.4.3.1: the group id is new to who joins), whatever it says the
// group was before.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "anna", "bert", "cleo")
		anna, bert, cleo := all[0], all[1], all[2]
		group := newGroup(t, all...)
		id := charter.ConversationID(group)
		mine := message.GroupProfile{Name: "group", Admins: []rpc.Identity{bert.id.ID()}}
		heads := func() (root, head message.EpochName) {
			cleo.view(func(tx *store.Tx) error {
				row, err := tx.Group(group)
				must(t, err)
				tree, err := cleo.groups.load(tx, group)
				root, head = tree.Epochs[0].Name, row.Epoch
				return err
			})
			return root, head
		}
		for _, removed := range []bool{false, true} {
			if removed {
				must(t, anna.groups.Remove(t.Context(), id, bert.id.ID()))
				settle(group, all...)
			}
			root, head := heads()
			for name, at := range map[string]message.GroupRoot{
				"another root":   {Name: message.EpochName{9}, Profile: mine},
				"below our root": {Name: root, Profile: mine},
				"below our head": {Name: head, Profile: mine, Number: 5},
			} {
				if err := bert.takeOver(group, cleo, at); !errors.Is(err, convo.ErrRefused) {
					t.Errorf("%s, removed %v: got %v, want it refused", name, removed, err)
				}
				if _, now := heads(); now != head {
					t.Fatalf("%s, removed %v: cleo is in another epoch", name, removed)
				}
			}
		}
		settle(group, all...)
		together(group, anna, cleo)
		// Who was away for so long that the two have nothing in common gets in again by
		// an admin.
		anew := message.GroupRoot{Name: message.EpochName{9}}
		anew.Profile = message.GroupProfile{Name: "group", Admins: []rpc.Identity{anna.id.ID()}}
		must(t, anna.takeOver(group, cleo, anew))
		if _, now := heads(); len(cleo.members(group)) != 2 || now == (message.EpochName{}) {
			t.Error("cleo is not in the group that anna began anew")
		}
	})
}

// TestTakeOverPair: nor does one take the place of a conversation of two.
func TestTakeOverPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newPeople(t, "bert", "cleo")
		bert, cleo := all[0], all[1]
		_, err := bert.engine.Send(t.Context(), cleo.id.ID(), chat("hello"))
		must(t, err)
		must(t, bert.engine.Start(t.Context(), cleo.id.ID(), cleo.keyPackage(nil)))
		bert.carry(cleo)
		pair := func() (row store.Group) {
			cleo.view(func(tx *store.Tx) error {
				c, err := tx.ConversationOf(bert.id.ID())
				must(t, err)
				row, err = tx.Group(c.Group)
				return err
			})
			return row
		}
		before := pair()
		root := message.GroupRoot{Name: message.EpochName{9}, Profile: message.GroupProfile{Name: "group", Admins: []rpc.Identity{bert.id.ID()}}}
		if err := bert.takeOver(before.ID, cleo, root); !errors.Is(err, convo.ErrRefused) {
			t.Errorf("got %v, want it refused", err)
		}
		if after := pair(); after.Epoch != before.Epoch || after.Conversation != before.Conversation {
			t.Error("the group of two is another one")
		}
	})
}
