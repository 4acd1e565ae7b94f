package mls_test

import (
	"crypto/ed25519"
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

// Anna creates a group, adds Bert by the key package that he published, and
// writes to him.
func Example() {
	now := time.Now()
	anna, bert := newSigner(), newSigner()

	// Bert publishes the package and keeps the secrets.
	pkg, secrets, err := mls.NewKeyPackage(mls.KeyPackageConfig{
		Signer: bert, Identity: bert.Public(), NotBefore: now, NotAfter: now.AddDate(0, 1, 0),
	})
	check(err)

	// Nothing is ever sent in epoch 0, so its records need not be stored.
	first, err := mls.Create(mls.GroupConfig{Signer: anna, Identity: anna.Public()})
	check(err)
	scratch := mls.Scratch{}
	check(first.Save(scratch))
	commit, err := first.Commit(scratch, mls.CommitConfig{Add: []*mls.KeyPackage{pkg}, Now: now})
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
