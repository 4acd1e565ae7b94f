package mls

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// forge makes a commit of a member with contents that Commit would not make.
// The confirmation tag is random unless the commit can be followed.
func (m *member) forge(c *commit, public bool, change func(a *authenticatedContent)) []byte {
	m.tb.Helper()
	e := m.epoch
	a := e.frame(contentCommit, nil, public)
	a.content.commit = c
	must(m.tb, a.sign(m.signer, e.encoded))
	a.auth.confirmationTag = random(e.suite.size)
	if list, err := e.resolve(m.records, a.content.sender, c); err == nil && c.path == nil {
		if t, err := e.transit(a.content.sender, list); err == nil {
			if next, _, err := e.follow(t, a, e.suite.zeros(), nil); err == nil {
				a.auth.confirmationTag = next.tag
			}
		}
	}
	if change != nil {
		change(a)
	}
	b, err := e.protect(m.records, a)
	must(m.tb, err)
	return b
}

func addOf(k *KeyPackage) proposalOrRef {
	return proposalOrRef{proposal: &proposal{typ: ProposalAdd, add: k}}
}

// TestStageRefuses: every commit that must not be accepted is refused with the
// right error and leaves epoch and records as they were, to the byte; a good
// commit is accepted afterwards.
func TestStageRefuses(t *testing.T) {
	const suite = X25519_AES128GCM_SHA256_Ed25519
	type refused struct {
		name string
		want error
		make func(a, b, c *member) []byte
	}
	list := func(p ...proposalOrRef) *commit { return &commit{proposals: p} }
	one := func(p proposal) *commit { return list(proposalOrRef{proposal: &p}) }
	public := func(want error, name string, c func(a, b, c *member) *commit, change func(a *authenticatedContent)) refused {
		return refused{name, want, func(x, y, z *member) []byte { return x.forge(c(x, y, z), true, change) }}
	}
	good := func(_, _, c *member) *commit { return list(addOf(c.kp)) }
	cases := []refused{
		public(ErrInvalid, "remove", func(_, b, _ *member) *commit { return one(proposal{typ: ProposalRemove, remove: 1}) }, nil),
		public(ErrInvalid, "update", func(a, _, _ *member) *commit {
			return one(proposal{typ: ProposalUpdate, update: a.epoch.tree.leaf(0)})
		}, nil),
		public(ErrPSK, "psk", func(_, _, _ *member) *commit {
			return one(proposal{typ: ProposalPSK, psk: &pskID{typ: pskExternal, id: []byte("x"), nonce: random(32)}})
		}, nil),
		public(ErrInvalid, "reinit", func(_, _, _ *member) *commit {
			return one(proposal{typ: ProposalReInit, reInit: &reInit{version: 0, suite: 1}})
		}, nil),
		public(ErrInvalid, "external init", func(_, _, _ *member) *commit {
			return one(proposal{typ: ProposalExternalInit, externalInit: random(32)})
		}, nil),
		public(ErrInvalid, "group context extensions", func(_, _, _ *member) *commit {
			return one(proposal{typ: ProposalGroupContextExtensions})
		}, nil),
		public(ErrUnknownProposal, "by reference", func(_, _, _ *member) *commit { return list(proposalOrRef{reference: random(32)}) }, nil),
		public(ErrInvalid, "path", func(a, _, c *member) *commit {
			return &commit{proposals: []proposalOrRef{addOf(c.kp)}, path: &updatePath{leaf: a.epoch.tree.leaf(0)}}
		}, nil),
		public(ErrInvalid, "empty", func(_, _, _ *member) *commit { return &commit{} }, nil),
		public(ErrInvalid, "wrong confirmation tag", good, func(a *authenticatedContent) { a.auth.confirmationTag[0] ^= 1 }),
		public(ErrSignature, "wrong signature", good, func(a *authenticatedContent) { a.auth.signature[0] ^= 1 }),
		public(ErrInvalid, "member added again", func(_, b, _ *member) *commit { return list(addOf(b.kp)) }, nil),
		public(ErrInvalid, "key of a member again", func(_, b, _ *member) *commit {
			k, _ := b.newKeyPackage(KeyPackageConfig{})
			return list(addOf(k))
		}, nil),
		public(ErrInvalid, "one client twice", func(_, _, c *member) *commit {
			k, _ := c.newKeyPackage(KeyPackageConfig{})
			return list(addOf(c.kp), addOf(k))
		}, nil),
		public(ErrInvalid, "group extension not supported", func(_, _, _ *member) *commit {
			return list(addOf(newMemberOf(t, suite, "plain").kp))
		}, nil),
		public(ErrInvalid, "other suite", func(_, _, _ *member) *commit {
			m := newMemberOf(t, X25519_CHACHA20POLY1305_SHA256_Ed25519, "other")
			m.kp, _ = m.newKeyPackage(KeyPackageConfig{Capabilities: Capabilities{Extensions: []uint16{0xf001}}})
			return list(addOf(m.kp))
		}, nil),
		public(ErrSignature, "unsigned key package", func(_, _, c *member) *commit {
			k := *c.kp
			k.raw = bytes.Clone(k.raw)
			k.raw[len(k.raw)-1] ^= 1
			return list(addOf(&k))
		}, nil),
		public(ErrSignature, "unsigned leaf", func(_, _, c *member) *commit {
			return list(addOf(resign2(t, c)))
		}, nil),
		public(ErrInvalid, "sender from outside", good, func(a *authenticatedContent) { a.content.sender = sender{senderExternal, 0} }),
		public(ErrInvalid, "new member", good, func(a *authenticatedContent) { a.content.sender = sender{typ: senderNewMemberCommit} }),
		public(ErrInvalid, "sender is no member", good, func(a *authenticatedContent) { a.content.sender.index = 5 }),
		public(ErrOwnMessage, "our own leaf", good, func(a *authenticatedContent) { a.content.sender.index = 1 }),
		public(ErrWrongEpoch, "epoch", good, func(a *authenticatedContent) { a.content.epoch++ }),
		public(ErrWrongGroup, "group", good, func(a *authenticatedContent) { a.content.groupID = []byte("other") }),
		{"membership tag", ErrDecrypt, func(a, b, c *member) []byte {
			msg := a.forge(good(a, b, c), true, nil)
			msg[len(msg)-1] ^= 1
			return msg
		}},
		{"private, wrong tag", ErrInvalid, func(a, b, c *member) []byte {
			return a.forge(good(a, b, c), false, func(a *authenticatedContent) { a.auth.confirmationTag[0] ^= 1 })
		}},
		{"private, wrong signature", ErrSignature, func(a, b, c *member) []byte {
			return a.forge(good(a, b, c), false, func(a *authenticatedContent) { a.auth.signature[0] ^= 1 })
		}},
		{"private, garbled", ErrDecrypt, func(a, b, c *member) []byte {
			msg := a.forge(good(a, b, c), false, nil)
			msg[len(msg)-1] ^= 1
			return msg
		}},
		{"application message", ErrWrongKind, func(a, _, _ *member) []byte { return a.encrypt("hello") }},
		{"own commit", ErrOwnMessage, func(_, b, c *member) []byte { return b.forge(list(addOf(c.kp)), false, nil) }},
		{"key package", ErrWrongKind, func(_, _, c *member) []byte {
			return encoded(&message{format: WireKeyPackage, keyPackage: c.kp})
		}},
		{"garbage", errMalformed, func(_, _, _ *member) []byte { return []byte("garbage") }},
	}
	group := GroupConfig{
		Capabilities:         Capabilities{Extensions: []uint16{0xf001}},
		Extensions:           []Extension{{0xf001, []byte("rules")}},
		RequiredCapabilities: RequiredCapabilities{Extensions: []uint16{0xf001}},
	}
	able := func(name string) *member {
		m := newMemberOf(t, suite, name)
		m.kp, m.secrets = m.newKeyPackage(KeyPackageConfig{Capabilities: group.Capabilities})
		return m
	}
	a, b, c := able("anna"), able("bert"), able("cleo")
	a.create(group)
	a.add(false, b)
	for _, r := range cases {
		t.Run(r.name, func(t *testing.T) {
			msg := r.make(a, b, c)
			records, state := b.snapshot(), b.epoch.bytes()
			s, err := b.epoch.Stage(b.records, msg, StageConfig{})
			if !errors.Is(err, r.want) || s != nil {
				t.Fatalf("got %v, want %v", err, r.want)
			}
			if !sameRecords(records, b.records) || !bytes.Equal(state, b.epoch.bytes()) {
				t.Error("the refused commit left a trace")
			}
		})
	}
	commit := a.add(false, c)
	b.follow(commit.Message())
	sameEpoch(t, a, b, c)
	everybodyTalks(t, []*member{a, b, c})
}

