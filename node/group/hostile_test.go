package group

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/mls"
	"quicnprotochat/node/cards"
	"quicnprotochat/node/charter"
	"quicnprotochat/node/convo"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
	"quicnprotochat/rpc"
)

// forge commits on the head of p what no honest node would, with a card that says
// nothing of it.
func (p *person) forge(group []byte, cfg func(ep *mls.Epoch, r store.Records) mls.CommitConfig) {
	p.t.Helper()
	p.in(group, func(tx *store.Tx, fx *news.Effects, row store.Group, t *cards.Tree, ep *mls.Epoch, r store.Records) error {
		staged, err := ep.Commit(r, cfg(ep, r))
		if err != nil {
			return err
		}
		next, err := staged.Apply(nil)
		if err != nil {
			return err
		}
		card := &message.CommitCard{
			Group: group, Parent: t.Top().Name, Number: next.Number(), Committer: p.id.ID(),
			Binding: next.Binding(), Digest: sha256.Sum256(staged.Message()),
		}
		made, err := p.groups.keepOwn(tx, row, card, staged.Message(), next, time.Now())
		if err != nil {
			return err
		}
		return p.groups.spread(tx, fx, row, t.Top(), made, time.Now())
	})
}

// TestHostileKeyPackages: whoever is invited and hands out a key package that the
// group cannot take holds up nobody else, and comes in with a good one.
func TestHostileKeyPackages(t *testing.T) {
	for name, make := range map[string]func(bert *person, other []byte) []byte{
		"without what the group requires": func(bert *person, _ []byte) []byte {
			return bert.keyPackage(func(cfg *mls.KeyPackageConfig) { cfg.Capabilities = mls.Capabilities{} })
		},
		"with another's key": (*person).withKeyOf,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newPeople(t, "anna", "bert", "cleo")
				anna, bert, cleo := all[0], all[1], all[2]
				c, err := anna.groups.Create(t.Context(), "group", []rpc.Identity{cleo.id.ID(), bert.id.ID()})
				must(t, err)
				good := cleo.keyPackage(nil)
				must(t, anna.engine.Start(t.Context(), bert.id.ID(), make(bert, good)))
				must(t, anna.engine.Start(t.Context(), cleo.id.ID(), good))
				settle(c.Group, all...)
				if got := anna.members(c.Group); !slices.Contains(got, cleo.id.ID()) || len(got) != 2 {
					t.Fatalf("got %d members, want anna and cleo", len(got))
				}
				must(t, anna.engine.Start(t.Context(), bert.id.ID(), make(bert, good))) // alone, too
				settle(c.Group, all...)
				must(t, anna.engine.Start(t.Context(), bert.id.ID(), bert.keyPackage(nil)))
				settle(c.Group, all...)
				if got := bert.members(c.Group); len(got) != 3 {
					t.Errorf("got %d members, want 3", len(got))
				}
			})
		})
	}
}

// withKeyOf returns a key package of p whose leaf has the encryption key of another
// package: the key packages of all are there for all to see.
func (p *person) withKeyOf(other []byte) []byte {
	p.t.Helper()
	const (
		start = 2 + 2 + 2 + 1216 // version, suite, init key
		tail  = 2 + 64           // a signature
	)
	kp := p.keyPackage(nil)
	copy(kp[start+2:][:1216], other[start+2:])
	sign := func(label string, content, signature []byte) {
		var b cryptobyte.Builder
		b.AddUint8(uint8(len("MLS 1.0 " + label)))
		b.AddBytes([]byte("MLS 1.0 " + label))
		b.AddUint16(uint16(len(content)) | 1<<14)
		b.AddBytes(content)
		sig, err := p.id.MLS().Sign(b.BytesOrPanic())
		must(p.t, err)
		copy(signature, sig)
	}
	leafEnd := len(kp) - tail - 1 // no extensions
	sign("LeafNodeTBS", kp[start:leafEnd-tail], kp[leafEnd-64:leafEnd])
	sign("KeyPackageTBS", kp[:len(kp)-tail], kp[len(kp)-64:])
	return kp
}

