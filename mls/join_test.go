package mls

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// A welcomeForge makes a Welcome of one's own making: a group of the creator
// and the joiner, whose tree and GroupInfo are changed before they are signed
// and hashed.
type welcomeForge struct {
	extensions []Extension           // GroupContext
	kp         KeyPackageConfig      // of the joiner
	leaf       func(l *leafNode)     // the creator's, before it is signed
	tree       func(e *treeEdit)     // before it is hashed
	context    func(c *groupContext) // after the tree hash is in
	info       func(g *groupInfo)    // before it is signed
	signed     func(g *groupInfo)    // after
	secrets    func(g *groupSecrets) // before they are sealed
	welcome    func(w *welcome)      // at the end
	join       func(cfg *JoinConfig) // what the joiner has
	creator    *member               // a new one when nil
	joiner     *member               // the same
}

// attempt builds the Welcome and joins.
func (f welcomeForge) attempt(t *testing.T) (*Epoch, error) {
	t.Helper()
	a := f.creator
	if a == nil {
		a = newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	}
	b := f.joiner
	if b == nil {
		b = newMemberOf(t, a.suite, "bert")
	}
	b.kp, b.secrets = b.newKeyPackage(f.kp)
	s := suites[0]
	groupID := []byte("group")
	_, public, err := s.hpke.generate()
	must(t, err)
	l := &leafNode{
		encryptionKey: public, signatureKey: a.signer.Public(),
		credential:   credential{typ: credentialBasic, identity: []byte("anna")},
		capabilities: Capabilities{}.filled(f.extensions), source: sourceUpdate,
	}
	if f.leaf != nil {
		f.leaf(l)
	}
	must(t, l.sign(a.signer, groupID, 0))
	e := newTree(s, l).edit()
	e.add(b.kp.leaf)
	if f.tree != nil {
		f.tree(e)
	}
	tree := e.freeze()
	c := &groupContext{suite: s.id, groupID: groupID, epoch: 1, treeHash: tree.hash(), transcriptHash: random(32), extensions: f.extensions}
	if f.context != nil {
		f.context(c)
	}
	k, err := s.schedule(random(32), s.zeros(), encoded(c))
	must(t, err)
	g := &groupInfo{
		context: c, extensions: []Extension{{ExtensionRatchetTree, encoded(tree)}},
		confirmationTag: s.mac(k.secrets.confirmation, c.transcriptHash),
	}
	if f.info != nil {
		f.info(g)
	}
	must(t, g.sign(a.signer))
	if f.signed != nil {
		f.signed(g)
	}
	key, nonce, err := s.welcomeKey(k.welcome)
	must(t, err)
	w := &welcome{suite: s.id}
	w.groupInfo, err = s.seal(key, nonce, nil, encoded(g))
	must(t, err)
	secrets := &groupSecrets{joiner: k.joiner}
	if f.secrets != nil {
		f.secrets(secrets)
	}
	ct, err := s.encryptWithLabel(b.kp.initKey, "Welcome", w.groupInfo, encoded(secrets))
	must(t, err)
	w.secrets = []encryptedGroupSecrets{{b.kp.Ref(), ct}}
	if f.welcome != nil {
		f.welcome(w)
	}
	cfg := JoinConfig{
		Welcome:    encoded(&message{format: WireWelcome, welcome: w}),
		KeyPackage: b.kp, Secrets: b.secrets, Signer: b.signer,
	}
	if f.join != nil {
		f.join(&cfg)
	}
	return Join(cfg)
}

// putParent makes the root of a tree of two a parent node.
func putParent(key []byte, hash []byte, unmerged ...uint32) func(e *treeEdit) {
	return func(e *treeEdit) {
		e.root = e.own(e.root, rootIndex(e.leaves))
		e.root.parent = &parentNode{key, hash, unmerged}
	}
}

