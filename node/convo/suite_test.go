package convo

import (
	"context"
	"errors"
	"slices"
	"testing"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/store"
	"quicnprotochat/transport"
)

// keyPackage makes a key package of q that says it has those suites, and keeps its
// secrets.
func (p *person) keyPackage(suite mls.Suite, suites ...uint16) []byte {
	p.t.Helper()
	id := p.id.ID()
	capabilities := keys.Capabilities()
	capabilities.Suites = suites
	kp, secrets, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Suite: suite, Signer: p.id.MLS(), Identity: id[:], Capabilities: capabilities,
		NotBefore: testTime(), NotAfter: testTime().Add(keys.PackageLifetime),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	err = p.store.Update(context.Background(), func(tx *store.Tx) error {
		return tx.PutKeyPackage(store.KeyPackage{
			Ref: kp.Ref(), Package: kp.Bytes(), Secrets: secrets.Bytes(), Place: transport.Key(id),
			Created: testTime(), Expires: testTime().Add(keys.PackageLifetime), HandedOut: true,
		})
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return kp.Bytes()
}

// suite returns that of the group that p sends to q in, by the store and by MLS.
func (p *person) suite(q *person) mls.Suite {
	p.t.Helper()
	var suite mls.Suite
	err := p.store.View(context.Background(), func(tx *store.Tx) error {
		c, err := tx.ConversationOf(q.id.ID())
		if err != nil {
			return err
		}
		g, err := tx.Group(c.Group)
		if err != nil {
			return err
		}
		ep, _, err := p.engine.Epoch(tx, g.Epoch)
		if err == nil && uint16(ep.Suite()) != g.Suite {
			p.t.Errorf("the store says suite 0x%04x, MLS %v", g.Suite, ep.Suite())
		}
		suite = mls.Suite(g.Suite)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return suite
}

// kinds returns the kinds of all payloads that p has sealed for q: the messages in
// its outbox, and the receipt it owes.
func (p *person) kinds(q *person) (messages, receipts []byte) {
	p.t.Helper()
	p.prepare(q)
	rows, receipt := p.outbox(q)
	for _, row := range rows {
		if row.Kind == store.KindMessage {
			messages = append(messages, row.Payload[0])
		}
	}
	if receipt != nil {
		receipts = append(receipts, receipt.Payload[0])
	}
	return messages, receipts
}

// TestSuites starts a conversation with somebody who has the post-quantum suite,
// and with somebody who has only the classical one: there everything is sealed to
// the hybrid key.
func TestSuites(t *testing.T) {
	for _, tt := range []struct {
		name   string
		suite  mls.Suite
		suites []uint16
		kind   byte
	}{
		{"post-quantum", keys.Suite, []uint16{0x0001, 0x004f}, seal.KindEpoch},
		{"classical", keys.ClassicalSuite, []uint16{0x0001}, seal.KindHybrid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
			anna.add(bert.link())
			settle(anna, bert)
			anna.send(bert, "one")
			if err := anna.engine.Start(t.Context(), bert.id.ID(), bert.keyPackage(tt.suite, tt.suites...)); err != nil {
				t.Fatal(err)
			}
			if messages, _ := anna.kinds(bert); !slices.Equal(messages, []byte{tt.kind}) {
				t.Errorf("anna's message: got kinds %x, want %x", messages, tt.kind)
			}
			rows, _ := anna.outbox(bert)
			for _, row := range rows {
				bert.take(anna, row.Payload)
			}
			if _, receipts := bert.kinds(anna); !slices.Equal(receipts, []byte{tt.kind}) {
				t.Errorf("bert's receipt: got kinds %x, want %x", receipts, tt.kind)
			}
			settle(anna, bert)
			bert.send(anna, "two")
			if messages, _ := bert.kinds(anna); !slices.Equal(messages, []byte{tt.kind}) {
				t.Errorf("bert's message: got kinds %x, want %x", messages, tt.kind)
			}
			anna.restart()
			bert.restart()
			settle(anna, bert)
			for _, p := range [][2]*person{{anna, bert}, {bert, anna}} {
				if got := p[0].suite(p[1]); got != tt.suite {
					t.Errorf("%s: got %v, want %v", p[0].name, got, tt.suite)
				}
				if got := p[0].history(p[1]); !slices.Equal(got, []string{"anna: one", "bert: two"}) {
					t.Errorf("%s shows %q", p[0].name, got)
				}
				p[0].wantAllDelivered(p[1])
			}
		})
	}
}

// TestUsedKeyPackageIsErased: the init key with which somebody entered the group of a
// pair is gone with the Welcome (RFC 9420, §9.2).
func TestUsedKeyPackageIsErased(t *testing.T) {
	anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
	anna.add(bert.link())
	settle(anna, bert)
	anna.send(bert, "one")
	kp, err := mls.ParseKeyPackage(bert.keyPackage(keys.Suite, uint16(keys.Suite)))
	if err == nil {
		err = anna.engine.Start(t.Context(), bert.id.ID(), kp.Bytes())
	}
	if err != nil {
		t.Fatal(err)
	}
	bert.view(func(tx *store.Tx) error {
		_, err := tx.KeyPackage(kp.Ref())
		return err
	})
	settle(anna, bert)
	if got := bert.history(anna); !slices.Equal(got, []string{"anna: one"}) {
		t.Fatalf("bert shows %q", got)
	}
	bert.view(func(tx *store.Tx) error {
		if _, err := tx.KeyPackage(kp.Ref()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the key package that was used: got %v, want ErrNotFound", err)
		}
		return nil
	})
}

// TestNoWeakerSuite refuses a classical key package of somebody who says to have
// the post-quantum suite: a relay could have kept it.
func TestNoWeakerSuite(t *testing.T) {
	anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
	anna.add(bert.link())
	anna.send(bert, "one")
	err := anna.engine.Start(t.Context(), bert.id.ID(), bert.keyPackage(keys.ClassicalSuite, 0x0001, 0x004f))
	if !errors.Is(err, ErrOtherSuite) {
		t.Fatalf("got %v, want ErrOtherSuite", err)
	}
	if needs, err := anna.engine.Needs(t.Context(), bert.id.ID()); err != nil || !needs.KeyPackage {
		t.Errorf("got %+v, %v, want another key package to be fetched", needs, err)
	}
}