// TestHostileCommits: a member's commit that does what its card does not say is
// entered by nobody, and the group goes on.
func TestHostileCommits(t *testing.T) {
	for name, cfg := range map[string]func(ep *mls.Epoch, r store.Records) mls.CommitConfig{
		"drops what is required": func(ep *mls.Epoch, _ store.Records) mls.CommitConfig {
			list := slices.DeleteFunc(ep.Extensions(), func(x mls.Extension) bool { return x.Type == mls.ExtensionRequiredCapabilities })
			return mls.CommitConfig{Extensions: list}
		},
		"lets somebody propose from outside": func(ep *mls.Epoch, _ store.Records) mls.CommitConfig {
			return mls.CommitConfig{Extensions: append(ep.Extensions(), mls.Extension{Type: mls.ExtensionExternalSenders, Data: []byte{0}})}
		},
		"commits what was sent before": func(ep *mls.Epoch, r store.Records) mls.CommitConfig {
			p, err := ep.ProposeExtensions(r, ep.Extensions(), mls.ProposeConfig{})
			must(t, err)
			return mls.CommitConfig{Proposals: [][]byte{p.Reference}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { refuseCommit(t, cfg) })
		})
	}
}

func refuseCommit(t *testing.T, cfg func(ep *mls.Epoch, r store.Records) mls.CommitConfig) {
	all := newPeople(t, "anna", "bert", "cleo")
	anna, bert, cleo := all[0], all[1], all[2]
	group := newGroup(t, all...)
	bert.forge(group, cfg)
	bert.carry(anna)
	bert.carry(cleo)
	var heads [2][]byte
	for i, p := range []*person{anna, cleo} {
		p.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, tree *cards.Tree, ep *mls.Epoch, _ store.Records) error {
			if tree.Top().Card.Committer != anna.id.ID() {
				t.Error("somebody entered the epoch")
			}
			heads[i] = ep.Authenticator()
			return nil
		})
	}
	if !bytes.Equal(heads[0], heads[1]) {
		t.Error("anna and cleo are apart")
	}
}

// TestStandAloneProposals: proposals that travel alone are against the rules of our
// groups, whoever sends them (RFC 9420, §12.2). None is kept, so that none has to be
// committed before a message is sent (§12.4).
func TestStandAloneProposals(t *testing.T) { synctest.Test(t, refuseProposals) }

func refuseProposals(t *testing.T) {
	all := newPeople(t, "anna", "bert", "cleo")
	anna, bert := all[0], all[1]
	group := newGroup(t, all...)
	var payloads [][]byte
	bert.in(group, func(tx *store.Tx, _ *news.Effects, row store.Group, tree *cards.Tree, ep *mls.Epoch, r store.Records) error {
		for _, cfg := range []mls.ProposeConfig{{}, {Public: true}} {
			for _, propose := range []func() (*mls.Proposal, error){
				func() (*mls.Proposal, error) { return ep.ProposeUpdate(r, cfg) },
				func() (*mls.Proposal, error) { return ep.ProposeRemove(r, 0, cfg) },
				func() (*mls.Proposal, error) { return ep.ProposeRemove(r, ep.OwnLeaf(), cfg) },
				func() (*mls.Proposal, error) { return ep.ProposeExtensions(r, nil, cfg) },
				func() (*mls.Proposal, error) { return ep.ProposePSK(r, mls.PSKID{ID: []byte("x")}, cfg) },
				func() (*mls.Proposal, error) { return ep.ProposeReInit(r, mls.ReInit{Suite: keys.Suite}, cfg) },
			} {
				p, err := propose()
				must(t, err)
				frame, err := message.EncodeFrame(message.MLSMessages{p.Message})
				must(t, err)
				var out store.Outgoing
				must(t, bert.engine.Wrap(tx, row, tree.Top().Name, frame, &out))
				payloads = append(payloads, out.Payload)
			}
		}
		return nil
	})
	for i, payload := range payloads {
		if err := anna.receive(bert, payload); !errors.Is(err, convo.ErrRefused) {
			t.Errorf("proposal %d: got %v, want it refused", i, err)
		}
	}
	anna.in(group, func(_ *store.Tx, _ *news.Effects, _ store.Group, _ *cards.Tree, ep *mls.Epoch, r store.Records) error {
		n, err := ep.Pending(r)
		if n != 0 {
			t.Errorf("%d proposals are kept", n)
		}
		return err
	})
	_, err := anna.groups.Send(t.Context(), charter.ConversationID(group), &message.Message{Type: message.Chat, ID: message.NewID(), Text: "still here"})
	must(t, err)
	settle(group, all...)
	for _, p := range all {
		if got := p.members(group); len(got) != 3 {
			t.Errorf("%d members, want 3", len(got))
		}
	}
}