// TestJoinRefuses: each check of RFC 9420, §12.4.3.1, alone.
func TestJoinRefuses(t *testing.T) {
	stranger := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "stranger")
	anna := newMemberOf(t, stranger.suite, "anna")
	bert := newMemberOf(t, stranger.suite, "bert")
	chacha := newMemberOf(t, X25519_CHACHA20POLY1305_SHA256_Ed25519, "stranger")
	for name, c := range map[string]struct {
		forge welcomeForge
		want  error
	}{
		"as it should be": {welcomeForge{}, nil},
		"unknown extension in the group info": {welcomeForge{info: func(g *groupInfo) {
			g.extensions = append(g.extensions, Extension{0xf123, []byte("x")}, Extension{0x3a3a, nil})
		}}, nil},
		"tree beside the welcome": {welcomeForge{
			info: func(g *groupInfo) { g.extensions = nil },
		}, ErrInvalid},
		"another's package": {welcomeForge{join: func(cfg *JoinConfig) {
			cfg.KeyPackage, cfg.Secrets, cfg.Signer = stranger.kp, stranger.secrets, stranger.signer
		}}, ErrNotForUs},
		"another suite's package": {welcomeForge{join: func(cfg *JoinConfig) {
			cfg.KeyPackage, cfg.Secrets, cfg.Signer = chacha.kp, chacha.secrets, chacha.signer
		}}, ErrNotForUs},
		"another's secrets": {welcomeForge{join: func(cfg *JoinConfig) { cfg.Secrets = stranger.secrets }}, ErrInvalid},
		"another's signer":  {welcomeForge{join: func(cfg *JoinConfig) { cfg.Signer = stranger.signer }}, ErrInvalid},
		"another suite in the welcome": {welcomeForge{welcome: func(w *welcome) {
			w.suite = X25519_CHACHA20POLY1305_SHA256_Ed25519
		}}, ErrNotForUs},
		"not a welcome": {welcomeForge{join: func(cfg *JoinConfig) {
			cfg.Welcome = encoded(&message{format: WireKeyPackage, keyPackage: stranger.kp})
		}}, ErrWrongKind},
		"group info garbled":       {welcomeForge{welcome: func(w *welcome) { w.groupInfo[9] ^= 1 }}, ErrDecrypt},
		"group secrets garbled":    {welcomeForge{welcome: func(w *welcome) { w.secrets[0].secrets.ciphertext[0] ^= 1 }}, ErrDecrypt},
		"joiner of bad size":       {welcomeForge{secrets: func(g *groupSecrets) { g.joiner = random(31) }}, ErrInvalid},
		"wrong joiner":             {welcomeForge{secrets: func(g *groupSecrets) { g.joiner = random(32) }}, ErrDecrypt},
		"pre-shared key":           {welcomeForge{secrets: func(g *groupSecrets) { g.psks = []*pskID{{typ: pskExternal, nonce: random(32)}} }}, ErrPSK},
		"pre-shared key's nonce":   {welcomeForge{secrets: func(g *groupSecrets) { g.psks = []*pskID{{typ: pskExternal, nonce: random(16)}} }}, ErrInvalid},
		"unsigned group info":      {welcomeForge{signed: func(g *groupInfo) { g.signature[3] ^= 1 }}, ErrSignature},
		"signed by another member": {welcomeForge{info: func(g *groupInfo) { g.signer = 1 }}, ErrSignature},
		"signed by nobody":         {welcomeForge{info: func(g *groupInfo) { g.signer = 7 }}, ErrInvalid},
		"confirmation tag":         {welcomeForge{info: func(g *groupInfo) { g.confirmationTag[0] ^= 1 }}, ErrInvalid},
		"tree hash":                {welcomeForge{context: func(c *groupContext) { c.treeHash = random(32) }}, ErrInvalid},
		"other suite in the group": {welcomeForge{context: func(c *groupContext) { c.suite = 3 }}, ErrInvalid},
		"our leaf is missing":      {welcomeForge{tree: func(e *treeEdit) { e.remove(1) }}, ErrInvalid},
		"our leaf is changed": {welcomeForge{tree: func(e *treeEdit) {
			k, _ := stranger.newKeyPackage(KeyPackageConfig{})
			e.setLeaf(1, k.leaf)
		}}, ErrInvalid},
		"another's leaf unsigned": {welcomeForge{tree: func(e *treeEdit) {
			k, _ := stranger.newKeyPackage(KeyPackageConfig{})
			l := *k.leaf
			l.signature = random(64)
			var w writer
			l.encodeTBS(&w)
			w.vec(l.signature)
			l.raw = w.b
			e.add(&l)
		}}, ErrSignature},
		"leaf bound to another group": {welcomeForge{tree: func(e *treeEdit) {
			l := *stranger.kp.leaf
			l.source = sourceUpdate
			must(t, l.sign(stranger.signer, []byte("other"), 2))
			e.add(&l)
		}}, ErrSignature},
		"one signature key twice": {welcomeForge{tree: func(e *treeEdit) {
			k, _ := stranger.newKeyPackage(KeyPackageConfig{})
			e.add(stranger.kp.leaf)
			e.add(k.leaf)
		}}, ErrInvalid},
		"one encryption key twice": {welcomeForge{tree: func(e *treeEdit) {
			other := newMemberOf(t, stranger.suite, "other")
			l := *other.kp.leaf
			l.encryptionKey = stranger.kp.leaf.encryptionKey
			must(t, l.sign(other.signer, nil, 0))
			e.add(stranger.kp.leaf)
			e.add(&l)
		}}, ErrInvalid},
		"parent without a parent hash": {welcomeForge{tree: putParent(freshKey(t), nil)}, ErrInvalid},
		"parent of all unmerged":       {welcomeForge{tree: putParent(freshKey(t), nil, 0, 1)}, ErrInvalid},
		"unmerged leaf outside":        {welcomeForge{tree: putParent(freshKey(t), nil, 0, 9)}, ErrInvalid},
		"blank right half": {welcomeForge{creator: anna, tree: func(e *treeEdit) {
			l := *e.root.left.leaf
			e.extend()
			e.root.parent = &parentNode{encryptionKey: stranger.kp.initKey, unmergedLeaves: []uint32{1}}
			l.source, l.parentHash = sourceCommit, e.suite.parentHash(e.root.parent, e.root.right.hash)
			must(t, l.sign(anna.signer, []byte("group"), 0))
			e.setLeaf(0, &l)
		}}, errMalformed},
		"path secret kept back": {welcomeForge{creator: anna, tree: func(e *treeEdit) {
			l := *e.root.left.leaf
			putParent(stranger.kp.initKey, nil)(e)
			l.source, l.parentHash = sourceCommit, e.suite.parentHash(e.root.parent, e.suite.leafHash(1, e.root.right.leaf))
			must(t, l.sign(anna.signer, []byte("group"), 0))
			e.setLeaf(0, &l)
		}}, ErrInvalid},
		"more members than there may be": {welcomeForge{
			tree: func(e *treeEdit) { e.add(stranger.kp.leaf) }, join: func(cfg *JoinConfig) { cfg.MaxMembers = 2 },
		}, ErrUnsupported},
		"as many members as there may be": {welcomeForge{join: func(cfg *JoinConfig) { cfg.MaxMembers = 2 }}, nil},
		"group extension nobody has": {welcomeForge{context: func(c *groupContext) {
			c.extensions = []Extension{{0xf001, nil}}
		}}, ErrInvalid},
		"group extension we lack": {welcomeForge{extensions: []Extension{{0xf001, nil}}}, ErrInvalid},
		"group extension we have": {welcomeForge{
			extensions: []Extension{{0xf001, nil}}, kp: KeyPackageConfig{Capabilities: Capabilities{Extensions: []uint16{0xf001}}},
		}, nil},
		"reserved group extension": {welcomeForge{
			extensions: []Extension{{0x3a3a, nil}}, kp: KeyPackageConfig{Capabilities: Capabilities{Extensions: []uint16{0x3a3a}}},
		}, ErrInvalid},
		"required capabilities": {welcomeForge{context: func(c *groupContext) {
			c.extensions = []Extension{{ExtensionRequiredCapabilities, encoded(RequiredCapabilities{Proposals: []uint16{0xf001}})}}
		}}, ErrInvalid},
		"required capabilities malformed": {welcomeForge{context: func(c *groupContext) {
			c.extensions = []Extension{{ExtensionRequiredCapabilities, []byte{1, 2, 3}}}
		}}, errMalformed},
		"member without our credential type": {welcomeForge{leaf: func(l *leafNode) {
			l.capabilities.Credentials = []uint16{7}
		}}, ErrInvalid},
		"member without the suite": {welcomeForge{leaf: func(l *leafNode) {
			l.capabilities.Suites = []uint16{7}
		}}, ErrInvalid},
		"path secret without a parent": {welcomeForge{secrets: func(g *groupSecrets) { g.pathSecret = random(32) }}, ErrInvalid},
		"path secret of bad size":      {welcomeForge{secrets: func(g *groupSecrets) { g.pathSecret = random(31) }}, ErrInvalid},
		"signed by ourselves": {welcomeForge{
			joiner: bert, info: func(g *groupInfo) { g.signer = 1 }, signed: func(g *groupInfo) { must(t, g.sign(bert.signer)) },
		}, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := c.forge.attempt(t)
			if !errors.Is(err, c.want) || (e == nil) != (c.want != nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestPathSecretFits: the path secret of a Welcome is that of the lowest node above
// us and who added us (RFC 9420, §12.4.3.1): one that fits a parent above it, where
// that node is blank, is refused, and so is a wrong one.
func TestPathSecretFits(t *testing.T) {
	s := suites[0]
	secret := random(s.size)
	node, err := s.deriveSecret(secret, "node")
	must(t, err)
	_, public, err := s.hpke.derive(node)
	must(t, err)
	// Anna's path: the root of four leaves. The node above her and us is blank.
	anna, bert := newMemberOf(t, x25519, "anna"), newMemberOf(t, x25519, "bert")
	for name, c := range map[string]struct {
		blank  bool
		secret []byte
		want   error
	}{
		"that of its node":       {false, secret, nil},
		"of a node that is none": {true, secret, ErrInvalid},
		"another":                {false, random(s.size), ErrInvalid},
	} {
		f := welcomeForge{creator: anna, tree: func(e *treeEdit) {
			l := *e.root.left.leaf
			if c.blank {
				e.add(bert.kp.leaf) // the third, and with it a root
			}
			root, sibling := &parentNode{encryptionKey: public}, e.root.right
			if c.blank {
				root.unmergedLeaves = []uint32{1}
			}
			frozen := e.freeze()
			e.root = e.own(frozen.root, rootIndex(e.leaves))
			e.root.parent = root
			hash := s.parentHash(root, sibling.hash)
			l.source, l.parentHash = sourceCommit, hash
			must(t, l.sign(anna.signer, []byte("group"), 0))
			e.setLeaf(0, &l)
		}, secrets: func(g *groupSecrets) { g.pathSecret = bytes.Clone(c.secret) }}
		if _, err := f.attempt(t); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestLastEpoch: after the last epoch that has a number there is none.
func TestLastEpoch(t *testing.T) {
	e, err := welcomeForge{context: func(c *groupContext) { c.epoch = math.MaxUint64 }}.attempt(t)
	must(t, err)
	if _, err := e.Commit(nil, CommitConfig{Public: true}); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v, want %v", err, ErrInvalid)
	}
}

// TestTreeBeside joins with a tree that does not come in the Welcome.
func TestTreeBeside(t *testing.T) {
	var tree []byte
	f := welcomeForge{
		info: func(g *groupInfo) {
			tree, _ = findExtension(g.extensions, ExtensionRatchetTree)
			g.extensions = nil
		},
		join: func(cfg *JoinConfig) { cfg.RatchetTree = tree },
	}
	_, err := f.attempt(t)
	must(t, err)
	f.join = func(cfg *JoinConfig) { cfg.RatchetTree = append(tree, 0) }
	if _, err := f.attempt(t); err == nil {
		t.Error("a tree with a byte too many was taken")
	}
}

// TestJoinerSeesTheGroup: what the joiner needs to judge a group is there before it
// is saved.
func TestJoinerSeesTheGroup(t *testing.T) {
	a := newMemberOf(t, X25519_AES128GCM_SHA256_Ed25519, "anna")
	a.create(GroupConfig{GroupID: []byte("id"), Extensions: []Extension{{0xf001, []byte("rules")}}, Capabilities: Capabilities{Extensions: []uint16{0xf001}}})
	b := newMemberOf(t, a.suite, "bert")
	b.kp, b.secrets = b.newKeyPackage(KeyPackageConfig{Capabilities: Capabilities{Extensions: []uint16{0xf001}}})
	s := a.add(false, b)
	refs, err := WelcomeRefs(s.Welcome())
	must(t, err)
	if len(refs) != 1 || string(refs[0]) != string(b.kp.Ref()) {
		t.Errorf("got references %x", refs)
	}
	if string(b.epoch.GroupID()) != "id" || b.epoch.Number() != 1 || b.epoch.OwnLeaf() != 1 {
		t.Errorf("got group %q, epoch %d, leaf %d", b.epoch.GroupID(), b.epoch.Number(), b.epoch.OwnLeaf())
	}
	if data, _ := findExtension(b.epoch.Extensions(), 0xf001); string(data) != "rules" {
		t.Error("the group's extension did not come along")
	}
	var names []string
	for _, m := range b.epoch.Members() {
		names = append(names, string(m.Identity))
	}
	if len(names) != 2 || names[0] != "anna" || names[1] != "bert" {
		t.Errorf("got members %q", names)
	}
	x, err := a.epoch.Export("label", []byte("context"), 32)
	must(t, err)
	y, err := b.epoch.Export("label", []byte("context"), 32)
	must(t, err)
	z, err := b.epoch.Export("label", []byte("other"), 32)
	must(t, err)
	if string(x) != string(y) || string(x) == string(z) {
		t.Error("exports differ where they should not, or the other way round")
	}
	if _, err := a.epoch.Export("label", nil, 1<<20); err == nil {
		t.Error("an export of a megabyte was made")
	}
}