// resign2 returns a key package whose own signature is good while its leaf's is
// not.
func resign2(t *testing.T, m *member) *KeyPackage {
	t.Helper()
	k := *m.kp
	leaf := *k.leaf
	leaf.raw = bytes.Clone(leaf.raw)
	leaf.raw[len(leaf.raw)-1] ^= 1
	k.leaf = &leaf
	sig, err := signWithLabel(m.signer, "KeyPackageTBS", k.tbs())
	must(t, err)
	w := writer{b: k.tbs()}
	w.vec(sig)
	parsed, err := ParseKeyPackage(w.b)
	must(t, err)
	return parsed
}

// TestStagedLeavesEpoch: a staged commit, ours or another's, private or public,
// changes nothing until it is applied; our own takes one key of our handshake
// ratchet. The epoch before stays usable after it.
func TestStagedLeavesEpoch(t *testing.T) {
	for _, public := range []bool{false, true} {
		a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
		c := newMemberOf(t, a.suite, "cleo")
		other, err := a.epoch.Commit(a.records, CommitConfig{Public: public})
		must(t, err)
		if _, err := b.epoch.Receive(b.records, other.Message()); !errors.Is(err, ErrWrongKind) {
			t.Errorf("a commit as a proposal: got %v, want %v", err, ErrWrongKind)
		}
		state, records := a.epoch.bytes(), a.snapshot()
		s, err := a.epoch.Commit(a.records, CommitConfig{Add: []*KeyPackage{c.kp}, Now: now, Public: public})
		must(t, err)
		for key, value := range records {
			mine := strings.HasPrefix(key, "h/0") || strings.HasPrefix(key, "a/0") || strings.HasPrefix(key, "s/")
			if !bytes.Equal(a.records[key], value) && (public || !mine) {
				t.Errorf("our commit changed %s", key)
			}
		}
		if !bytes.Equal(state, a.epoch.bytes()) {
			t.Error("our commit changed the epoch")
		}
		state, records = b.epoch.bytes(), b.snapshot()
		staged, err := b.epoch.Stage(b.records, s.Message(), StageConfig{})
		must(t, err)
		if !sameRecords(records, b.records) || !bytes.Equal(state, b.epoch.bytes()) {
			t.Error("the staged commit changed the epoch")
		}
		changes := staged.Changes()
		if string(changes.Committer.Identity) != "anna" || len(changes.Added) != 1 || string(changes.Added[0].Identity) != "cleo" {
			t.Errorf("got changes %+v", changes)
		}
		// Messages of the epoch before, while the commit is staged and after.
		b.decrypt(a.encrypt("while"), a, "while")
		next, err := staged.Apply(b.records)
		must(t, err)
		if !bytes.Equal(next.Authenticator(), s.Authenticator()) {
			t.Error("the two sides are in different epochs")
		}
		b.decrypt(a.encrypt("after"), a, "after")
		if _, err := b.epoch.Stage(b.records, s.Message(), StageConfig{}); !public && !errors.Is(err, ErrReused) {
			t.Errorf("the commit's key is still there: got %v, want %v", err, ErrReused)
		}
	}
}

