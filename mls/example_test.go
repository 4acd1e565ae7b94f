package mls_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"time"

	"quicnprotochat/mls"
)

// A signer is an identity's Ed25519 key.
type signer ed25519.PrivateKey

func (s signer) Public() []byte { return ed25519.PrivateKey(s).Public().(ed25519.PublicKey) }

func (s signer) Sign(message []byte) ([]byte, error) {
	return ed25519.Sign(ed25519.PrivateKey(s), message), nil
}

func newSigner() signer {
	_, key, err := ed25519.GenerateKey(nil)
	check(err)
	return signer(key)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// publish makes a key package, which others add its owner with, and the secrets
// that the owner keeps.
func publish(s signer) (*mls.KeyPackage, *mls.KeyPackageSecrets) {
	now := time.Now()
	pkg, secrets, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Signer: s, Identity: s.Public(), NotBefore: now, NotAfter: now.AddDate(0, 1, 0),
	})
	check(err)
	return pkg, secrets
}

// A member is what one has of a group. In a program the records are a scope of
// the database, one for each epoch.
type member struct {
	epoch   *mls.Epoch
	records mls.Scratch
}

// enter saves an epoch and makes it the member's present one. In a program it is
// part of the transaction that also keeps the commit or the Welcome.
func (m *member) enter(e *mls.Epoch) {
	m.epoch, m.records = e, mls.Scratch{}
	check(e.Save(m.records))
}

// pair is a group of two: what ExampleCreate, ExampleEpoch_Commit and ExampleJoin
// show.
func pair() (anna, bert *member) {
	anna, bert = &member{}, &member{}
	a, b := newSigner(), newSigner()
	first, err := mls.Create(mls.GroupConfig{Signer: a, Identity: a.Public()})
	check(err)
	anna.enter(first)
	pkg, secrets := publish(b)
	commit, err := first.Commit(anna.records, mls.CommitConfig{Add: []*mls.KeyPackage{pkg}, Now: time.Now()})
	check(err)
	next, err := commit.Apply(anna.records)
	check(err)
	anna.enter(next)
	joined, err := mls.Join(mls.JoinConfig{Welcome: commit.Welcome(), KeyPackage: pkg, Secrets: secrets, Signer: b})
	check(err)
	bert.enter(joined)
	return anna, bert
}

// Anna creates a group, adds Bert by the key package that he published, and
// writes to him.
func Example() {
	anna, bert := newSigner(), newSigner()
	pkg, secrets := publish(bert)

	// Nothing is ever sent in epoch 0, so its records need not be stored.
	first, err := mls.Create(mls.GroupConfig{Signer: anna, Identity: anna.Public()})
	check(err)
	scratch := mls.Scratch{}
	check(first.Save(scratch))
	commit, err := first.Commit(scratch, mls.CommitConfig{Add: []*mls.KeyPackage{pkg}, Now: time.Now()})
	check(err)
	epoch, err := commit.Apply(scratch)
	check(err)
	annas := mls.Scratch{} // in a program: a scope of the database
	check(epoch.Save(annas))

	joined, err := mls.Join(mls.JoinConfig{Welcome: commit.Welcome(), KeyPackage: pkg, Secrets: secrets, Signer: bert})
	check(err)
	berts := mls.Scratch{}
	check(joined.Save(berts))

	message, err := epoch.Encrypt(annas, []byte("in the clear"), []byte("hello"))
	check(err)
	got, err := joined.Decrypt(berts, message)
	check(err)
	fmt.Printf("%s, %s, from leaf %d\n", got.Data, got.AuthenticatedData, got.Leaf)

	_, err = joined.Decrypt(berts, message)
	fmt.Println(err)
	// Output:
	// hello, in the clear, from leaf 0
	// decrypt: message key already used or forgotten
}

// Anna creates a group and is alone in it.
func ExampleCreate() {
	anna := newSigner()
	epoch, err := mls.Create(mls.GroupConfig{Signer: anna, Identity: anna.Public()})
	check(err)
	records := mls.Scratch{} // in a program: a scope of the database
	check(epoch.Save(records))
	fmt.Println(epoch.Suite(), "epoch", epoch.Number(), "members", len(epoch.Members()))
	// Output: X25519_AES128GCM_SHA256_Ed25519 epoch 0 members 1
}

