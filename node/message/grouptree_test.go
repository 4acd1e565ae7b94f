package message

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"quicnprotochat/rpc"
)

// testCard is a commit card with everything in it, signed.
func testCard(t testing.TB) *CommitCard {
	t.Helper()
	alice, bob := newIdentity(t, 1), newIdentity(t, 2)
	group := []byte("group")
	c := &CommitCard{
		Group: group, Parent: EpochName{1}, Number: 7, Committer: alice.ID(),
		Removed: []rpc.Identity{bob.ID()}, Added: []rpc.Identity{{4}, {5}},
		Leaves:  []Leave{NewLeave(bob.ID(), group, EpochName{9}, bob.Sign)},
		Profile: &GroupProfile{Name: "friends", Admins: []rpc.Identity{alice.ID(), {4}}},
		Binding: [32]byte{3}, Digest: [32]byte{4},
	}
	if err := c.Sign(alice.Sign); err != nil {
		t.Fatal(err)
	}
	return c
}

func encodeCard(t testing.TB, c *CommitCard) []byte {
	t.Helper()
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCommitCard(t *testing.T) {
	c := testCard(t)
	b := encodeCard(t, c)
	got, err := ParseCommitCard(b)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Fatalf("got %+v, %v, want %+v", got, err, c)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := ParseCommitCard(bad); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d changed: got %v, want malformed or a wrong signature", i, err)
		}
	}
	name, _ := c.Name()
	c.Number++
	if other, _ := c.Name(); other == name {
		t.Error("name: got the same for another card")
	}
	// The leave of a card is of its group.
	l := c.Leaves[0]
	if !l.Verify(c.Group) || l.Verify([]byte("other")) {
		t.Error("leave: got good for another group, or bad for its own")
	}
}

func TestCommitCardRefuses(t *testing.T) {
	for name, change := range map[string]func(c *CommitCard){
		"no group":      func(c *CommitCard) { c.Group = nil },
		"long group id": func(c *CommitCard) { c.Group = make([]byte, MaxGroupID+1) },
		"added twice":   func(c *CommitCard) { c.Added = []rpc.Identity{{4}, {4}} },
		"added nobody":  func(c *CommitCard) { c.Added = []rpc.Identity{{}} },
		"more leaves":   func(c *CommitCard) { c.Removed = nil },
		"no name":       func(c *CommitCard) { c.Profile.Name = "" },
		"long name":     func(c *CommitCard) { c.Profile.Name = strings.Repeat("n", MaxGroupName+1) },
		"no UTF-8":      func(c *CommitCard) { c.Profile.Name = "\xff" },
		"admin twice":   func(c *CommitCard) { c.Profile.Admins = []rpc.Identity{{4}, {4}} },
		"large number":  func(c *CommitCard) { c.Number = MaxCounter + 1 },
	} {
		c := testCard(t)
		change(c)
		if _, err := c.Encode(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want malformed", name, err)
		}
	}
}

func testTree(t testing.TB) *GroupTree {
	return &GroupTree{
		Root: &GroupRoot{
			Group: []byte("group"), Name: EpochName{2}, Number: 3, Lamport: 9, Profile: GroupProfile{Name: "n"},
			Leaves: []rpc.Identity{{1}, {}, {2}},
		},
		Commits: []Commit{{Card: encodeCard(t, testCard(t)), Message: []byte("commit")}, {Card: []byte{1}}},
	}
}

func TestGroupParts(t *testing.T) {
	for name, part := range map[string]Part{
		"tree":          testTree(t),
		"commits":       &GroupTree{Commits: testTree(t).Commits},
		"root":          &GroupTree{Root: testTree(t).Root},
		"contact cards": ContactCards{[]byte("a"), make([]byte, MaxCard)},
		"ratchet tree":  RatchetTree("tree"),
	} {
		b, err := EncodeFrame(part)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := ParseFrame(b)
		if err != nil || !reflect.DeepEqual(got, []Part{part}) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	root := testTree(t).Root
	blank, twice := *root, *root
	blank.Leaves, twice.Leaves = []rpc.Identity{{1}, {}}, []rpc.Identity{{1}, {1}}
	for name, part := range map[string]Part{
		"empty tree":       &GroupTree{},
		"empty card":       &GroupTree{Commits: []Commit{{}}},
		"blank last leaf":  &GroupTree{Root: &blank},
		"one member twice": &GroupTree{Root: &twice},
		"no cards":         ContactCards{},
		"large card":       ContactCards{make([]byte, MaxCard+1)},
		"no ratchet tree":  RatchetTree{},
	} {
		if _, err := EncodeFrame(part); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want malformed", name, err)
		}
	}
}

func FuzzParseCommitCard(f *testing.F) {
	f.Add(encodeCard(f, testCard(f)))
	plain := &CommitCard{Group: []byte("g"), Committer: newIdentity(f, 1).ID()}
	f.Add(encodeCard(f, plain))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Past the signature, which nobody guesses.
		if c, err := parseCardBody(b); err == nil {
			again, err := c.body()
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("got %x, %v, want %x", again, err, b)
			}
		}
		if c, err := ParseCommitCard(b); err == nil && !bytes.Equal(encodeCard(t, c), b) {
			t.Errorf("got another encoding of %x", b)
		}
	})
}