// TestTwoCommits: two members commit in one epoch. Whichever wins, everybody
// can enter it, the author of the other one too.
func TestTwoCommits(t *testing.T) {
	for _, public := range []bool{false, true} {
		for winner := range 2 {
			t.Run(fmt.Sprintf("public=%v winner=%d", public, winner), func(t *testing.T) {
				a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
				c := newMemberOf(t, a.suite, "cleo")
				b.follow(a.add(public, c).Message())
				all := []*member{a, b, c}
				var commits []*Staged
				for i, m := range all[:2] {
					d := newMemberOf(t, a.suite, fmt.Sprint("new ", i))
					s, err := m.epoch.Commit(m.records, CommitConfig{Add: []*KeyPackage{d.kp}, Now: now, Public: public})
					must(t, err)
					commits = append(commits, s)
				}
				for i, m := range all {
					if i != winner {
						m.follow(commits[winner].Message())
						continue
					}
					next, err := commits[winner].Apply(m.records)
					must(t, err)
					m.enter(next)
				}
				sameEpoch(t, all...)
				everybodyTalks(t, all)
			})
		}
	}
}

// TestOldEpochs: a message is opened with the tree of its own epoch, and only
// there.
func TestOldEpochs(t *testing.T) {
	a, b := twoMembers(t, X25519_AES128GCM_SHA256_Ed25519)
	msg := a.encrypt("old")
	old := *b
	b.follow(a.add(false, newMemberOf(t, a.suite, "cleo")).Message())
	if _, err := b.epoch.Decrypt(b.records, msg); !errors.Is(err, ErrWrongEpoch) {
		t.Errorf("got %v, want %v", err, ErrWrongEpoch)
	}
	got, err := old.epoch.Decrypt(old.records, msg)
	must(t, err)
	if string(got.Data) != "old" {
		t.Errorf("got %q", got.Data)
	}
}

// TestMaxMembers: a commit that makes the group larger than the caller allows is
// refused, one that makes it as large is not.
func TestMaxMembers(t *testing.T) {
	a, b := twoMembers(t, x25519)
	cfg := CommitConfig{Now: now}
	for _, name := range []string{"cleo", "dora"} {
		cfg.Add = append(cfg.Add, newMemberOf(t, x25519, name).kp)
	}
	s, err := a.epoch.Commit(a.records, cfg)
	must(t, err)
	for most, want := range map[int]error{0: nil, 3: ErrUnsupported, 4: nil} {
		if _, err := b.epoch.Stage(b.records, s.Message(), StageConfig{MaxMembers: most}); !errors.Is(err, want) {
			t.Errorf("at most %d: got %v, want %v", most, err, want)
		}
	}
	// Removes make room.
	swap, err := a.epoch.Commit(a.records, CommitConfig{Now: now, Add: cfg.Add[:1], Remove: []uint32{1}})
	must(t, err)
	staged, err := b.epoch.Stage(b.records, swap.Message(), StageConfig{MaxMembers: 2})
	must(t, err)
	if !staged.RemovesUs() {
		t.Error("it does not remove bert")
	}
}