// Anna adds Cleo to her group with Bert. She stores what Commit wrote before she
// sends anything, and enters the next epoch when nobody else's commit comes
// first.
func ExampleEpoch_Commit() {
	anna, bert := pair()
	cleo := newSigner()
	pkg, _ := publish(cleo)
	check(pkg.Check(time.Now())) // and that the key is Cleo's, which mls cannot know

	commit, err := anna.epoch.Commit(anna.records, mls.CommitConfig{Add: []*mls.KeyPackage{pkg}, Now: time.Now()})
	check(err)
	next, err := commit.Apply(anna.records)
	check(err)
	anna.enter(next)

	// Cleo gets commit.Welcome() and joins as in ExampleJoin.
	// Bert gets commit.Message(), looks at what it does, and follows.
	staged, err := bert.epoch.Stage(bert.records, commit.Message(), mls.StageConfig{})
	check(err)
	for _, m := range staged.Changes().Added {
		fmt.Println("adds leaf", m.Leaf, bytes.Equal(m.Identity, cleo.Public()))
	}
	followed, err := staged.Apply(bert.records)
	check(err)
	bert.enter(followed)
	fmt.Println("members", len(bert.epoch.Members()))
	// Output:
	// adds leaf 2 true
	// members 3
}

// Cleo joins with the Welcome that Anna's commit made, and with the secrets of
// the key package that it was made for.
func ExampleJoin() {
	anna, _ := pair()
	cleo := newSigner()
	pkg, secrets := publish(cleo)
	commit, err := anna.epoch.Commit(anna.records, mls.CommitConfig{Add: []*mls.KeyPackage{pkg}, Now: time.Now()})
	check(err)

	epoch, err := mls.Join(mls.JoinConfig{Welcome: commit.Welcome(), KeyPackage: pkg, Secrets: secrets, Signer: cleo})
	check(err)
	// Here a program looks at epoch.Members() and at epoch.GroupID(), which must
	// be new to it; then it saves the epoch and erases the secrets.
	records := mls.Scratch{}
	check(epoch.Save(records))
	fmt.Println(bytes.Equal(epoch.Authenticator(), commit.Authenticator()))
	// Output: true
}

// Anna sends two messages, which arrive the other way round and one of them
// again.
func ExampleEpoch_Encrypt() {
	anna, bert := pair()
	var sent [][]byte
	for _, text := range []string{"first", "second"} {
		message, err := anna.epoch.Encrypt(anna.records, nil, []byte(text))
		check(err) // the message is sent when the records are stored
		sent = append(sent, message)
	}
	for _, message := range [][]byte{sent[1], sent[0], sent[1]} {
		got, err := bert.epoch.Decrypt(bert.records, message)
		if errors.Is(err, mls.ErrReused) {
			fmt.Println("again")
			continue
		}
		check(err)
		fmt.Printf("%s, number %d\n", got.Data, got.Generation)
	}
	// Output:
	// second, number 1
	// first, number 0
	// again
}

// Anna and Bert commit in the same epoch. Nothing of it is entered before it is
// known whose counts, so the loser stages the winner's commit on the epoch it
// is still in, and makes its own again in the next.
func ExampleEpoch_Stage() {
	anna, bert := pair()
	annas, err := anna.epoch.Commit(anna.records, mls.CommitConfig{Update: true})
	check(err)
	berts, err := bert.epoch.Commit(bert.records, mls.CommitConfig{Update: true})
	check(err)

	// A rule that all members follow decides: say, the smaller message wins.
	winner, loser, commit := anna, bert, annas
	if bytes.Compare(berts.Message(), annas.Message()) < 0 {
		winner, loser, commit = bert, anna, berts
	}
	next, err := commit.Apply(winner.records)
	check(err)
	winner.enter(next)

	staged, err := loser.epoch.Stage(loser.records, commit.Message(), mls.StageConfig{})
	check(err)
	followed, err := staged.Apply(loser.records)
	check(err)
	loser.enter(followed)
	fmt.Println(bytes.Equal(winner.epoch.Authenticator(), loser.epoch.Authenticator()))

	again, err := loser.epoch.Commit(loser.records, mls.CommitConfig{Update: true})
	check(err)
	staged, err = winner.epoch.Stage(winner.records, again.Message(), mls.StageConfig{})
	check(err)
	fmt.Println("epoch", staged.Epoch(), bytes.Equal(again.Authenticator(), staged.Authenticator()))
	// Output:
	// true
	// epoch 3 true
}
