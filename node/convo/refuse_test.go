package convo

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"quicnprotochat/mls"
	"quicnprotochat/mls/seal"
	"quicnprotochat/node/convo/news"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/message"
	"quicnprotochat/node/store"
)

// receive commits a payload to the inbox and returns what becomes of it.
func (p *person) receive(from *person, payload []byte) error {
	p.t.Helper()
	in := store.Incoming{Hash: sha256.Sum256(payload), Payload: payload, Depositor: from.id.ID(), Via: "direct", Received: testTime()}
	err := p.store.Update(p.t.Context(), func(tx *store.Tx) (err error) {
		in.ID, _, err = tx.AddIncoming(in)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.engine.Receive(p.t.Context(), in)
}

// TestReflection gives people back what they sent: introduction, Welcome, message
// TestRefusedIsForgotten: what is refused leaves nothing on the disk, not even a hash.
func TestRefusedIsForgotten(t *testing.T) {
	anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
	for range 2 {
		if err := bert.receive(anna, []byte{2, 1, 2, 3}); !errors.Is(err, ErrRefused) {
			t.Fatalf("got %v, want it refused", err)
		}
		bert.update(func(tx *store.Tx, _ *news.Effects) error {
			id, dup, err := tx.AddIncoming(store.Incoming{Hash: sha256.Sum256([]byte{2, 1, 2, 3}), Payload: []byte{2, 1, 2, 3}})
			if dup {
				t.Errorf("it is remembered: row %d", id)
			}
			return errors.Join(err, tx.DropIncoming(id))
		})
	}
}

// and receipt. All of it is refused, and what is shown stays as it is.
func TestReflection(t *testing.T) {
	anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
	anna.add(bert.link())
	anna.send(bert, "hello")
	var kinds []byte
	for range 4 {
		for _, way := range [][2]*person{{anna, bert}, {bert, anna}} {
			from, to := way[0], way[1]
			from.prepare(to)
			rows, receipt := from.outbox(to)
			var payloads [][]byte
			for _, row := range rows {
				payloads, kinds = append(payloads, row.Payload), append(kinds, row.Kind)
			}
			if receipt != nil {
				payloads, kinds = append(payloads, receipt.Payload), append(kinds, 0)
			}
			for _, payload := range payloads {
				if err := from.receive(to, payload); !errors.Is(err, ErrRefused) {
					t.Errorf("%s: got %v, want it refused", from.name, err)
				}
				to.take(from, payload)
			}
		}
	}
	for _, kind := range []byte{store.KindIntroduction, store.KindWelcome, store.KindMessage, 0} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("nothing of kind %d was sent", kind)
		}
	}
	settle(anna, bert)
	for _, p := range [][2]*person{{anna, bert}, {bert, anna}} {
		if got := p[0].history(p[1]); !slices.Equal(got, []string{"anna: hello"}) {
			t.Errorf("%s shows %q", p[0].name, got)
		}
	}
}

// TestTooLargeGroup: a Welcome to a group that is larger than ours may be is refused
// before the signatures of all its members are verified.
func TestTooLargeGroup(t *testing.T) {
	anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
	ep, err := mls.Create(mls.GroupConfig{Signer: anna.id.MLS(), Identity: anna.id.MLS().Public()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := mls.CommitConfig{Now: testTime(), Public: true}
	for i := range message.MaxMembers {
		var raw []byte
		if i == 0 {
			raw = bert.keyPackage(keys.ClassicalSuite, uint16(keys.ClassicalSuite))
		} else {
			raw = newKeyPackage(t)
		}
		kp, err := mls.ParseKeyPackage(raw)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Add = append(cfg.Add, kp)
	}
	staged, err := ep.Commit(mls.Scratch{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := message.EncodeFrame(message.MLSMessages{staged.Welcome()})
	if err != nil {
		t.Fatal(err)
	}
	if err := bert.receive(anna, bert.sealedTo(t, frame)); !errors.Is(err, ErrRefused) || !errors.Is(err, mls.ErrUnsupported) {
		t.Errorf("got %v, want it refused for its size", err)
	}
}

// newKeyPackage returns a key package of nobody.
func newKeyPackage(t *testing.T) []byte {
	t.Helper()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	kp, _, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Signer: id.MLS(), Identity: id.MLS().Public(), NotBefore: testTime(), NotAfter: testTime().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return kp.Bytes()
}

// sealedTo returns a frame sealed to p's hybrid key.
func (p *person) sealedTo(t *testing.T, frame []byte) []byte {
	t.Helper()
	blob, err := p.keys.Hybrid(t.Context(), testTime())
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseHybridKey(blob, p.id.ID(), testTime())
	if err != nil {
		t.Fatal(err)
	}
	payload, err := seal.Seal(key, p.id.ID(), frame)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// TestErasedKey: a payload that is sealed to a hybrid key that is no more, or never
// was, will never open; it does not wait.
func TestErasedKey(t *testing.T) {
	anna, bert := newPerson(t, "anna"), newPerson(t, "bert")
	blob, err := anna.keys.Hybrid(t.Context(), testTime())
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseHybridKey(blob, anna.id.ID(), testTime())
	if err != nil {
		t.Fatal(err)
	}
	payload, err := seal.Seal(key, bert.id.ID(), []byte("frame"))
	if err != nil {
		t.Fatal(err)
	}
	if err := bert.receive(anna, payload); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v, want it refused", err)
	}
}

// TestSweepErasesOwnKeys: the private half of a hybrid key goes in its time, though
// nobody asks for the present one.
func TestSweepErasesOwnKeys(t *testing.T) {
	p := newPerson(t, "anna")
	made := testTime().Add(-seal.KeyRotation - seal.KeyErasure - time.Hour)
	for _, at := range []time.Time{made, made.Add(seal.KeyRotation)} {
		if _, err := p.keys.Hybrid(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.engine.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := p.store.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.HybridKeys()
		if len(rows) != 2 {
			t.Errorf("got %d keys, want the present one and that replaced now", len(rows))
		}
		for _, row := range rows {
			if row.NotBefore.Equal(made.Truncate(time.Millisecond)) {
				t.Error("a private half is there 14 days after it was replaced")
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
